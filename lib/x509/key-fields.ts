/**
 * What Node's form of a certificate says of its public key, read from the SubjectPublicKeyInfo itself: on some
 * versions of Node, asking it for the details of a key that came from outside ends the process.
 */
import { BIT_STRING, expect, INTEGER, OBJECT_IDENTIFIER, readElement, SEQUENCE, type DerElement } from './der.js'

/** The properties of a key in `PeerCertificate`; of other keys than RSA and EC Node shows none. */
export interface KeyFields {
  bits?: number
  pubkey?: Buffer
  modulus?: string
  exponent?: string
  asn1Curve?: string
  nistCurve?: string
}

const RSA_ENCRYPTION = '2a864886f70d010101'
const RSASSA_PSS = '2a864886f70d01010a'
const EC_PUBLIC_KEY = '2a8648ce3d0201'

interface Curve {
  readonly asn1Curve: string
  readonly nistCurve?: string
  readonly bits: number
}

/** By their object identifiers in hexadecimal: the names are those of OpenSSL, the bits those of the order. */
const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['2a8648ce3d030101', { asn1Curve: 'prime192v1', nistCurve: 'P-192', bits: 192 }],
  ['2b81040021', { asn1Curve: 'secp224r1', nistCurve: 'P-224', bits: 224 }],
  ['2a8648ce3d030107', { asn1Curve: 'prime256v1', nistCurve: 'P-256', bits: 256 }],
  ['2b81040022', { asn1Curve: 'secp384r1', nistCurve: 'P-384', bits: 384 }],
  ['2b81040023', { asn1Curve: 'secp521r1', nistCurve: 'P-521', bits: 521 }],
  ['2b8104000a', { asn1Curve: 'secp256k1', bits: 256 }],
  ['2b2403030208010107', { asn1Curve: 'brainpoolP256r1', bits: 256 }],
  ['2b240303020801010b', { asn1Curve: 'brainpoolP384r1', bits: 384 }],
  ['2b240303020801010d', { asn1Curve: 'brainpoolP512r1', bits: 512 }]
])

/**
 * The fields of a key. A key that is not what it says has none.
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
  const whole = expect(spki, 0, spki.length, SEQUENCE)
  const algorithm = expect(spki, whole.content, whole.end, SEQUENCE)
  const oid = expect(spki, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
  const bits = expect(spki, algorithm.end, whole.end, BIT_STRING)
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
  const sequence = expect(key, 0, key.length, SEQUENCE)
  const modulus = expect(key, sequence.content, sequence.end, INTEGER)
  const exponent = expect(key, modulus.end, sequence.end, INTEGER)
  const digits = hexOf(key, modulus).replace(/^(?:00)+/, '')
  return {
    modulus: digits.toUpperCase(),
    bits: digits === '' ? 0 : digits.length * 4 - (Math.clz32(parseInt(digits.slice(0, 2), 16)) - 24),
    exponent: `0x${hexOf(key, exponent).replace(/^0+(?=.)/, '')}`
  }
}

/** RFC 5480 section 2.2: the key is the point. */
function ecFields (key: Buffer, { bits, ...names }: Partial<Curve> = {}): KeyFields {
  return { ...(bits !== undefined && { bits }), pubkey: Buffer.from(key), ...names }
}

/** Nothing where the parameters are no name of a curve, or of one that is not known here. */
function curveOf (spki: Buffer, parameters: DerElement): Curve | undefined {
  return parameters.tag === OBJECT_IDENTIFIER ? CURVES.get(hexOf(spki, parameters)) : undefined
}

function hexOf (bytes: Buffer, { content, end }: DerElement): string {
  return bytes.toString('hex', content, end)
}
