/**
 * The type-length-value vectors behind the addresses of a header of version 2 (section 2.2 of the
 * specification): what the proxy knows of the connection beside its addresses.
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

/** What the vectors of a header tell. */
export type Told = Pick<ProxyProtocol, 'alpn' | 'authority' | 'uniqueId' | 'ssl' | 'networkNamespace'>

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

/** Those that are read. None must come twice: nobody could say which of them counts. */
const KNOWN: ReadonlySet<number> = new Set([
  ALPN, AUTHORITY, CRC32C, UNIQUE_ID, SSL, NETNS,
  SSL_VERSION, SSL_CN, SSL_CIPHER, SSL_SIG_ALG, SSL_KEY_ALG, SSL_GROUP, SSL_SIG_SCHEME, SSL_CLIENT_CERT
])

const LONGEST_UNIQUE_ID = 128

/** Bits of the first byte of an SSL vector. */
const CLIENT_SSL = 0x01
const CLIENT_CERT_CONN = 0x02
const CLIENT_CERT_SESS = 0x04

/**
 * The bytes from `start` to the end as vectors, of which those that are known are kept; undefined where they do not fill
 * that space. There is room for 20,000 of them: of more than there are types, two are of one type, which is enough
 * to see. A checksum counts all the same.
 */
export function splitVectors (bytes: Buffer, start: number): Vector[] | undefined {
  const vectors: Vector[] = []
  for (let at = start; at < bytes.length;) {
    if (at + 3 > bytes.length) return undefined
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    if (end > bytes.length) return undefined
    const type = bytes.readUInt8(at)
    if (type === CRC32C || (KNOWN.has(type) && vectors.length <= KNOWN.size)) {
      vectors.push({ type, value: bytes.subarray(at + 3, end), at: at + 3 })
    }
    at = end
  }
  return start <= bytes.length ? vectors : undefined
}

/** What is wrong with the checksum of a header, if it has one. It is that of the header with zeros in its place. */
export function findChecksumFault (header: Buffer, vectors: readonly Vector[]): HeaderFault | undefined {
  const [checksum, second] = vectors.filter(({ type }) => type === CRC32C)
  if (checksum === undefined) return undefined
  if (second !== undefined) return 'vector_repeated'
  const { at, value } = checksum
  if (value.length !== 4) return 'vector_malformed'
  const computed = crc32c(header.subarray(0, at), Buffer.alloc(4), header.subarray(at + 4))
  return computed === value.readUInt32BE() ? undefined : 'checksum_wrong'
}

/** Reads what is known. */
export function readVectors (vectors: readonly Vector[]): Told | HeaderFault {
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

/** A byte of flags, four bytes of the proxy's verdict, and vectors again. */
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
    // HAProxy sends 0 for a client without a certificate, too.
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

/** The values by their types, or undefined where one comes twice that must not. */
function keyed (vectors: readonly Vector[]): Map<number, Buffer> | undefined {
  const values = new Map<number, Buffer>()
  for (const { type, value } of vectors) {
    if (values.has(type)) return undefined
    values.set(type, value)
  }
  return values
}

/** A slice would keep all that came with it. */
function copy (value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A text, or undefined where it is not UTF-8: certificates hold names in other encodings, and a proxy copies them. */
function text (value: Buffer | undefined): string | undefined {
  if (value === undefined) return undefined
  try {
    return UTF_8.decode(value)
  } catch {
    return undefined
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Only the members that are there. */
function present<T extends object> (members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>
}
