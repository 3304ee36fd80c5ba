/**
 * CRLs of the last load that stay in force although the files no longer hold them.
 *
 * An attacker who can replace a CRL by an older one, a broken one or none must un-revoke nobody. A CRL that is no longer
 * in its file goes out of force only when a newer one replaces it, or when its line is removed from the list.
 */
import { quotePath } from '../../text/printable.js'
import { originPlace } from '../set/origin.js'
import type { Crl } from './crl.js'
import { crlsOf, isDelta, isLater, isNewer, isSound, seriesKeyOf, seriesOf, type SourcedCrl } from './series.js'
import type { Authority } from '../../x509/authorities.js'

/** Number and time of the newest complete CRL without a defect that each series has had in force. */
export type NewestCrls = ReadonlyMap<string, Pick<Crl, 'number' | 'thisUpdate'>>

/** Retained CRLs of one key without a readable number or date: nothing ever replaces them. */
const MOST_TIMELESS = 16
/** Retained CRLs of one key, and of all keys: a CRL of a new scope replaces none. */
const MOST_OF_KEY = 1000
const MOST_IN_ALL = 10_000
/** Series of one key whose newest CRL is remembered, besides those in force. */
const MOST_REMEMBERED = 10_000

export interface RetentionOptions {
  readonly signers: readonly Authority[]
  /** The CRLs that were in force. */
  readonly previous: readonly SourcedCrl[]
  readonly newest: NewestCrls
  /** Whether a CRL that is gone and not replaced stays in force. */
  readonly mayStay: (gone: SourcedCrl) => boolean
  /** Whether its line was removed from the list. */
  readonly isLineRemoved: (gone: Pick<DroppedCrl, 'pattern'>) => boolean
  /** Number of entries that retained CRLs may have. */
  readonly room: number
}

/** A CRL that should have been retained, but exceeded a limit and was dropped. */
export interface DroppedCrl extends Pick<SourcedCrl, 'source'> {
  readonly issuerText: string
  readonly pattern?: string | undefined
}

export interface RetentionResult {
  readonly crls: SourcedCrl[]
  /** The retained ones among them. */
  readonly retained: readonly SourcedCrl[]
  /** Those that exceed a limit and are dropped. */
  readonly dropped: readonly SourcedCrl[]
  readonly newest: NewestCrls
  readonly warnings: string[]
}

/**
 * Selects the CRLs to put in force: those found, and those to retain.
 *
 * @param found the CRLs that the files hold now
 */
export function retainCrls (found: readonly SourcedCrl[], options: RetentionOptions): RetentionResult {
  const { signers, previous, newest, mayStay, isLineRemoved, room } = options
  const rivals = new Map(found.map((sourced) => [seriesKeyOf(sourced), sourced]))
  const places = new Places(found)
  const isFound = new Set(found.map(({ digest }) => digest))
  const gone = previous.filter((known) => {
    if (isFound.has(known.digest) || isLineRemoved(known)) return false
    return rivals.has(seriesKeyOf(known)) || mayStay(known) || places.lesserThan(known) !== undefined
  })
  // `seriesOf` decides which of those that are gone are not replaced.
  const counting = new Set(seriesOf([...found, ...gone], signers).flatMap(crlsOf))
  const { retained, dropped } = withinLimits(gone.filter((known) => counting.has(known)), room)
  const warnings: string[] = []
  for (const known of retained) {
    const rival = rivals.get(seriesKeyOf(known)) ?? places.lesserThan(known)
    if (rival === undefined || isNewer(rival.crl, known.crl)) continue
    const how = isNewer(known.crl, rival.crl) ? 'is older than' : 'cannot replace'
    warnings.push(`${textOf(rival)} ${how} the previous one (${crlLabel(known)}), which stays in force`)
  }
  const crls = [...found, ...retained]
  const remembered = new Map(newest)
  /** The newest complete CRL of each series. */
  const present = new Map<string, SourcedCrl>()
  for (const sourced of crls) {
    if (isDelta(sourced)) continue
    const key = seriesKeyOf(sourced)
    if (isNewer(sourced.crl, present.get(key)?.crl)) present.set(key, sourced)
    const { number, thisUpdate } = sourced.crl
    if (isSound(sourced) && isNewer(sourced.crl, remembered.get(key))) remembered.set(key, { number, thisUpdate })
  }
  forgetOldest(remembered, present)
  const { outdated, rest } = withoutProof(crls, remembered)
  for (const one of outdated) {
    if (isNewer(present.get(seriesKeyOf(one))?.crl ?? one.crl, one.crl)) continue
    const proof = 'it revokes what it lists, but proves no certificate good'
    warnings.push(`${textOf(one)} is older than a previous one: ${proof}`)
  }
  return { crls: rest, retained, dropped, newest: remembered, warnings }
}

function textOf (sourced: SourcedCrl): string {
  return `the CRL in ${quotePath(originPlace(sourced.source))} (${crlLabel(sourced)})`
}

/**
 * Divides the CRLs that are gone by the limits. For each key the latest come first. A key with too many of them takes
 * no space from the others.
 */
function withinLimits (gone: readonly SourcedCrl[], room: number): { retained: SourcedCrl[], dropped: SourcedCrl[] } {
  interface Share { timeless: number, crls: number, entries: number }
  const shares = new Map<string, Share>()
  const ranked: Array<{ sourced: SourcedCrl, rank: number }> = []
  for (const sourced of gone) {
    const { signer, crl: { number, thisUpdate, entries } } = sourced
    const share = shares.get(signer) ?? { timeless: 0, crls: 0, entries: 0 }
    shares.set(signer, share)
    if (number === undefined && thisUpdate === undefined && ++share.timeless > MOST_TIMELESS) continue
    if (++share.crls > MOST_OF_KEY) continue
    share.entries += entries.size
    ranked.push({ sourced, rank: share.crls + share.entries })
  }
  const kept = new Set<SourcedCrl>()
  let left = room
  for (const { sourced } of ranked.sort((a, b) => a.rank - b.rank)) {
    const { size } = sourced.crl.entries
    if (kept.size === MOST_IN_ALL || size > left) continue
    kept.add(sourced)
    left -= size
  }
  return { retained: gone.filter((one) => kept.has(one)), dropped: gone.filter((one) => !kept.has(one)) }
}

/** Bounds the memory that one signer can fill with short-lived series. */
function forgetOldest (remembered: Map<string, unknown>, present: ReadonlyMap<string, unknown>): void {
  const counts = new Map<string, number>()
  // The signer is the part before the first blank: see `seriesKeyOf`.
  const signerOf = (key: string): string => key.slice(0, key.indexOf(' '))
  for (const key of remembered.keys()) counts.set(signerOf(key), (counts.get(signerOf(key)) ?? 0) + 1)
  for (const key of remembered.keys()) {
    const count = counts.get(signerOf(key)) as number
    if (count <= MOST_REMEMBERED || present.has(key)) continue
    counts.set(signerOf(key), count - 1)
    remembered.delete(key)
  }
}

/** The CRLs found, by file and issuer. */
class Places {
  readonly #crls = new Map<string, { oldest?: SourcedCrl, unsound?: SourcedCrl }>()

  constructor (found: readonly SourcedCrl[]) {
    for (const sourced of found) {
      const key = this.#placeKey(sourced)
      const known = this.#crls.get(key) ?? {}
      this.#crls.set(key, known)
      if (known.oldest === undefined || isLater(known.oldest.crl, sourced.crl)) known.oldest = sourced
      if (!isSound(sourced)) known.unsound ??= sourced
    }
  }

  /** A CRL of the same issuer in the same file that is older or has a defect; its scope or key may differ. */
  lesserThan (known: SourcedCrl): SourcedCrl | undefined {
    const { oldest, unsound } = this.#crls.get(this.#placeKey(known)) ?? {}
    return oldest !== undefined && isLater(known.crl, oldest.crl) ? oldest : unsound
  }

  #placeKey ({ source, crl: { issuer } }: SourcedCrl): string {
    return `${issuer}\n${originPlace(source)}`
  }
}

/** Marks old CRLs that have come back after a newer one: they revoke, but prove nothing. */
function withoutProof (crls: readonly SourcedCrl[], newest: NewestCrls): { outdated: SourcedCrl[], rest: SourcedCrl[] } {
  const outdated: SourcedCrl[] = []
  const rest = crls.map((sourced) => {
    const last = newest.get(seriesKeyOf(sourced))
    if (isDelta(sourced) || last === undefined || !isNewer(last, sourced.crl)) return sourced
    const marked = { ...sourced, crl: { ...sourced.crl, defect: 'a newer one was in force before' } }
    outdated.push(marked)
    return marked
  })
  return { outdated, rest }
}

/** The number or date of a CRL, for messages. */
export function crlLabel ({ crl: { number, thisUpdate } }: Pick<SourcedCrl, 'crl'>): string {
  if (number !== undefined) return `number ${number}`
  return thisUpdate === undefined ? 'without a readable date' : `of ${new Date(thisUpdate).toISOString()}`
}
