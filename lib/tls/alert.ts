/**
 * Sends a refused client the fatal alert that OpenSSL would have sent, if Node allowed it to.
 *
 * Node's verify callback always lets OpenSSL continue. So when the gate judges, OpenSSL has finished the handshake and sends
 * no alert. But the gate decides inside the callback of OpenSSL's last step. All that OpenSSL has written since the client's
 * last flight is still in memory, and the socket below is ours. So the alert is written there first, and the writing side is
 * closed, before anything else can leave. To the client, the server answers its last flight with an alert, as the protocol
 * demands for a rejected certificate (RFC 8446 section 4.4.2.4, RFC 5246 section 7.4.6).
 *
 * - TLS 1.2 (RFC 5246 sections 6.2.1 and 7.2): the server's ChangeCipherSpec has not left yet. So its records are still in the
 *   clear, and the alert is a plain record. In a resumed handshake (section 7.3, figure 2) the server's ChangeCipherSpec and
 *   Finished come before the client's. They have left, and a plain record would be garbage: the connection is closed without
 *   an alert.
 * - TLS 1.3 (RFC 8446 section 5.2): the server's Finished has left with its first flight. Later records are protected by
 *   server_application_traffic_secret_0 (section 7.1). None of them has left: the session tickets are still in memory. So the
 *   alert is the record with sequence number 0, protected by the key and nonce that section 7.3 derives from that secret. If a
 *   ticket left too, a sequence number would be used twice under one key; the closed writing side prevents that.
 *
 * The secret comes with the event `keylog`, in the line SERVER_TRAFFIC_SECRET_0. It is wiped after the verdict, or at the end of
 * a handshake without one. What is derived from it, and all other lines of the event, are wiped at once, unless somebody else
 * listens to the event.
 */
import { createCipheriv, createHmac, type CipherGCM, type CipherGCMTypes } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { ALERT_DESCRIPTIONS, type RefusalReason } from './refusal-reason.js'

const HANDSHAKE_FAILURE = 40
const FATAL = 2
const CONTENT_TYPE_ALERT = 21
const CONTENT_TYPE_APPLICATION_DATA = 23
/** legacy_record_version of every record that we write (RFC 8446 section 5.1). */
const RECORD_VERSION = [3, 3] as const
const TAG_LENGTH = 16
const NONCE_LENGTH = 12

interface Suite {
  readonly algorithm: string
  readonly keyLength: number
  readonly hash: string
}

/** The cipher suites of RFC 8446 section B.4 that Node enables. */
const SUITES: ReadonlyMap<string, Suite> = new Map([
  ['TLS_AES_128_GCM_SHA256', { algorithm: 'aes-128-gcm', keyLength: 16, hash: 'sha256' }],
  ['TLS_AES_256_GCM_SHA384', { algorithm: 'aes-256-gcm', keyLength: 32, hash: 'sha384' }],
  ['TLS_CHACHA20_POLY1305_SHA256', { algorithm: 'chacha20-poly1305', keyLength: 32, hash: 'sha256' }]
])

/** The server's application traffic secret of one TLS 1.3 connection, until `forget` wipes it. */
export class TrafficSecret {
  readonly #socket: TLSSocket
  /** The line that holds the secret: `LABEL <client random> <secret>`, in hexadecimal. It is decoded only for an alert. */
  #line: Buffer | undefined
  #secret: Buffer | undefined
  readonly #note = (line: Buffer): void => {
    // Every line holds a secret. Others may listen too (node --tls-keylog, or the app), and then the buffer is shared
    // with them.
    const own = this.#socket.listenerCount('keylog') > 1 ? Buffer.from(line) : line
    // Only one of the five lines of a handshake passes the first two comparisons; the third is a native call.
    if (own[0] === LABEL[0] && own[TELLING] === LABEL[TELLING] && LABEL.compare(own, 0, LABEL.length) === 0) this.#line = own
    else wipe(own)
  }

  constructor (socket: TLSSocket) {
    this.#socket = socket.on('keylog', this.#note)
  }

  get value (): Buffer | undefined {
    if (this.#line !== undefined) this.#secret ??= bytesOfHex(this.#line.subarray(this.#line.lastIndexOf(' ') + 1))
    return this.#secret
  }

  forget (): void {
    this.#socket.removeListener('keylog', this.#note)
    if (this.#line !== undefined) wipe(this.#line)
    if (this.#secret !== undefined) wipe(this.#secret)
    this.#line = this.#secret = undefined
  }
}

/** As Buffer.fill does, without its checks. */
function wipe (bytes: Uint8Array): void {
  fillBytes.call(bytes, 0)
}

const { fill: fillBytes } = Uint8Array.prototype

/** Decodes without a string, which could not be wiped. */
function bytesOfHex (digits: Buffer): Buffer {
  const bytes = Buffer.alloc(digits.length >> 1)
  for (const [index] of bytes.entries()) bytes[index] = (valueOf(digits[2 * index]) << 4) | valueOf(digits[2 * index + 1])
  return bytes
}

function valueOf (digit = 0): number {
  return digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57
}

const LABEL = Buffer.from('SERVER_TRAFFIC_SECRET_0 ')
/** Where it differs from SERVER_HANDSHAKE_TRAFFIC_SECRET. */
const TELLING = 'SERVER_'.length

/**
 * The alert record for the client of a handshake that has just finished.
 * @returns undefined if no alert can be sent: in a resumed handshake of TLS 1.2, and for an unknown cipher suite
 */
export function alertRecord (socket: TLSSocket, reason: RefusalReason, secret: Buffer | undefined): Buffer | undefined {
  if (socket.getProtocol() === 'TLSv1.3') {
    const suite = SUITES.get(socket.getCipher().name)
    if (suite === undefined || secret === undefined) return undefined
    return protectedRecord(Buffer.from([FATAL, ALERT_DESCRIPTIONS[reason], CONTENT_TYPE_ALERT]), suite, secret)
  }
  if (socket.isSessionReused()) return undefined
  // certificate_required is new in TLS 1.3; before, it was handshake_failure (RFC 5246 section 7.4.6).
  const description = reason === 'certificate_required' ? HANDSHAKE_FAILURE : ALERT_DESCRIPTIONS[reason]
  const version = PLAIN_VERSIONS.get(socket.getProtocol() ?? '')
  if (version === undefined) return undefined
  return Buffer.from([CONTENT_TYPE_ALERT, 3, version, 0, 2, FATAL, description])
}

/** The minor version of the records of each protocol (RFC 5246 section E.1). */
const PLAIN_VERSIONS: ReadonlyMap<string, number> = new Map([['TLSv1', 1], ['TLSv1.1', 2], ['TLSv1.2', 3]])

/** RFC 8446 section 5.2, for sequence number 0: the nonce is the IV itself (section 5.3). */
function protectedRecord (plaintext: Buffer, { algorithm, keyLength, hash }: Suite, secret: Buffer): Buffer {
  const length = plaintext.length + TAG_LENGTH
  const header = Buffer.from([CONTENT_TYPE_APPLICATION_DATA, ...RECORD_VERSION, length >> 8, length & 0xff])
  const key = expandLabel(secret, 'key', keyLength, hash)
  const iv = expandLabel(secret, 'iv', NONCE_LENGTH, hash)
  const cipher = createCipheriv(algorithm as CipherGCMTypes, key, iv, { authTagLength: TAG_LENGTH }) as CipherGCM
  key.fill(0)
  iv.fill(0)
  cipher.setAAD(header, { plaintextLength: plaintext.length })
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([header, body, cipher.getAuthTag()])
}

/**
 * HKDF-Expand-Label with an empty context (RFC 8446 section 7.1). The result is never longer than one block of HKDF-Expand
 * (RFC 5869 section 2.3), so one HMAC is enough. node:crypto has only extract and expand together.
 */
function expandLabel (secret: Buffer, label: string, length: number, hash: string): Buffer {
  const full = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([length >> 8, length & 0xff, full.length]), full, Buffer.from([0])])
  const block = createHmac(hash, secret).update(info).update(Buffer.from([1])).digest()
  block.fill(0, length)
  return block.subarray(0, length)
}
