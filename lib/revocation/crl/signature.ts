/**
 * The signature of a CRL.
 *
 * Every algorithm that this OpenSSL can verify counts, except with MD5, SHA-1 or SHA-224: two CRLs with one hash would let an
 * attacker un-revoke certificates.
 */
import { constants, createVerify, type KeyObject, verify } from 'node:crypto'
import type { AlgorithmIdentifier, RSASSAPSSParams } from 'pkijs'
import { reasonOf } from '../../errors.js'
import { expectTag, SEQUENCE } from '../../x509/der.js'
import type { PublicKey } from '../../x509/public-key.js'
import { weakHashOfAlgorithm } from '../../x509/strength.js'
import type { CrlFrame } from './crl.js'

/** How to verify a signature. */
interface Algorithm {
  /** Node's name of the hash; undefined where the algorithm has its own. */
  readonly hash?: string
  /** Types of keys that fit; see `PublicKey`. */
  readonly keyTypes: readonly string[]
  /** Bytes; only RSASSA-PSS has a salt. */
  readonly saltLength?: number
}

const RSA = ['rsa']
const EC = ['ec']

const HASHES: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512']
])

const RSASSA_PSS = '1.2.840.113549.1.1.10'
const MGF1 = '1.2.840.113549.1.1.8'

/** NIST's arc for signature algorithms. */
const NIST = '2.16.840.1.101.3.4.3'
/** With ECDSA from 10 on, with RSA from 14 on. */
const SHA_3 = ['sha3-256', 'sha3-384', 'sha3-512']
/** As `PublicKey` calls them; their object identifiers follow each other from 17 on (RFC 9881 and RFC 9909). */
const POST_QUANTUM = [
  ...['44', '65', '87'].map((size) => `ml-dsa-${size}`),
  ...['sha2', 'shake'].flatMap((hash) => ['128s', '128f', '192s', '192f', '256s', '256f'].map((strength) => `slh-dsa-${hash}-${strength}`))
]

/** RFC 4055, RFC 5758, RFC 8410 and those of NIST. OpenSSL itself decides which keys it can read. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map([
  ['1.2.840.113549.1.1.11', { hash: 'sha256', keyTypes: RSA }],
  ['1.2.840.113549.1.1.12', { hash: 'sha384', keyTypes: RSA }],
  ['1.2.840.113549.1.1.13', { hash: 'sha512', keyTypes: RSA }],
  ['1.2.840.10045.4.3.2', { hash: 'sha256', keyTypes: EC }],
  ['1.2.840.10045.4.3.3', { hash: 'sha384', keyTypes: EC }],
  ['1.2.840.10045.4.3.4', { hash: 'sha512', keyTypes: EC }],
  ['1.3.101.112', { keyTypes: ['ed25519'] }],
  ['1.3.101.113', { keyTypes: ['ed448'] }],
  ...SHA_3.map((hash, index): [string, Algorithm] => [`${NIST}.${10 + index}`, { hash, keyTypes: EC }]),
  ...SHA_3.map((hash, index): [string, Algorithm] => [`${NIST}.${14 + index}`, { hash, keyTypes: RSA }]),
  ...POST_QUANTUM.map((type, index): [string, Algorithm] => [`${NIST}.${17 + index}`, { keyTypes: [type] }])
])

/**
 * The usual algorithms in DER, which nearly all CRLs have and which need no library. Loading the library takes as long
 * as starting a thread, and each large CRL would wait for it.
 */
const USUAL: ReadonlyMap<string, Algorithm | undefined> = new Map(([
  ['300d06092a864886f70d01010b0500', '1.2.840.113549.1.1.11'],
  ['300d06092a864886f70d01010c0500', '1.2.840.113549.1.1.12'],
  ['300d06092a864886f70d01010d0500', '1.2.840.113549.1.1.13'],
  ['300a06082a8648ce3d040302', '1.2.840.10045.4.3.2'],
  ['300a06082a8648ce3d040303', '1.2.840.10045.4.3.3'],
  ['300a06082a8648ce3d040304', '1.2.840.10045.4.3.4'],
  ['300506032b6570', '1.3.101.112']
] as const).map(([der, id]) => [der, ALGORITHMS.get(id)]))

/** A check of the signature of one CRL; or why it cannot be checked. */
type SignatureCheck =
  | {
    /** Whether the algorithm fits a key of this kind. */
    readonly fits: (key: PublicKey) => boolean
    readonly isSignedBy: (key: KeyObject) => boolean
  }
  | { readonly problem: string }

/**
 * Makes a check of a signature. Never rejects: see `problem`.
 *
 * @param data the signed bytes
 */
export async function signatureCheckOf (
  bytes: Uint8Array,
  { tbs, algorithm, signature }: CrlFrame,
  data = bytes.subarray(tbs.start, tbs.end)
): Promise<SignatureCheck> {
  const found = await readAlgorithm(bytes.subarray(algorithm.start, algorithm.end))
  if (typeof found === 'string') return { problem: found }
  const value = bytes.subarray(signature.content, signature.end)
  return { fits: (key) => fits(found, key), isSignedBy: (key) => isValid(found, data, key, value) }
}

async function readAlgorithm (der: Uint8Array): Promise<Algorithm | string> {
  const usual = USUAL.get(Buffer.from(der).toString('hex'))
  if (usual !== undefined) return usual
  try {
    const weak = weakHashOfAlgorithm(der, expectTag(der, 0, der.length, SEQUENCE))
    if (weak !== undefined) return `it is signed with ${weak}, which can be forged: have it reissued with SHA-256`
    // Bundlers recognise this form of import.
    const [{ fromBER }, { AlgorithmIdentifier, RSASSAPSSParams }] = await Promise.all([import('asn1js'), import('pkijs')])
    const { result, offset } = fromBER(der)
    if (offset !== der.length) return 'its signature algorithm cannot be read'
    const { algorithmId, algorithmParams } = new AlgorithmIdentifier({ schema: result })
    if (algorithmId === RSASSA_PSS) {
      return readPss(new RSASSAPSSParams({ schema: algorithmParams }), (schema) => new AlgorithmIdentifier({ schema }))
    }
    return ALGORITHMS.get(algorithmId) ?? `its signature algorithm (${algorithmId}) is not supported`
  } catch (thrown) {
    return `its signature algorithm cannot be read (${reasonOf(thrown)})`
  }
}

/** RFC 4055 section 3.1: the defaults are SHA-1. */
function readPss (parameters: RSASSAPSSParams, identifierOf: (schema: unknown) => AlgorithmIdentifier): Algorithm | string {
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = parameters
  const hash = HASHES.get(hashAlgorithm.algorithmId)
  if (hash === undefined) return 'it is signed with RSASSA-PSS and a hash other than SHA-256, SHA-384 and SHA-512'
  const mask = maskGenAlgorithm.algorithmId === MGF1 ? identifierOf(maskGenAlgorithm.algorithmParams).algorithmId : ''
  // Node supports only one hash for both.
  if (HASHES.get(mask) !== hash || trailerField !== 1) return 'it is signed with RSASSA-PSS and parameters that are not supported'
  return { hash, keyTypes: ['rsa', 'rsa-pss'], saltLength }
}

function fits ({ keyTypes }: Algorithm, { type }: PublicKey): boolean {
  return keyTypes.includes(type)
}

/**
 * Verifies here and not in Node's thread pool, which would first copy the data: a large CRL would take twice the memory.
 */
function isValid ({ hash, saltLength }: Algorithm, data: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  if (hash === undefined) return verify(null, data, key, signature)
  const options = saltLength === undefined ? { key } : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  // False also where the salt is longer than the key, or the key is restricted to other parameters.
  return createVerify(hash).update(data).verify(options, signature)
}
