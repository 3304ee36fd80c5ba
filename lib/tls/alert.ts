/**
 * Telling a refused client why: the fatal alert that OpenSSL would have sent, had Node let it.
 *
 * Node's verify callback always lets OpenSSL go on, so when the gate judges, the handshake is done as
 * far as OpenSSL is concerned, and it has no more use for the alert. But the gate decides inside the
 * callback that OpenSSL makes at its last step. Whatever OpenSSL has written since the client's last
 * flight still lies in memory, and the socket below is ours. So the alert is written there first, and
 * the writing side is closed behind it, before anything else can leave. Seen from outside, the server
 * answers the client's last flight with an alert, which is what the protocol wants of a server that
 * rejects a certificate (RFC 8446 section 4.4.2.4, RFC 5246 section 7.4.6).
 *
 * - TLS 1.2 (RFC 5246 section 6.2.1 and 7.2): the server's ChangeCipherSpec is among what has not left,
 *   so its records are still in the clear, and the alert is a plain record. In a resumed handshake
 *   (section 7.3, figure 2) the server's ChangeCipherSpec and Finished come before the client's: they
 *   have left, a plain record would be garbage, and the connection is closed without an alert.
 * - TLS 1.3 (RFC 8446 section 5.2): the server's Finished has left with its first flight, and from then
 *   on it writes under server_application_traffic_secret_0 (section 7.1). No record has left under it:
 *   the session tickets are among what has not. So the alert is the record with sequence number 0,
 *   protected with the key and the nonce that section 7.3 derives from that secret. A sequence number
 *   is used twice under one key, with two plaintexts, only if a ticket leaves as well; the closed
 *   writing side sees to it that none does.
 *
 * The secret comes with the event `keylog`, in the line SERVER_TRAFFIC_SECRET_0. It lives until the
 * verdict, or the end of a handshake that comes to none; then it is overwritten. So is at once what was
 * derived from it, and every line that the event brings, unless somebody else listens for it.
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

/** The cipher suites of RFC 8446 section B.4 that Node enables. */
const SUITES: ReadonlyMap<string, { algorithm: string, keyLength: number, hash: string }> = new Map([
  ['TLS_AES_128_GCM_SHA256', { algorithm: 'aes-128-gcm', keyLength: 16, hash: 'sha256' }],
  ['TLS_AES_256_GCM_SHA384', { algorithm: 'aes-256-gcm', keyLength: 32, hash: 'sha384' }],
  ['TLS_CHACHA20_POLY1305_SHA256', { algorithm: 'chacha20-poly1305', keyLength: 32, hash: 'sha256' }]
])

/** The server's application traffic secret of one TLS 1.3 connection, until it is forgotten. */
export class TrafficSecret {
  readonly #socket: TLSSocket
  /** The line that holds it: `LABEL <client random> <secret>`, the last two in hexadecimal. Nearly nobody asks for what it says. */
  #line: Buffer | undefined
  #secret: Buffer | undefined
  readonly #note = (line: Buffer): void => {
    // All of them hold secrets. Where somebody else hears the socket (node --tls-keylog, or the app), the line is theirs too.
    const own = this.#socket.listenerCount('keylog') > 1 ? Buffer.from(line) : line
    if (LABEL.compare(own, 0, LABEL.length) === 0) this.#line = own
    else own.fill(0)
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
    this.#line?.fill(0)
    this.#secret?.fill(0)
    this.#line = this.#secret = undefined
  }
}

/** Not by way of a string, which cannot be wiped. */
function bytesOfHex (digits: Buffer): Buffer {
  const bytes = Buffer.alloc(digits.length >> 1)
  for (const [index] of bytes.entries()) bytes[index] = (valueOf(digits[2 * index]) << 4) | valueOf(digits[2 * index + 1])
  return bytes
}

function valueOf (digit = 0): number {
  return digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57
}

const LABEL = Buffer.from('SERVER_TRAFFIC_SECRET_0 ')

/**
 * The record that refuses the client of a handshake that was just finished.
 * @returns undefined where no alert can be given: in a resumed handshake of TLS 1.2, and for a cipher
 *   suite that is not known here
 */
export function alertRecord (socket: TLSSocket, reason: RefusalReason, secret: Buffer | undefined): Buffer | undefined {
  if (socket.getProtocol() === 'TLSv1.3') {
    const suite = SUITES.get(socket.getCipher().name)
    if (suite === undefined || secret === undefined) return undefined
    return protectedRecord(Buffer.from([FATAL, ALERT_DESCRIPTIONS[reason], CONTENT_TYPE_ALERT]), suite, secret)
  }
  if (socket.isSessionReused()) return undefined
  // certificate_required came with TLS 1.3; before, the same refusal is handshake_failure (RFC 5246 section 7.4.6).
  const description = reason === 'certificate_required' ? HANDSHAKE_FAILURE : ALERT_DESCRIPTIONS[reason]
  const version = PLAIN_VERSIONS.get(socket.getProtocol() ?? '')
  if (version === undefined) return undefined
  return Buffer.from([CONTENT_TYPE_ALERT, 3, version, 0, 2, FATAL, description])
}

/** The minor version of the records of each protocol (RFC 5246 section E.1). */
const PLAIN_VERSIONS: ReadonlyMap<string, number> = new Map([['TLSv1', 1], ['TLSv1.1', 2], ['TLSv1.2', 3]])

/** RFC 8446 section 5.2, for sequence number 0: the nonce is the IV itself (section 5.3). */
function protectedRecord (plaintext: Buffer, { algorithm, keyLength, hash }: { algorithm: string, keyLength: number, hash: string }, secret: Buffer): Buffer {
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
 * HKDF-Expand-Label with an empty context (RFC 8446 section 7.1). What is asked for is never longer than
 * one block of HKDF-Expand (RFC 5869 section 2.3), so it is one HMAC; node:crypto has only extract and
 * expand together.
 */
function expandLabel (secret: Buffer, label: string, length: number, hash: string): Buffer {
  const full = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([length >> 8, length & 0xff, full.length]), full, Buffer.from([0])])
  const block = createHmac(hash, secret).update(info).update(Buffer.from([1])).digest()
  block.fill(0, length)
  return block.subarray(0, length)
}
