/**
 * A TLS client that sends any bytes as its certificates, which libraries refuse to do.
 *
 *     const { text, alert } = await knock({ port, version: 'TLSv1.3', chain: [leaf.der, anything], key: leaf.key })
 *
 * It knows no more than it needs: X25519 and AES-128-GCM with SHA-256, in TLS 1.3 (RFC 8446) and 1.2 (RFC 5246, RFC 8422). It
 * does not look at the server's certificate, and makes one connection with a full handshake for one request.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject, randomBytes, sign, constants } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { privateKeyOf } from './pki.js'

export interface RawClient {
  readonly port: number
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  /** What it sends as its certificates, its own first; none is an empty message. */
  readonly chain: readonly Uint8Array[]
  /** PEM of the private key. */
  readonly key: string
  /** What it sends when the handshake is over (a GET after which the server closes). */
  readonly request?: string
}

/** What it received. */
export interface RawAnswer {
  /** The decrypted answer; empty if the server rejected it. */
  readonly text: string
  /** The alert that ended it, if there was one: see RFC 8446 section 6. */
  readonly alert: number | undefined
}

const GET = 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23
const CHANGE_CIPHER_SPEC = 20

const SERVER_HELLO = 2
const CERTIFICATE = 11
const CERTIFICATE_REQUEST = 13
const SERVER_HELLO_DONE = 14
const FINISHED = 20

/** Makes one connection. Resolves when it is over; never rejects. */
export async function knock ({ port, version, chain, key, request = GET }: RawClient): Promise<RawAnswer> {
  const socket = connect({ host: '127.0.0.1', port })
  const wire = new Wire(socket)
  let text = ''
  try {
    await once(socket, 'connect')
    await (version === 'TLSv1.3' ? shakeHands13 : shakeHands12)(wire, chain, privateKeyOf(key))
    wire.send(APPLICATION_DATA, Buffer.from(request))
    for (;;) {
      const { type, body } = await wire.record()
      if (type === APPLICATION_DATA) text += body.toString('latin1')
    }
  } catch (thrown) {
    if (!(thrown instanceof Ended)) throw thrown
    return { text, alert: thrown.alert }
  } finally {
    socket.destroy()
  }
}

/** The connection is over. */
class Ended extends Error {
  readonly alert: number | undefined

  constructor (alert?: number) {
    super('the connection is over')
    this.alert = alert
  }
}

interface Record {
  readonly type: number
  readonly body: Buffer
}

type Protect = (type: number, body: Buffer) => Record & { readonly header: Buffer }
type Unprotect = (type: number, body: Buffer, header: Buffer) => Record

class Wire {
  protect: Protect | undefined
  unprotect: Unprotect | undefined
  /** All messages of the handshake so far. */
  transcript: Buffer = Buffer.alloc(0)
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  #received: Buffer = Buffer.alloc(0)
  #messages: Buffer = Buffer.alloc(0)

  constructor (socket: Socket) {
    this.#socket = socket.setNoDelay()
    socket.on('error', () => {})
    this.#chunks = socket[Symbol.asyncIterator]()
  }

  send (type: number, body: Buffer): void {
    if (this.#socket.destroyed) return
    for (let start = 0; start < body.length; start += 0x4000) {
      const part = body.subarray(start, start + 0x4000)
      const { header, body: sent } = this.protect?.(type, part) ?? { header: headerOf(type, part.length), body: part }
      this.#socket.write(Buffer.concat([header, sent]))
    }
  }

  /**
   * Sends all that follows in one piece. OpenSSL keeps an error about an undecodable key until it returns. If the rest of the flight is
   * missing then, Node.js ends the handshake, so that the outcome would depend on timing.
   */
  gather (): void {
    this.#socket.cork()
  }

  release (): void {
    this.#socket.uncork()
  }

  sendMessage (type: number, body: Buffer): void {
    const message = Buffer.concat([Buffer.of(type), withLength(3, body)])
    this.transcript = Buffer.concat([this.transcript, message])
    this.send(HANDSHAKE, message)
  }

  /** The next record. @throws Ended, also for an alert */
  async record (): Promise<Record> {
    const header = await this.#take(5)
    const body = await this.#take(header.readUInt16BE(3))
    const type = header[0] as number
    const record = type !== CHANGE_CIPHER_SPEC && this.unprotect !== undefined ? this.unprotect(type, body, header) : { type, body }
    if (record.type === ALERT) throw new Ended(record.body[1])
    return record
  }

  /** The next message of the handshake, and its content. @throws Ended */
  async message (): Promise<Record> {
    for (;;) {
      const length = this.#messages.length < 4 ? Infinity : 4 + this.#messages.readUIntBE(1, 3)
      if (length <= this.#messages.length) {
        const message = this.#messages.subarray(0, length)
        this.#messages = this.#messages.subarray(length)
        this.transcript = Buffer.concat([this.transcript, message])
        return { type: message[0] as number, body: message.subarray(4) }
      }
      const { type, body } = await this.record()
      if (type === HANDSHAKE) this.#messages = Buffer.concat([this.#messages, body])
    }
  }

  async until (wanted: number): Promise<Buffer> {
    for (;;) {
      const { type, body } = await this.message()
      if (type === wanted) return body
    }
  }

  async #take (length: number): Promise<Buffer> {
    while (this.#received.length < length) {
      // A reset ends the connection too.
      const { done, value } = await this.#chunks.next().catch(() => ({ done: true, value: undefined }))
      if (done === true || value === undefined) throw new Ended()
      this.#received = Buffer.concat([this.#received, value])
    }
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }
}

/** RFC 8446 section 2. */
async function shakeHands13 (wire: Wire, chain: readonly Uint8Array[], key: KeyObject): Promise<void> {
  const own = generateKeyPairSync('x25519')
  wire.sendMessage(1, clientHello([
    extension(43, withLength(1, Buffer.of(3, 4))),
    extension(51, withLength(2, Buffer.concat([uint16(29), withLength(2, rawOf(own.publicKey))])))
  ], [0x1301]))
  const hello = await wire.until(SERVER_HELLO)
  const share = extensionsOf(hello).get(51)
  if (share === undefined) throw new Error('the server does not know X25519')
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: keyOf(share.subarray(4)) })
  const early = hmac(Buffer.alloc(32), Buffer.alloc(32))
  const secret = hmac(derive(early, 'derived', sha256()), shared)
  const secrets = (base: Buffer, label: string): [client: Buffer, server: Buffer] => [derive(base, `c ${label}`, sha256(wire.transcript)), derive(base, `s ${label}`, sha256(wire.transcript))]
  const [client, server] = secrets(secret, 'hs traffic')
  wire.unprotect = unprotect13(server)
  let context: Buffer = Buffer.alloc(0)
  let isAsked = false
  for (;;) {
    const { type, body } = await wire.message()
    if (type === FINISHED) break
    if (type !== CERTIFICATE_REQUEST) continue
    isAsked = true
    context = Buffer.from(body.subarray(1, 1 + (body[0] as number)))
  }
  const [clientLater, serverLater] = secrets(hmac(derive(secret, 'derived', sha256()), Buffer.alloc(32)), 'ap traffic')
  wire.unprotect = unprotect13(serverLater)
  wire.protect = protect13(client)
  wire.gather()
  if (isAsked) {
    wire.sendMessage(CERTIFICATE, Buffer.concat([withLength(1, context), withLength(3, Buffer.concat(chain.map((der) => Buffer.concat([withLength(3, der), uint16(0)]))))]))
    const text = Buffer.concat([Buffer.alloc(64, 0x20), Buffer.from('TLS 1.3, client CertificateVerify\0'), sha256(wire.transcript)])
    if (chain.length > 0) wire.sendMessage(15, signatureOf(key, text, SCHEMES_13))
  }
  wire.sendMessage(FINISHED, hmac(expand(client, 'finished', Buffer.alloc(0), 32), sha256(wire.transcript)))
  wire.protect = protect13(clientLater)
  wire.release()
}

/** RFC 5246 section 7.3. */
async function shakeHands12 (wire: Wire, chain: readonly Uint8Array[], key: KeyObject): Promise<void> {
  const random = randomBytes(32)
  wire.sendMessage(1, clientHello([extension(11, withLength(1, Buffer.of(0)))], [0xc02b, 0xc02f], random))
  const serverRandom = (await wire.until(SERVER_HELLO)).subarray(2, 34)
  let share: Buffer = Buffer.alloc(0)
  let isAsked = false
  for (;;) {
    const { type, body } = await wire.message()
    if (type === SERVER_HELLO_DONE) break
    if (type === CERTIFICATE_REQUEST) isAsked = true
    // server_key_exchange: a named curve, its number, then the point.
    if (type === 12) share = body.subarray(4, 4 + (body[3] as number))
  }
  const own = generateKeyPairSync('x25519')
  const shared = diffieHellman({ privateKey: own.privateKey, publicKey: keyOf(share) })
  wire.gather()
  if (isAsked) wire.sendMessage(CERTIFICATE, withLength(3, Buffer.concat(chain.map((der) => withLength(3, der)))))
  wire.sendMessage(16, withLength(1, rawOf(own.publicKey)))
  if (isAsked && chain.length > 0) wire.sendMessage(15, signatureOf(key, wire.transcript, SCHEMES_12))
  const master = prf(shared, 'master secret', Buffer.concat([random, serverRandom]), 48)
  const block = prf(master, 'key expansion', Buffer.concat([serverRandom, random]), 40)
  wire.send(CHANGE_CIPHER_SPEC, Buffer.of(1))
  wire.protect = protect12(block.subarray(0, 16), block.subarray(32, 36))
  wire.sendMessage(FINISHED, prf(master, 'client finished', sha256(wire.transcript), 12))
  wire.release()
  // A new session ticket comes in the clear before it.
  const unprotect = unprotect12(block.subarray(16, 32), block.subarray(36, 40))
  for (;;) {
    const { type } = await wire.record()
    if (type === CHANGE_CIPHER_SPEC) break
  }
  wire.unprotect = unprotect
  await wire.until(FINISHED)
}

const SIGNATURE_ALGORITHMS = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0808, 0x0401, 0x0501, 0x0601]

function clientHello (extensions: Buffer[], ciphers: number[], random = randomBytes(32)): Buffer {
  const name = Buffer.from('localhost')
  const all = [
    extension(0, withLength(2, Buffer.concat([Buffer.of(0), withLength(2, name)]))),
    // It only uses X25519, but TLS 1.2 demands the curve of the server's key too.
    extension(10, withLength(2, Buffer.concat([29, 23, 24, 25].map(uint16)))),
    extension(13, withLength(2, Buffer.concat(SIGNATURE_ALGORITHMS.map(uint16)))),
    extension(16, withLength(2, withLength(1, Buffer.from('http/1.1')))),
    ...extensions
  ]
  return Buffer.concat([uint16(0x0303), random, withLength(1, Buffer.alloc(0)), withLength(2, Buffer.concat(ciphers.map(uint16))), withLength(1, Buffer.of(0)), withLength(2, Buffer.concat(all))])
}

/** Those of a server_hello. */
function extensionsOf (hello: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let place = 34 + 1 + (hello[34] as number) + 3 + 2; place < hello.length;) {
    const end = place + 4 + hello.readUInt16BE(place + 2)
    found.set(hello.readUInt16BE(place), hello.subarray(place + 4, end))
    place = end
  }
  return found
}

interface Scheme {
  readonly id: number
  readonly hash: string | null
  readonly isPss?: boolean
}

const SCHEMES_13 = new Map<string, Scheme>([
  ['ec prime256v1', { id: 0x0403, hash: 'sha256' }],
  ['ec secp384r1', { id: 0x0503, hash: 'sha384' }],
  ['ec secp521r1', { id: 0x0603, hash: 'sha512' }],
  ['rsa', { id: 0x0804, hash: 'sha256', isPss: true }],
  ['ed25519', { id: 0x0807, hash: null }],
  ['ed448', { id: 0x0808, hash: null }]
])
const SCHEMES_12 = new Map<string, Scheme>([...SCHEMES_13, ['rsa', { id: 0x0401, hash: 'sha256' }]])

function signatureOf (key: KeyObject, text: Buffer, schemes: ReadonlyMap<string, Scheme>): Buffer {
  const { asymmetricKeyType, asymmetricKeyDetails: { namedCurve } = {} } = key
  const name = namedCurve === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${namedCurve}`
  const { id, hash, isPss = false } = schemes.get(name ?? '') ?? { id: 0x0403, hash: 'sha256' }
  const signature = sign(hash, text, isPss ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : key)
  return Buffer.concat([uint16(id), withLength(2, signature)])
}

function protect13 (secret: Buffer): Protect {
  const [key, nonces] = keysOf(secret)
  return (type, body) => {
    const header = headerOf(APPLICATION_DATA, body.length + 1 + 16)
    return { type, header, body: seal(key, nonces(), header, Buffer.concat([body, Buffer.of(type)])) }
  }
}

function unprotect13 (secret: Buffer): Unprotect {
  const [key, nonces] = keysOf(secret)
  return (type, body, header) => {
    // Records before the current keys, for example an alert, are not encrypted.
    if (type !== APPLICATION_DATA) return { type, body }
    const opened = open(key, nonces(), header, body)
    let end = opened.length
    while (opened[end - 1] === 0) end--
    return { type: opened[end - 1] as number, body: opened.subarray(0, end - 1) }
  }
}

function keysOf (secret: Buffer): [key: Buffer, nonces: () => Buffer] {
  const iv = expand(secret, 'iv', Buffer.alloc(0), 12)
  let count = 0n
  return [expand(secret, 'key', Buffer.alloc(0), 16), () => {
    const nonce = Buffer.from(iv)
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ count++, 4)
    return nonce
  }]
}

function protect12 (key: Buffer, salt: Buffer): Protect {
  let count = 0n
  return (type, body) => {
    const sequence = uint64(count++)
    const sealed = seal(key, Buffer.concat([salt, sequence]), Buffer.concat([sequence, headerOf(type, body.length)]), body)
    return { type, header: headerOf(type, 8 + sealed.length), body: Buffer.concat([sequence, sealed]) }
  }
}

function unprotect12 (key: Buffer, salt: Buffer): Unprotect {
  let count = 0n
  return (type, body) => {
    const additional = Buffer.concat([uint64(count++), headerOf(type, body.length - 24)])
    return { type, body: open(key, Buffer.concat([salt, body.subarray(0, 8)]), additional, body.subarray(8)) }
  }
}

function seal (key: Buffer, nonce: Buffer, additional: Buffer, text: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(additional)
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

function open (key: Buffer, nonce: Buffer, additional: Buffer, text: Buffer): Buffer {
  const decipher = createDecipheriv('aes-128-gcm', key, nonce, { authTagLength: 16 }).setAAD(additional).setAuthTag(text.subarray(-16))
  return Buffer.concat([decipher.update(text.subarray(0, -16)), decipher.final()])
}

/** RFC 8446 section 7.1. */
function expand (secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  return hmac(secret, Buffer.concat([uint16(length), withLength(1, Buffer.from(`tls13 ${label}`)), withLength(1, context), Buffer.of(1)])).subarray(0, length)
}

function derive (secret: Buffer, label: string, hash: Buffer): Buffer {
  return expand(secret, label, hash, 32)
}

/** RFC 5246 section 5. */
function prf (secret: Buffer, label: string, seed: Buffer, length: number): Buffer {
  const start = Buffer.concat([Buffer.from(label), seed])
  const parts: Buffer[] = []
  for (let a = hmac(secret, start); parts.length * 32 < length; a = hmac(secret, a)) parts.push(hmac(secret, Buffer.concat([a, start])))
  return Buffer.concat(parts).subarray(0, length)
}

function hmac (key: Buffer, text: Buffer): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256 (text: Buffer = Buffer.alloc(0)): Buffer {
  return createHash('sha256').update(text).digest()
}

const X25519 = Buffer.from('302a300506032b656e032100', 'hex')

function rawOf (key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(X25519.length)
}

function keyOf (raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([X25519, raw]), type: 'spki', format: 'der' })
}

function headerOf (type: number, length: number): Buffer {
  return Buffer.concat([Buffer.of(type), uint16(0x0303), uint16(length)])
}

function extension (id: number, value: Buffer): Buffer {
  return Buffer.concat([uint16(id), withLength(2, value)])
}

function withLength (size: number, content: Uint8Array): Buffer {
  const length = Buffer.alloc(size)
  length.writeUIntBE(content.length, 0, size)
  return Buffer.concat([length, content])
}

function uint16 (value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function uint64 (value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
