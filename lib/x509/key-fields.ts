/**
 * The key fields of Node's PeerCertificate, read from the SubjectPublicKeyInfo: on some versions of Node, asking for the
 * details of an untrusted key ends the process.
 */
import { BIT_STRING, expectTag, hexOf, INTEGER, OBJECT_IDENTIFIER, readElement, SEQUENCE, type DerElement } from './der.js'
import { type Curve, CURVES, EC_PUBLIC_KEY, RSA_ENCRYPTION, RSASSA_PSS } from './oids.js'

/** The properties of a key in `PeerCertificate`. Node shows none for keys other than RSA and EC. */
interface KeyFields {
  bits?: number
  pubkey?: Buffer
  modulus?: string
  exponent?: string
  asn1Curve?: string
  nistCurve?: string
}

/**
 * The fields of a key; none where the key cannot be read.
 * @param spki the SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7)
 */
export function keyFields (spki: Buffer): KeyFields {
  try {
    return readFields(spki)
  } catch {
    return {}
  }
}

/** @throws FST_ENDPOINT_DER_INVALID */
function readFields (spki: Buffer): KeyFields {
  const whole = expectTag(spki, 0, spki.length, SEQUENCE)
  const algorithm = expectTag(spki, whole.content, whole.end, SEQUENCE)
  const oid = expectTag(spki, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
  const bits = expectTag(spki, algorithm.end, whole.end, BIT_STRING)
  // The first byte says how many bits of the last one do not count.
  const key = spki.subarray(bits.content + 1, bits.end)
  switch (hexOf(spki, oid)) {
    case RSA_ENCRYPTION:
    case RSASSA_PSS: return { ...rsaFields(key), pubkey: Buffer.from(spki) }
    case EC_PUBLIC_KEY: return ecFields(key, curveOf(spki, readElement(spki, oid.end, algorithm.end)))
    default: return {}
  }
}

/** RFC 8017 section A.1.1. */
function rsaFields (key: Buffer): KeyFields {
  const sequence = expectTag(key, 0, key.length, SEQUENCE)
  const modulus = expectTag(key, sequence.content, sequence.end, INTEGER)
  const exponent = expectTag(key, modulus.end, sequence.end, INTEGER)
  const digits = hexOf(key, modulus).replace(/^(?:00)+/, '')
  return {
    modulus: digits.toUpperCase(),
    bits: digits === '' ? 0 : digits.length * 4 - (Math.clz32(parseInt(digits.slice(0, 2), 16)) - 24),
    exponent: `0x${hexOf(key, exponent).replace(/^0+(?=.)/, '')}`
  }
}

/** RFC 5480 section 2.2: the key is the point. */
function ecFields (key: Buffer, curve?: Curve): KeyFields {
  if (curve === undefined) return { pubkey: Buffer.from(key) }
  const { name: asn1Curve, nistName: nistCurve, bits } = curve
  return { bits, pubkey: Buffer.from(key), asn1Curve, ...(nistCurve !== undefined && { nistCurve }) }
}

/** Undefined where the parameters do not name a known curve. */
function curveOf (spki: Buffer, parameters: DerElement): Curve | undefined {
  return parameters.tag === OBJECT_IDENTIFIER ? CURVES.get(hexOf(spki, parameters)) : undefined
}
