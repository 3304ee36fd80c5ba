/** When to retry what failed: later after each failure, and not a whole fleet at the same moment. */

/**
 * Milliseconds to wait.
 *
 * @param failures how many there were in a row
 * @param first the wait after the first of them, which doubles with each further one
 * @param last the longest wait
 * @param jitter the share that the wait may be longer or shorter, by chance (0)
 */
export function backoff (failures: number, first: number, last: number, jitter = 0): number {
  return jittered(Math.min(first * 2 ** Math.max(failures - 1, 0), last), jitter)
}

/**
 * A time, longer or shorter by a share of itself at most.
 *
 * @param random from 0 to 1
 */
export function jittered (milliseconds: number, share: number, random = Math.random()): number {
  return milliseconds * (1 - share + 2 * share * random)
}
