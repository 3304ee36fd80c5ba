/**
 * Finds the server name and the protocols of ALPN in a client's hello (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301
 * section 3.1), before OpenSSL reads it.
 *
 * The name only selects among certificates that anybody may request. OpenSSL reads the same bytes afterwards, and judges them.
 */

export type HelloResult =
  /** Call again with at least `length` bytes. */
  | { readonly state: 'partial', readonly length: number }
  /** `serverName` is '' if the client sends no name; `protocols` is empty without ALPN. */
  | { readonly state: 'complete', readonly serverName: string, readonly protocols: readonly string[] }
  /** Not a hello that this file reads. OpenSSL may still accept it. */
  | { readonly state: 'unknown' }

/** Libraries send less than 2 kB; with post-quantum key shares, less than 20 kB. */
const LONGEST_HELLO = 64 * 1024
/** Each record may cost another attempt. A hello with post-quantum key shares has 2 kB. */
const MOST_RECORDS = 256

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const RANDOM = 32
const SERVER_NAME = 0
const HOST_NAME = 0
const ALPN = 16

const UNKNOWN = { state: 'unknown' } as const

/**
 * Reads name and protocols from what a client has sent so far. Never throws.
 *
 * @param bytes from the first byte of the connection
 */
export function readHello (bytes: Buffer): HelloResult {
  const pieces: Buffer[] = []
  let have = 0
  let place = 0
  /** Of the message with its header; 0 until the header is there. */
  let length = 0
  for (let records = 0; records < MOST_RECORDS; records++) {
    if (bytes.length > place && bytes[place] !== HANDSHAKE) return UNKNOWN
    if (bytes.length < place + RECORD_HEADER) return { state: 'partial', length: place + RECORD_HEADER }
    const end = place + RECORD_HEADER + bytes.readUInt16BE(place + 3)
    // The headers of the records come on top.
    const longest = LONGEST_HELLO + (records + 1) * RECORD_HEADER
    if (bytes.length < end) return end > longest ? UNKNOWN : { state: 'partial', length: end }
    pieces.push(bytes.subarray(place + RECORD_HEADER, end))
    have += end - place - RECORD_HEADER
    place = end
    if (have < MESSAGE_HEADER) continue
    if (length === 0) {
      const header = Buffer.concat(pieces)
      if (header[0] !== CLIENT_HELLO) return UNKNOWN
      length = MESSAGE_HEADER + header.readUIntBE(1, 3)
      if (length > LONGEST_HELLO) return UNKNOWN
    }
    if (have < length) continue
    const found = findIn(new Fields(Buffer.concat(pieces).subarray(MESSAGE_HEADER, length)))
    return found === undefined ? UNKNOWN : { state: 'complete', ...found }
  }
  return UNKNOWN
}

/** @returns undefined if the hello is cut short */
function findIn (hello: Fields): { serverName: string, protocols: string[] } | undefined {
  hello.skip(2 + RANDOM)
  hello.vector(1)
  hello.vector(2)
  hello.vector(1)
  const extensions = hello.isAtEnd ? hello : hello.vector(2)
  let serverName = ''
  const protocols: string[] = []
  while (!extensions.isAtEnd) {
    const type = extensions.number(2)
    const value = extensions.vector(2)
    if (type === SERVER_NAME) {
      const list = value.vector(2)
      if (list.number(1) === HOST_NAME) {
        serverName = list.vector(2).text
        // Two names are not plain. OpenSSL refuses them.
        if (!list.isAtEnd) return undefined
      }
      if (list.isCut) return undefined
    } else if (type === ALPN) {
      const list = value.vector(2)
      while (!list.isAtEnd) protocols.push(list.vector(1).text)
      if (list.isCut) return undefined
    }
  }
  return hello.isCut || extensions.isCut ? undefined : { serverName, protocols }
}

/** Reads fields one after another. Reading beyond the end sets `isCut`, and gives empty fields. */
class Fields {
  readonly #bytes: Buffer
  #place = 0
  isCut = false

  constructor (bytes: Buffer, isCut = false) {
    this.#bytes = bytes
    this.isCut = isCut
  }

  get isAtEnd (): boolean {
    return this.isCut || this.#place === this.#bytes.length
  }

  get text (): string {
    return this.#bytes.toString('latin1')
  }

  skip (length: number): void {
    this.#read(length)
  }

  number (length: 1 | 2): number {
    const bytes = this.#read(length)
    return bytes.length === 0 ? 0 : bytes.readUIntBE(0, length)
  }

  /** A vector, which begins with its length in `lengthOfLength` bytes. */
  vector (lengthOfLength: 1 | 2): Fields {
    const bytes = this.#read(this.number(lengthOfLength))
    return new Fields(bytes, this.isCut)
  }

  #read (length: number): Buffer {
    const end = this.#place + length
    if (end > this.#bytes.length) this.isCut = true
    if (this.isCut) return this.#bytes.subarray(0, 0)
    const bytes = this.#bytes.subarray(this.#place, end)
    this.#place = end
    return bytes
  }
}
