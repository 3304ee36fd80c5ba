/**
 * The type-length-value vectors that follow the addresses in a version 2 header (section 2.2 of the specification).
 * They describe the connection between the client and the proxy.
 */
import type { ProxyProtocol, ProxySsl } from '../../types/proxy-protocol.js'
import { crc32c } from './crc32c.js'
import type { HeaderFault } from './result.js'

export interface Vector {
  readonly type: number
  readonly value: Buffer
  /** Where the value begins in the header. */
  readonly at: number
}

/** The fields of a header that its vectors contain. */
export type VectorFields = Pick<ProxyProtocol, 'alpn' | 'authority' | 'uniqueId' | 'ssl' | 'networkNamespace'>

const ALPN = 0x01
const AUTHORITY = 0x02
const CRC32C = 0x03
const UNIQUE_ID = 0x05
const SSL = 0x20
const NETNS = 0x30

const SSL_VERSION = 0x21
const SSL_CN = 0x22
const SSL_CIPHER = 0x23
const SSL_SIG_ALG = 0x24
const SSL_KEY_ALG = 0x25
const SSL_GROUP = 0x26
const SSL_SIG_SCHEME = 0x27
const SSL_CLIENT_CERT = 0x28

/** The types that are read. A repeated one is an error, since it would be unclear which of the two counts. */
const READ_TYPES: ReadonlySet<number> = new Set([
  ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL, NETNS,
  SSL_VERSION, SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG, SSL_GROUP, SSL_SIG_SCHEME, SSL_CLIENT_CERT
])

const LONGEST_UNIQUE_ID = 128

/** Bits of the first byte of an SSL vector. */
const CLIENT_SSL = 0x01
const CLIENT_CERT_CONN = 0x02
const CLIENT_CERT_SESS = 0x04

/**
 * Splits the bytes from `start` to the end into vectors, and returns those of the types that are read.
 *
 * A header can contain 20,000 vectors, so only one more than there are types is collected: two of those have the same
 * type, which is already an error. Checksums are always collected.
 * @returns undefined if the bytes do not end with the end of a vector
 */
export function splitVectors (bytes: Buffer, start: number): Vector[] | undefined {
  const vectors: Vector[] = []
  for (let at = start; at < bytes.length;) {
    if (at + 3 > bytes.length) return undefined
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return undefined
    const type = bytes.readUInt8(at)
    if (type === CRC32C || (READ_TYPES.has(type) && vectors.length <= READ_TYPES.size)) {
      vectors.push({ type, value: bytes.subarray(at + 3, end), at: at + 3 })
    }
    at = end
  }
  return start <= bytes.length ? vectors : undefined
}

/** Verifies the checksum of a header, if it has one. It is computed with zeros in place of the checksum itself. */
export function findChecksumFault (header: Buffer, vectors: readonly Vector[]): HeaderFault | undefined {
  const [checksum, second] = vectors.filter(({ type }) => type === CRC32C)
  if (checksum === undefined) return undefined
  if (second !== undefined) return 'vector_repeated'
  const { at, value } = checksum
  if (value.length !== 4) return 'vector_malformed'
  const computed = crc32c(header.subarray(0, at), Buffer.alloc(4), header.subarray(at + 4))
  return computed === value.readUInt32BE() ? undefined : 'checksum_wrong'
}

/** Reads the vectors of the types that are read. */
export function readVectors (vectors: readonly Vector[]): VectorFields | HeaderFault {
  const known = keyed(vectors)
  if (known === undefined) return 'vector_repeated'
  const uniqueId = known.get(UNIQUE_ID)
  if (uniqueId !== undefined && uniqueId.length > LONGEST_UNIQUE_ID) return 'vector_malformed'
  const block = known.get(SSL)
  const ssl = block === undefined ? undefined : readSsl(block)
  if (typeof ssl === 'string') return ssl
  return present({
    alpn: text(known.get(ALPN)),
    authority: text(known.get(AUTHORITY)),
    uniqueId: copy(uniqueId),
    ssl,
    networkNamespace: text(known.get(NETNS))
  })
}

/** Reads an SSL vector: a byte of flags, four bytes with the proxy's verification result, and nested vectors. */
function readSsl (block: Buffer): ProxySsl | HeaderFault {
  const vectors = splitVectors(block, 5)
  if (vectors === undefined) return 'vector_malformed'
  const known = keyed(vectors)
  if (known === undefined) return 'vector_repeated'
  const client = block.readUInt8(0)
  const verify = block.readUInt32BE(1)
  return {
    secure: (client & CLIENT_SSL) !== 0,
    certificateOnConnection: (client & CLIENT_CERT_CONN) !== 0,
    certificateInSession: (client & CLIENT_CERT_SESS) !== 0,
    verify,
    // HAProxy also sends 0 for a client without a certificate.
    verified: verify === 0 && (client & (CLIENT_CERT_CONN | CLIENT_CERT_SESS)) !== 0,
    ...present({
      version: text(known.get(SSL_VERSION)),
      commonName: text(known.get(SSL_CN)),
      cipher: text(known.get(SSL_CIPHER)),
      signatureAlgorithm: text(known.get(SSL_SIG_ALG)),
      keyAlgorithm: text(known.get(SSL_KEY_ALG)),
      group: text(known.get(SSL_GROUP)),
      signatureScheme: text(known.get(SSL_SIG_SCHEME)),
      clientCertificate: copy(known.get(SSL_CLIENT_CERT))
    })
  }
}

/** The values by type; undefined if a type is repeated. */
function keyed (vectors: readonly Vector[]): Map<number, Buffer> | undefined {
  const values = new Map<number, Buffer>()
  for (const { type, value } of vectors) {
    if (values.has(type)) return undefined
    values.set(type, value)
  }
  return values
}

/** A slice would keep the whole chunk in memory. */
function copy (value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8; undefined if it is not valid. A proxy copies names from certificates, which may have other encodings. */
function text (value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined
  try {
    return UTF_8.decode(value)
  } catch {
    return undefined
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Leaves out the members that are undefined. */
function present<T extends object> (members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>
}
