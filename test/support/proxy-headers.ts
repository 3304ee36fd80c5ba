/**
 * PROXY headers for tests, written byte for byte from the specification, independently of our reader.
 */

/** Section 2.2: the constant block of 12 bytes. */
const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

export interface Binary {
  /** Version and command; 0x21 is PROXY. */
  command?: number
  /** Family and transport; 0x11 is TCP over IPv4. */
  family?: number
  addresses?: Uint8Array
  vectors?: readonly Uint8Array[]
  /** A false value of the length field. */
  length?: number
}

/** A header of version 2, by default that of 192.0.2.1:56324 to 198.51.100.7:443. */
export function binary ({ command = 0x21, family = 0x11, addresses = IPV4, vectors = [], length }: Binary = {}): Buffer {
  const rest = Buffer.concat([addresses, ...vectors])
  const said = length ?? rest.length
  return Buffer.concat([Buffer.from([...SIGNATURE, command, family, said >> 8, said & 0xff]), rest])
}

export const IPV4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 7, 0xdc, 0x04, 0x01, 0xbb])

/** 2001:db8::1 port 56324 to 2001:db8::7 port 443. */
export const IPV6 = Buffer.from('20010db8000000000000000000000001' + '20010db8000000000000000000000007' + 'dc0401bb', 'hex')

export const NOTHING = Buffer.alloc(0)

export function unixAddresses (source: string, destination: string): Buffer {
  const bytes = Buffer.alloc(216)
  bytes.write(source, 0, 108)
  bytes.write(destination, 108, 108)
  return bytes
}

export function vector (type: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** An SSL vector: flags of the client, the verdict, and vectors within. */
export function sslVector (client: number, verify: number, ...inner: Uint8Array[]): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(client)
  head.writeUInt32BE(verify, 1)
  return vector(0x20, Buffer.concat([head, ...inner]))
}

/** Puts the right checksum into a header that holds a CRC32C vector of zeros: bit by bit, as RFC 4960 appendix B defines it. */
export function withChecksum (header: Buffer): Buffer {
  const at = header.indexOf(vector(0x03, Buffer.alloc(4)))
  let remainder = 0xffffffff
  for (const byte of header) {
    remainder ^= byte
    for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1
  }
  const whole = Buffer.from(header)
  whole.writeUInt32BE((remainder ^ 0xffffffff) >>> 0, at + 3)
  return whole
}

export function line (rest: string): Buffer {
  return Buffer.from(`PROXY ${rest}\r\n`, 'latin1')
}
