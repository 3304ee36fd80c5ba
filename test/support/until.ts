/** Waits for what no event announces. If there is an event, wait for that instead. */

/** In milliseconds: longer than anything takes on a slow machine, and shorter than the time-out of a test file. */
export const PATIENCE = 60_000
const PAUSE = 1

// A test may replace the timers of the process by its own.
const { setTimeout } = globalThis

/**
 * Calls `holds` every millisecond until it gives something other than undefined or false, and gives that.
 * @param what completes "waited in vain until …"
 * @throws Error after a minute, with `what`
 */
export async function until<T> (what: string, holds: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const outcome = await holds()
    if (outcome !== undefined && outcome !== false) return outcome as Exclude<T, undefined | false>
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => { setTimeout(resolve, PAUSE) })
  }
}
