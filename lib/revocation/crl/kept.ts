/**
 * CRLs of the last load that stay in force though the files hold others now.
 *
 * Whoever can put an old CRL in the place of a newer one, or a broken one, or none, must not thereby take somebody
 * off the list: a CRL says itself what it is to be replaced by. One that is not in its file any more yields
 * only to that, or when its line is taken out of the list.
 */
import { quotePath } from '../../files.js'
import { placeOf } from '../revocation-set.js'
import type { Crl } from './crl.js'
import { crlsOf, isDelta, isLater, isNewer, isSound, seriesKeyOf, seriesOf, type SourcedCrl } from './series.js'
import type { Signer } from './signers.js'

/** The newest complete CRL without a defect that each series has had in force, as far as it is needed to tell whether another is newer. */
export type NewestCrls = ReadonlyMap<string, Pick<Crl, 'number' | 'thisUpdate'>>

/** CRLs with neither a number nor a date that can be read, of those that are gone. */
const MOST_TIMELESS = 16

export interface Keeping {
  readonly signers: readonly Signer[]
  /** What was in force. */
  readonly before: readonly SourcedCrl[]
  readonly newest: NewestCrls
  /** Whether one that is not there any more, and that nothing has replaced, stays. */
  readonly stays: (gone: SourcedCrl) => boolean
  /** Whether the line that named it was taken out of the list. */
  readonly isTakenOut: (gone: SourcedCrl) => boolean
}

export interface Kept {
  readonly crls: SourcedCrl[]
  /** Those of them that were not found. */
  readonly kept: readonly SourcedCrl[]
  readonly newest: NewestCrls
  readonly warnings: string[]
}

/**
 * The CRLs to put in force.
 *
 * @param found what the files hold
 */
export function withKept (found: readonly SourcedCrl[], { signers, before, newest, stays, isTakenOut }: Keeping): Kept {
  const rivals = new Map(found.map((sourced) => [seriesKeyOf(sourced), sourced]))
  const isFound = new Set(found.map(({ digest }) => digest))
  const gone = before.filter((known) => !isFound.has(known.digest) && !isTakenOut(known) && (rivals.has(seriesKeyOf(known)) || stays(known) || found.some((other) => isLesserInItsPlace(other, known))))
  // Of those that are gone, the ones that nothing has replaced: so what counts is asked in one place.
  const counting = new Set(seriesOf([...found, ...gone], signers).flatMap(crlsOf))
  const kept = withinBound(gone.filter((known) => counting.has(known)))
  const warnings: string[] = []
  for (const known of kept) {
    const rival = rivals.get(seriesKeyOf(known)) ?? found.find((other) => isLesserInItsPlace(other, known))
    if (rival === undefined || isNewer(rival.crl, known.crl)) continue
    warnings.push(`the CRL in ${quotePath(placeOf(rival.source))} (${nameOf(rival)}) ${isNewer(known.crl, rival.crl) ? 'is older than' : 'cannot take the place of'} the one that was there before (${nameOf(known)}), which stays in force`)
  }
  const crls = [...found, ...kept]
  const remembered = new Map(newest)
  for (const sourced of crls) {
    const key = seriesKeyOf(sourced)
    if (!isDelta(sourced) && isSound(sourced) && isNewer(sourced.crl, remembered.get(key))) remembered.set(key, { number: sourced.crl.number, thisUpdate: sourced.crl.thisUpdate })
  }
  const { outdated, rest } = withoutProof(crls, remembered)
  for (const one of outdated) {
    if (crls.every((other) => seriesKeyOf(other) !== seriesKeyOf(one) || isDelta(other) || !isNewer(other.crl, one.crl))) {
      warnings.push(`the CRL in ${quotePath(placeOf(one.source))} (${nameOf(one)}) is older than one that was there before: it revokes what it lists, but proves of no certificate that it is good`)
    }
  }
  return { crls: rest, kept, newest: remembered, warnings }
}

/** Those that nothing ever tells to be older than others would become more with every reload. The ones that came last stand first. */
function withinBound (kept: readonly SourcedCrl[]): SourcedCrl[] {
  const timeless = kept.filter(({ crl: { number, thisUpdate } }) => number === undefined && thisUpdate === undefined)
  const excess = new Set(timeless.slice(MOST_TIMELESS))
  return kept.filter((known) => !excess.has(known))
}

/**
 * A file that holds an older CRL of the same issuer than it did, or one with a defect, perhaps of another scope or another key
 * of it.
 */
function isLesserInItsPlace (other: SourcedCrl, known: SourcedCrl): boolean {
  return placeOf(other.source) === placeOf(known.source) && other.crl.issuer === known.crl.issuer && (isLater(known.crl, other.crl) || !isSound(other))
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
export function nameOf ({ crl: { number, thisUpdate } }: Pick<SourcedCrl, 'crl'>): string {
  if (number !== undefined) return `number ${number}`
  return thisUpdate === undefined ? 'of no date that can be read' : `of ${new Date(thisUpdate).toISOString()}`
}
