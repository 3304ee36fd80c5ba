/** CRC32c, the checksum of RFC 4960 appendix B; node:zlib uses another polynomial. */

/** The polynomial of Castagnoli, its bits reversed. */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ ((remainder & 1) * POLYNOMIAL)
  return remainder >>> 0
})

/** The checksum of several pieces as if they were one, as an unsigned number. */
export function crc32c (...pieces: Uint8Array[]): number {
  let remainder = 0xffffffff
  for (const piece of pieces) {
    for (const byte of piece) remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ byte) & 0xff] as number)
  }
  return (remainder ^ 0xffffffff) >>> 0
}
