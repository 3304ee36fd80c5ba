/** What a lookup in CRLs needs of a certificate: issuer, serial number and distribution points. */
import { BOOLEAN, certificateExtensions, childrenOf, type CertificateLayout, expectTag, isTrue, SEQUENCE } from './der.js'
import { type DistributionPoint, readDistributionPoints } from './distribution-point.js'
import { nameKey } from './name.js'
import { BASIC_CONSTRAINTS, CRL_DISTRIBUTION_POINTS } from './oids.js'

export interface CrlSubject {
  readonly bytes: Uint8Array
  /** Position of its serial number, as `SerialTable` takes it. */
  readonly serialStart: number
  readonly serialEnd: number
  /** The key of its issuer's name. */
  readonly issuer: string
  /** basicConstraints says that it is an authority. */
  readonly isAuthority: boolean
  /** Undefined where it names none. */
  readonly points: readonly DistributionPoint[] | undefined
}

/** @throws FST_ENDPOINT_DER_INVALID */
export function readSubject (bytes: Uint8Array, layout: CertificateLayout): CrlSubject {
  const { serialNumber } = layout
  const issuer = nameKey(bytes, layout.issuer)
  let isAuthority = false
  let points: DistributionPoint[] | undefined
  for (const { id, value } of certificateExtensions(bytes, layout)) {
    if (id === BASIC_CONSTRAINTS) {
      const [first] = childrenOf(bytes, expectTag(bytes, value.content, value.end, SEQUENCE))
      isAuthority = first?.tag === BOOLEAN && isTrue(bytes, first)
    }
    if (id === CRL_DISTRIBUTION_POINTS) points = readDistributionPoints(bytes, value, issuer)
  }
  const { content, end: serialEnd } = serialNumber
  return { bytes, serialStart: serialStart(bytes, content, serialEnd), serialEnd, issuer, isAuthority, points }
}

/**
 * The start of a serial number without bytes that only repeat its sign. DER has none, but other encodings of the same number
 * occur.
 */
export function serialStart (bytes: Uint8Array, content: number, end: number): number {
  let start = content
  while (end - start > 1) {
    const first = bytes[start]
    const isNegative = (bytes[start + 1] as number) >= 0x80
    if (!(first === 0 && !isNegative) && !(first === 0xff && isNegative)) break
    start++
  }
  return start
}
