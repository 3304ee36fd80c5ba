/**
 * CRLs that come to their end: an expired one that nobody has noticed refuses everybody under one policy,
 * and misses the newest revocations under the other.
 */
import type { Expiring } from '../../watching/expiry-warnings.js'
import { quotePath } from '../../text/printable.js'
import { originPlace } from '../set/origin.js'
import type { SourcedCrl } from './series.js'

/** Of the life of a CRL, what is left when it is warned of. */
export const LAST_PART_OF_CRL = 1 / 5

export interface ExpiringCrl extends Expiring {
  /** As a person reads it. */
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
        over: `the CRL in ${quotePath(originPlace(source))} has expired: what it revokes stays revoked, what was revoked since is not known; publish a newer one`,
        details: { file: quotePath(originPlace(source)), nextUpdate: new Date(nextUpdate).toISOString() }
      })
}
