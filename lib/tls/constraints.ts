/**
 * What an authority's certificate says of the paths through it (RFC 5280 section 4.2.1), as far as
 * it matters where a path stands in for one that is revoked and that OpenSSL may have taken.
 */
import { BOOLEAN, childrenOf, type DerElement, INTEGER, isTrue, OCTET_STRING, readElement } from '../x509/der.js'

export interface Constraints {
  /** pathLenConstraint: how many authorities that are not self-issued may stand below. */
  readonly pathLength: number
  /**
   * Whether it limits names or policies, is not for clients, or has a critical extension that is not known here: then only
   * OpenSSL could say whether a path holds.
   */
  readonly restrictive: boolean
}

/** Extension ids below 2.5.29 (DER: 55 1D, then the number). */
const BASIC_CONSTRAINTS = 19
const EXTENDED_KEY_USAGE = 37
/** nameConstraints, policyConstraints, inhibitAnyPolicy. */
const RESTRICTIVE: ReadonlySet<number> = new Set([30, 36, 54])
/** subjectKeyIdentifier, keyUsage, basicConstraints, authorityKeyIdentifier, extKeyUsage: `checkIssued` and this file look at them. */
const UNDERSTOOD: ReadonlySet<number | undefined> = new Set([14, 15, BASIC_CONSTRAINTS, 35, EXTENDED_KEY_USAGE])
/** id-kp-clientAuth (RFC 5280 section 4.2.1.12). OpenSSL asks for it by name: any purpose is none to it. */
const CLIENT_AUTH = Buffer.from('2b06010505070302', 'hex')

const EXTENSIONS = 0xa3

/**
 * Reads the constraints of a certificate.
 * @param der the certificate
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readConstraints (der: Uint8Array): Constraints {
  let pathLength = Infinity
  let restrictive = false
  for (const { id, critical, value } of extensionsOf(der)) {
    if (critical && !UNDERSTOOD.has(id)) restrictive = true
    if (id === undefined) continue
    if (RESTRICTIVE.has(id)) restrictive = true
    if (id === EXTENDED_KEY_USAGE && !isForClients(der, value)) restrictive = true
    if (id === BASIC_CONSTRAINTS) pathLength = pathLengthOf(der, value)
  }
  return { pathLength, restrictive }
}

/** The extensions with their number below 2.5.29, undefined for those of other arcs. */
function * extensionsOf (der: Uint8Array): Generator<{ id: number | undefined, critical: boolean, value: DerElement }> {
  const certificate = readElement(der, 0, der.length)
  const tbs = readElement(der, certificate.content, certificate.end)
  for (const field of childrenOf(der, tbs)) {
    if (field.tag !== EXTENSIONS) continue
    const [list] = childrenOf(der, field)
    if (list === undefined) return
    for (const extension of childrenOf(der, list)) {
      const parts = [...childrenOf(der, extension)]
      const oid = parts[0]
      const value = parts.find(({ tag }) => tag === OCTET_STRING)
      if (oid === undefined || value === undefined) continue
      const isBelow = oid.end - oid.content === 3 && der[oid.content] === 0x55 && der[oid.content + 1] === 0x1d
      yield { id: isBelow ? der[oid.content + 2] : undefined, critical: parts.some((part) => part.tag === BOOLEAN && isTrue(der, part)), value }
    }
  }
}

/** BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL } */
function pathLengthOf (der: Uint8Array, value: DerElement): number {
  const [constraints] = childrenOf(der, value)
  if (constraints === undefined) return Infinity
  for (const { tag, content, end } of childrenOf(der, constraints)) {
    if (tag === BOOLEAN) continue
    // One byte holds any length that a path can have.
    if (tag === INTEGER && end - content === 1) return der[content] as number
  }
  return Infinity
}

/** ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId */
function isForClients (der: Uint8Array, value: DerElement): boolean {
  const [purposes] = childrenOf(der, value)
  return purposes !== undefined && [...childrenOf(der, purposes)].some(({ content, end }) => CLIENT_AUTH.equals(der.subarray(content, end)))
}
