/**
 * HalfSipHash-1-3 (Aumasson and Bernstein, SipHash, with words of 32 bits): a keyed hash, for which nobody
 * prepares collisions who does not know the key.
 */

/**
 * The hash of some bytes, of how many they are, and of a number beside them.
 *
 * @param key two words
 */
export function halfSipHash (key: Uint32Array, bytes: Uint8Array, start: number, end: number, beside: number): number {
  const words = (end - start) >>> 2
  let v0 = key[0] as number | 0
  let v1 = key[1] as number | 0
  let v2 = 0x6c796765 ^ v0
  let v3 = 0x74656462 ^ v1
  // The whole words, the rest with the length, the number beside them, and three rounds at the end.
  for (let step = 0, at = start; step < words + 5; step++, at += 4) {
    let word = 0
    if (step < words) {
      word = (bytes[at] as number) | (bytes[at + 1] as number) << 8 | (bytes[at + 2] as number) << 16 | (bytes[at + 3] as number) << 24
    } else if (step === words) {
      word = (end - start) << 24
      if (at < end) word |= bytes[at] as number
      if (at + 1 < end) word |= (bytes[at + 1] as number) << 8
      if (at + 2 < end) word |= (bytes[at + 2] as number) << 16
    } else if (step === words + 1) {
      word = beside
    } else if (step === words + 2) {
      v2 ^= 0xff
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}
