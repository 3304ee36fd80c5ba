/**
 * CRLs of the last load that stay in force though the files hold others now.
 *
 * Whoever can put an old CRL in the place of a newer one, or a broken one, must not thereby take somebody
 * off the list.
 */
import { quotePath } from '../../files.js'
import { isNewer, seriesKeyOf, type SourcedCrl } from './series.js'

/**
 * The CRLs to put in force.
 *
 * @param found what the files hold
 * @param before what was in force
 * @param isTroubled whether something could not be read, which may have been the successor of one that is
 *   not there any more
 */
export function withKept (found: readonly SourcedCrl[], before: readonly SourcedCrl[], { isTroubled }: { isTroubled: boolean }): { crls: SourcedCrl[], warnings: string[] } {
  const series = new Map<string, SourcedCrl[]>()
  for (const sourced of found) {
    const key = seriesKeyOf(sourced)
    const others = series.get(key)
    if (others === undefined) series.set(key, [sourced])
    else others.push(sourced)
  }
  const kept: SourcedCrl[] = []
  const warnings: string[] = []
  for (const known of before) {
    const rivals = series.get(seriesKeyOf(known)) ?? []
    if (rivals.some((rival) => replaces(rival, known))) continue
    const older = rivals.find((rival) => isDelta(rival) === isDelta(known))
    if (older === undefined && !isTroubled) continue
    kept.push(known)
    if (older !== undefined) {
      warnings.push(`the CRL in ${quotePath(older.source.file ?? '')} (${nameOf(older)}) is older than the one that was there before (${nameOf(known)}), which stays in force for as long as this process runs`)
    }
  }
  return { crls: [...found, ...kept], warnings }
}

/** A newer complete CRL replaces all that came before it; a newer delta CRL replaces delta CRLs. */
function replaces (rival: SourcedCrl, known: SourcedCrl): boolean {
  if (rival.digest === known.digest) return true
  return isNewer(rival.crl, known.crl) && (!isDelta(rival) || isDelta(known))
}

function isDelta ({ crl }: SourcedCrl): boolean {
  return crl.baseNumber !== undefined
}

function nameOf ({ crl: { number, thisUpdate } }: SourcedCrl): string {
  return number === undefined ? `of ${new Date(thisUpdate).toISOString()}` : `number ${number}`
}
