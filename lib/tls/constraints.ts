/**
 * The constraints that an authority sets for paths through it (RFC 5280 section 4.2.1). They matter where a path replaces a
 * revoked one that OpenSSL may have accepted.
 */
import { BOOLEAN, certificateExtensions, childrenOf, type DerElement, hexOf, INTEGER, readCertificate } from '../x509/der.js'
import {
  AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, CLIENT_AUTH, EXTENDED_KEY_USAGE, KEY_USAGE, SUBJECT_KEY_IDENTIFIER
} from '../x509/oids.js'

interface Constraints {
  /** pathLenConstraint: how many authorities that are not self-issued may follow below. */
  readonly pathLength: number
  /**
   * Whether it limits names or policies, is not for clients, or has an unknown critical extension. Only OpenSSL could verify
   * such a path.
   */
  readonly restrictive: boolean
}

/** nameConstraints, policyConstraints, inhibitAnyPolicy. */
const RESTRICTIVE: ReadonlySet<number> = new Set([30, 36, 54])
/** `checkIssued` and this file check them. */
const UNDERSTOOD: ReadonlySet<number | undefined> = new Set([
  SUBJECT_KEY_IDENTIFIER, KEY_USAGE, BASIC_CONSTRAINTS, AUTHORITY_KEY_IDENTIFIER, EXTENDED_KEY_USAGE
])

/**
 * Reads the constraints of a certificate.
 * @param der the certificate
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readConstraints (der: Uint8Array): Constraints {
  let pathLength = Infinity
  let restrictive = false
  for (const { id, critical, value } of certificateExtensions(der, readCertificate(der))) {
    if (critical && !UNDERSTOOD.has(id)) restrictive = true
    if (id === undefined) continue
    if (RESTRICTIVE.has(id)) restrictive = true
    if (id === EXTENDED_KEY_USAGE && !isForClients(der, value)) restrictive = true
    if (id === BASIC_CONSTRAINTS) pathLength = pathLengthOf(der, value)
  }
  return { pathLength, restrictive }
}

/** BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
function pathLengthOf (der: Uint8Array, value: DerElement): number {
  const [constraints] = childrenOf(der, value)
  if (constraints === undefined) return Infinity
  for (const { tag, content, end } of childrenOf(der, constraints)) {
    if (tag === BOOLEAN) continue
    // One byte holds every length that a path can have; a longer number is no limit.
    if (tag === INTEGER && end - content === 1) return der[content] as number
  }
  return Infinity
}

/** ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId. OpenSSL requires this one: it does not accept anyExtendedKeyUsage. */
function isForClients (der: Uint8Array, value: DerElement): boolean {
  const [purposes] = childrenOf(der, value)
  return purposes !== undefined && [...childrenOf(der, purposes)].some((purpose) => hexOf(der, purpose) === CLIENT_AUTH)
}
