/**
 * CRLs of the last load that stay in force though the files hold others now.
 *
 * Whoever can put an old CRL in the place of a newer one, or a broken one, or none, must not thereby take somebody
 * off the list: a CRL says itself what it is to be replaced by. One that is not in its file any more yields
 * only to that, or when its line is taken out of the list.
 */
import { quotePath } from '../../text/printable.js'
import { originPlace } from '../set/origin.js'
import type { Crl } from './crl.js'
import { crlsOf, isDelta, isLater, isNewer, isSound, seriesKeyOf, seriesOf, type SourcedCrl } from './series.js'
import type { Authority } from '../../x509/authorities.js'

/** The newest complete CRL without a defect that each series has had in force, as far as it is needed to tell whether another is newer. */
export type NewestCrls = ReadonlyMap<string, Pick<Crl, 'number' | 'thisUpdate'>>

/** CRLs of one key with neither a number nor a date that can be read, of those that are gone: nothing ever replaces them. */
const MOST_TIMELESS = 16
/** CRLs of one key of those that are gone, and of all keys: each new scope of one is a CRL that replaces none. */
const MOST_OF_KEY = 1000
const MOST_IN_ALL = 10_000
/** Series of one key of which the newest CRL is remembered, beside those that are there. */
const MOST_REMEMBERED = 10_000

export interface RetentionOptions {
  readonly signers: readonly Authority[]
  /** What was in force. */
  readonly before: readonly SourcedCrl[]
  readonly newest: NewestCrls
  /** Whether one that is not there any more, and that nothing has replaced, stays. */
  readonly stays: (gone: SourcedCrl) => boolean
  /** Whether the line that named it was taken out of the list. */
  readonly isTakenOut: (gone: Pick<GivenUpCrl, 'pattern'>) => boolean
  /** Entries that those which are gone may have. */
  readonly room: number
}

/** What is remembered of a CRL that should be in force and is not. */
export interface GivenUpCrl extends Pick<SourcedCrl, 'source'> {
  readonly issuerText: string
  readonly pattern?: string | undefined
}

export interface RetentionResult {
  readonly crls: SourcedCrl[]
  /** Those of them that were not found. */
  readonly kept: readonly SourcedCrl[]
  /** Those that would have stayed, but are too many. */
  readonly givenUp: readonly SourcedCrl[]
  readonly newest: NewestCrls
  readonly warnings: string[]
}

/**
 * The CRLs to put in force.
 *
 * @param found what the files hold
 */
export function retainCrls (found: readonly SourcedCrl[], { signers, before, newest, stays, isTakenOut, room }: RetentionOptions): RetentionResult {
  const rivals = new Map(found.map((sourced) => [seriesKeyOf(sourced), sourced]))
  const places = new Places(found)
  const isFound = new Set(found.map(({ digest }) => digest))
  const gone = before.filter((known) => {
    if (isFound.has(known.digest) || isTakenOut(known)) return false
    return rivals.has(seriesKeyOf(known)) || stays(known) || places.lesserThan(known) !== undefined
  })
  // Of those that are gone, the ones that nothing has replaced: so what counts is asked in one place.
  const counting = new Set(seriesOf([...found, ...gone], signers).flatMap(crlsOf))
  const { kept, givenUp } = withinBounds(gone.filter((known) => counting.has(known)), room)
  const warnings: string[] = []
  for (const known of kept) {
    const rival = rivals.get(seriesKeyOf(known)) ?? places.lesserThan(known)
    if (rival === undefined || isNewer(rival.crl, known.crl)) continue
    const how = isNewer(known.crl, rival.crl) ? 'is older than' : 'cannot take the place of'
    warnings.push(`${textOf(rival)} ${how} the one that was there before (${crlLabel(known)}), which stays in force`)
  }
  const crls = [...found, ...kept]
  const remembered = new Map(newest)
  /** Of those that are there, the newest complete one of each series. */
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
    const proof = 'it revokes what it lists, but proves of no certificate that it is good'
    warnings.push(`${textOf(one)} is older than one that was there before: ${proof}`)
  }
  return { crls: rest, kept, givenUp, newest: remembered, warnings }
}

function textOf (sourced: SourcedCrl): string {
  return `the CRL in ${quotePath(originPlace(sourced.source))} (${crlLabel(sourced)})`
}

/**
 * Those that are gone and may stay. Of each key the ones that came last, which stand first; and what one key has too much
 * takes nothing from the others.
 */
function withinBounds (gone: readonly SourcedCrl[], room: number): { kept: SourcedCrl[], givenUp: SourcedCrl[] } {
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
  return { kept: gone.filter((one) => kept.has(one)), givenUp: gone.filter((one) => !kept.has(one)) }
}

/** Who signs CRLs must not fill the memory with series that come and go. */
function forgetOldest (remembered: Map<string, unknown>, present: ReadonlyMap<string, unknown>): void {
  const counts = new Map<string, number>()
  // A key has no blank in it: see `seriesKeyOf`.
  const signerOf = (key: string): string => key.slice(0, key.indexOf(' '))
  for (const key of remembered.keys()) counts.set(signerOf(key), (counts.get(signerOf(key)) ?? 0) + 1)
  for (const key of remembered.keys()) {
    const count = counts.get(signerOf(key)) as number
    if (count <= MOST_REMEMBERED || present.has(key)) continue
    counts.set(signerOf(key), count - 1)
    remembered.delete(key)
  }
}

/** What the files hold, by file and issuer. */
class Places {
  readonly #found = new Map<string, { oldest?: SourcedCrl, unsound?: SourcedCrl }>()

  constructor (found: readonly SourcedCrl[]) {
    for (const sourced of found) {
      const key = this.#keyOf(sourced)
      const known = this.#found.get(key) ?? {}
      this.#found.set(key, known)
      if (known.oldest === undefined || isLater(known.oldest.crl, sourced.crl)) known.oldest = sourced
      if (!isSound(sourced)) known.unsound ??= sourced
    }
  }

  /** A CRL of the same issuer in the place of another that is older, or has a defect, perhaps of another scope or another key of it. */
  lesserThan (known: SourcedCrl): SourcedCrl | undefined {
    const { oldest, unsound } = this.#found.get(this.#keyOf(known)) ?? {}
    return oldest !== undefined && isLater(known.crl, oldest.crl) ? oldest : unsound
  }

  #keyOf ({ source, crl: { issuer } }: SourcedCrl): string {
    return `${issuer}\n${originPlace(source)}`
  }
}

/** An old one that is put there again, after the newer one was taken away, may revoke but prove nothing. */
function withoutProof (crls: readonly SourcedCrl[], newest: NewestCrls): { outdated: SourcedCrl[], rest: SourcedCrl[] } {
  const outdated: SourcedCrl[] = []
  const rest = crls.map((sourced) => {
    const last = newest.get(seriesKeyOf(sourced))
    if (isDelta(sourced) || last === undefined || !isNewer(last, sourced.crl)) return sourced
    const marked = { ...sourced, crl: { ...sourced.crl, defect: 'a newer one was there before' } }
    outdated.push(marked)
    return marked
  })
  return { outdated, rest }
}

/** What tells a CRL from others of its issuer. */
export function crlLabel ({ crl: { number, thisUpdate } }: Pick<SourcedCrl, 'crl'>): string {
  if (number !== undefined) return `number ${number}`
  return thisUpdate === undefined ? 'of no date that can be read' : `of ${new Date(thisUpdate).toISOString()}`
}
