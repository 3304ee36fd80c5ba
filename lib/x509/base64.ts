/**
 * Strict base64 (RFC 4648 section 4): padding where it belongs and only there, no other alphabet, and no
 * unused bits set. So each sequence of bytes has exactly one spelling.
 *
 * Node's own decoder accepts nearly anything. To check its input first would take several copies, and a CRL in PEM may have
 * a hundred megabytes. This decoder checks and decodes in one pass.
 */

const SPACE = 0x40
const OTHER = 0x80
/** For each byte its six bits, or SPACE or OTHER. */
const VALUES = new Uint8Array(256).fill(OTHER)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
for (const [value, digit] of Array.from(ALPHABET).entries()) VALUES[digit.charCodeAt(0)] = value
for (const space of '\t\n\v\f\r ') VALUES[space.charCodeAt(0)] = SPACE
const PADDING = 0x3d

/**
 * Decodes a text without white space.
 *
 * @returns undefined if it is not strict base64
 */
export function decodeBase64 (text: string): Buffer | undefined {
  return /[^\x21-\x7e]/.test(text) ? undefined : decodeBase64Lines(Buffer.from(text, 'latin1'))
}

/**
 * Decodes bytes, with any white space between the digits, as PEM has it.
 *
 * @returns undefined if they are not strict base64
 */
export function decodeBase64Lines (bytes: Uint8Array): Buffer | undefined {
  const decoded = Buffer.allocUnsafeSlow(Math.ceil(bytes.length / 4) * 3)
  const { length } = bytes
  let size = 0
  /** The bits and the number of digits of an incomplete group. */
  let bits = 0
  let digits = 0
  let at = 0
  while (at < length) {
    if (digits === 0) {
      // Fast path: whole groups without white space.
      for (; at + 4 <= length; at += 4) {
        const a = VALUES[bytes[at] as number] as number
        const b = VALUES[bytes[at + 1] as number] as number
        const c = VALUES[bytes[at + 2] as number] as number
        const d = VALUES[bytes[at + 3] as number] as number
        if ((a | b | c | d) >= SPACE) break
        decoded[size++] = a << 2 | b >> 4
        decoded[size++] = b << 4 | c >> 2
        decoded[size++] = c << 6 | d
      }
      if (at === length) break
    }
    const value = VALUES[bytes[at] as number] as number
    if (value === OTHER) break
    at++
    if (value === SPACE) continue
    bits = bits << 6 | value
    if (++digits < 4) continue
    decoded[size++] = bits >> 16
    decoded[size++] = bits >> 8
    decoded[size++] = bits
    bits = digits = 0
  }
  if (!isEnd(bytes, at, digits === 0 ? 0 : 4 - digits)) return undefined
  // Three digits leave two unused bits, two digits leave four.
  if (digits === 3) {
    if ((bits & 0b11) !== 0) return undefined
    decoded[size++] = bits >> 10
    decoded[size++] = bits >> 2
  } else if (digits === 2) {
    if ((bits & 0b1111) !== 0) return undefined
    decoded[size++] = bits >> 4
  } else if (digits === 1) {
    return undefined
  }
  return decoded.subarray(0, size)
}

/** Whether the rest is exactly this much padding, and white space. */
function isEnd (bytes: Uint8Array, start: number, padding: number): boolean {
  let left = padding
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === PADDING) left--
    else if (VALUES[bytes[at] as number] !== SPACE) return false
  }
  return left === 0
}
