/**
 * CRLs of the last load that stay in force though the files hold others now.
 *
 * Whoever can put an old CRL in the place of a newer one, or a broken one, must not thereby take somebody
 * off the list.
 */
import { quotePath } from '../../files.js'
import { crlsOf, isDelta, isNewer, seriesKeyOf, seriesOf, type SourcedCrl } from './series.js'
import type { Signer } from './signers.js'

/**
 * The CRLs to put in force.
 *
 * @param found what the files hold
 * @param before what was in force
 * @param isTroubled whether something could not be read, which may have been the successor of one that is
 *   not there any more
 */
export function withKept (found: readonly SourcedCrl[], before: readonly SourcedCrl[], { signers, isTroubled }: { signers: readonly Signer[], isTroubled: boolean }): { crls: SourcedCrl[], warnings: string[] } {
  const rivals = new Map(found.map((sourced) => [rivalKeyOf(sourced), sourced]))
  const isFound = new Set(found.map(({ digest }) => digest))
  const gone = before.filter((known) => !isFound.has(known.digest) && (isTroubled || rivals.has(rivalKeyOf(known))))
  // Of those that are gone, the ones that nothing has replaced: so what counts is asked in one place.
  const counting = new Set(seriesOf([...found, ...gone], signers).flatMap(crlsOf))
  const kept = gone.filter((known) => counting.has(known))
  const warnings: string[] = []
  for (const known of kept) {
    const rival = rivals.get(rivalKeyOf(known))
    if (rival === undefined || isNewer(rival.crl, known.crl)) continue
    warnings.push(`the CRL in ${quotePath(rival.source.file ?? '')} (${nameOf(rival)}) is older than the one that was there before (${nameOf(known)}), which stays in force for as long as this process runs`)
  }
  return { crls: [...found, ...kept], warnings }
}

/** The same for two CRLs exactly if one may stand where the other was. */
function rivalKeyOf (sourced: SourcedCrl): string {
  return `${isDelta(sourced) ? 'delta' : 'complete'} ${seriesKeyOf(sourced)}`
}

function nameOf ({ crl: { number, thisUpdate } }: SourcedCrl): string {
  return number === undefined ? `of ${new Date(thisUpdate).toISOString()}` : `number ${number}`
}
