/**
 * Warns of CRLs that expire. Unnoticed, an expired CRL rejects everybody under one policy, and misses the
 * newest revocations under the other.
 */
import type { Expiring } from '../../watching/expiry-warnings.js'
import { quotePath } from '../../text/printable.js'
import { originPlace } from '../set/origin.js'
import type { SourcedCrl } from './series.js'

/** The warning comes in this last part of the lifetime of a CRL. */
export const LAST_PART_OF_CRL = 1 / 5

export interface ExpiringCrl extends Expiring {
  /** For messages. */
  readonly issuer: string
}

export function expiringCrls (crls: readonly SourcedCrl[]): ExpiringCrl[] {
  return crls.flatMap(({ crl: { issuerText, thisUpdate, nextUpdate }, digest, source }) => nextUpdate === undefined
    ? []
    : {
        id: digest,
        file: originPlace(source),
        issuer: issuerText,
        begins: thisUpdate ?? nextUpdate,
        ends: nextUpdate,
        soon: `the CRL in ${quotePath(originPlace(source))} expires soon: publish a newer one`,
        over: `the CRL in ${quotePath(originPlace(source))} has expired: publish a newer one. What it revokes stays revoked`,
        details: { file: quotePath(originPlace(source)), nextUpdate: new Date(nextUpdate).toISOString() }
      })
}
