/** Object identifiers and extension numbers that more than one reader needs. */

/** Extensions by their number below 2.5.29 (RFC 5280 sections 4.2.1 and 5.2). */
export const SUBJECT_KEY_IDENTIFIER = 14
export const KEY_USAGE = 15
export const BASIC_CONSTRAINTS = 19
export const CRL_DISTRIBUTION_POINTS = 31
export const AUTHORITY_KEY_IDENTIFIER = 35
export const EXTENDED_KEY_USAGE = 37
export const FRESHEST_CRL = 46

/** The content of object identifiers, in hexadecimal. */
export const RSA_ENCRYPTION = '2a864886f70d010101'
export const RSASSA_PSS = '2a864886f70d01010a'
export const EC_PUBLIC_KEY = '2a8648ce3d0201'
/** id-kp-clientAuth (RFC 5280 section 4.2.1.12). */
export const CLIENT_AUTH = '2b06010505070302'

/** A named curve of EC keys. */
export interface Curve {
  /** As OpenSSL calls it. */
  readonly name: string
  /** As NIST calls it. */
  readonly nistName?: string
  /** Bits of its order; a coordinate has as many. */
  readonly bits: number
}

/** By the content of their object identifiers, in hexadecimal. */
export const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['2a8648ce3d030101', { name: 'prime192v1', nistName: 'P-192', bits: 192 }],
  ['2b81040021', { name: 'secp224r1', nistName: 'P-224', bits: 224 }],
  ['2a8648ce3d030107', { name: 'prime256v1', nistName: 'P-256', bits: 256 }],
  ['2b81040022', { name: 'secp384r1', nistName: 'P-384', bits: 384 }],
  ['2b81040023', { name: 'secp521r1', nistName: 'P-521', bits: 521 }],
  ['2b8104000a', { name: 'secp256k1', bits: 256 }],
  ['2b2403030208010107', { name: 'brainpoolP256r1', bits: 256 }],
  ['2b240303020801010b', { name: 'brainpoolP384r1', bits: 384 }],
  ['2b240303020801010d', { name: 'brainpoolP512r1', bits: 512 }]
])
