/**
 * The strength of a certificate by OpenSSL's security levels (man page SSL_CTX_set_security_level), for paths that OpenSSL
 * has not verified. Unknown algorithms count as weak.
 */
import { type DerElement, expectTag, hexOf, OBJECT_IDENTIFIER, readCertificate, readElement } from './der.js'
import { RSASSA_PSS } from './oids.js'
import { type PublicKey, readPublicKey } from './public-key.js'

/** Bits that each level requires. */
const LEVELS = [0, 80, 112, 128, 192, 256]

/** Bits of an RSA modulus or of the p of DSA, with the bits of security. */
const MODULI = [[15_360, 256], [7680, 192], [3072, 128], [2048, 112], [1024, 80]] as const

/** Bits of security of keys, by type or curve. */
const KEYS: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 128], ['secp256k1', 128], ['brainpoolP256r1', 128], ['secp384r1', 192], ['brainpoolP384r1', 192],
  ['secp521r1', 256], ['brainpoolP512r1', 256], ['ed25519', 128], ['ed448', 224], ['ml-dsa-44', 128], ['ml-dsa-65', 192], ['ml-dsa-87', 256]
])

/**
 * Bits of security of signatures, half of the hash, by the object identifier of the algorithm in hexadecimal. SHA-1 has less
 * than any level requires.
 */
const SIGNATURES: ReadonlyMap<string, number> = new Map([
  ['2a864886f70d01010e', 112], ['2a864886f70d01010b', 128], ['2a864886f70d01010c', 192], ['2a864886f70d01010d', 256],
  ['2a8648ce3d040301', 112], ['2a8648ce3d040302', 128], ['2a8648ce3d040303', 192], ['2a8648ce3d040304', 256],
  ['2b6570', 128], ['2b6571', 224], ['608648016503040311', 128], ['608648016503040312', 192], ['608648016503040313', 256]
])
/** Signatures whose hash can be forged. */
const WEAK_HASHES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'MD5'], ['2a864886f70d010105', 'SHA-1'], ['2a8648ce3d0401', 'SHA-1'], ['2a8648ce380403', 'SHA-1']
])
/** SHA-224, SHA-256, SHA-384 and SHA-512 in the parameters of RSASSA-PSS, whose default is SHA-1. */
const PSS_HASHES = [
  ['0609608648016503040204', 112], ['0609608648016503040201', 128], ['0609608648016503040202', 192], ['0609608648016503040203', 256]
] as const

/** The level that a list of ciphers sets; without one, OpenSSL's highest default. */
export function securityLevelOf (ciphers = ''): number {
  const [, level] = [...ciphers.matchAll(/@SECLEVEL=(\d)/g)].at(-1) ?? []
  return level === undefined ? 2 : Math.min(Number(level), LEVELS.length - 1)
}

/**
 * Whether a certificate is strong enough for a level.
 *
 * @param der the certificate
 * @param isAnchor the signature of an anchor is not verified
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function isStrong (der: Buffer, level: number, isAnchor: boolean): boolean {
  const bits = LEVELS[level] as number
  return keyBits(readPublicKey(der)) >= bits && (isAnchor || signatureBits(der) >= bits)
}

function keyBits ({ type, curve, size }: PublicKey): number {
  if (size !== undefined) return MODULI.find(([least]) => size >= least)?.[1] ?? 0
  return KEYS.get(curve ?? type) ?? 0
}

/**
 * The hash of a certificate's signature, if it is one that can be forged.
 *
 * @param der the certificate
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function weakHashOf (der: Buffer): string | undefined {
  return weakHashOfAlgorithm(der, signatureAlgorithmOf(der))
}

/**
 * The same for an AlgorithmIdentifier.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function weakHashOfAlgorithm (bytes: Uint8Array, algorithm: DerElement): string | undefined {
  return WEAK_HASHES.get(hexOf(bytes, identifierOf(bytes, algorithm)))
}

function signatureBits (der: Buffer): number {
  const algorithm = signatureAlgorithmOf(der)
  const identifier = identifierOf(der, algorithm)
  const id = hexOf(der, identifier)
  if (id !== RSASSA_PSS) return SIGNATURES.get(id) ?? 0
  const parameters = der.toString('hex', identifier.end, algorithm.end)
  // The parameters also have the hash of the mask. The weakest hash counts.
  return PSS_HASHES.find(([hash]) => parameters.includes(hash))?.[1] ?? 0
}

function signatureAlgorithmOf (der: Buffer): DerElement {
  return readElement(der, readCertificate(der).tbs.end, der.length)
}

function identifierOf (bytes: Uint8Array, { content, end }: DerElement): DerElement {
  return expectTag(bytes, content, end, OBJECT_IDENTIFIER)
}
