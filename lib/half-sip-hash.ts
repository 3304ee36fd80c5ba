/**
 * HalfSipHash-1-3 (Aumasson and Bernstein, SipHash, with words of 32 bits): a keyed hash. Without the key nobody can prepare
 * collisions.
 */

/**
 * The hash of the first `count` words and of `last`.
 *
 * `last` must encode the count, so that no input is a prefix of another.
 *
 * @param key two words
 */
export function halfSipHash (key: Uint32Array, words: Int32Array, count: number, last: number): number {
  let v0 = key[0] as number | 0
  let v1 = key[1] as number | 0
  let v2 = 0x6c796765 ^ v0
  let v3 = 0x74656462 ^ v1
  // The words, the last one, and three rounds at the end.
  for (let at = 0; at < count + 4; at++) {
    let word = 0
    if (at < count) {
      word = words[at] as number
    } else if (at === count) {
      word = last
    } else if (at === count + 1) {
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
