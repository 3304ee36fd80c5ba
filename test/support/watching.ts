/**
 * Bounded waits for what a watcher does.
 *
 * A watcher keeps no process alive, so the timer of the bound also keeps the test running.
 */
import { RevocationWatcher, type WatcherEvents, type WatcherOptions } from '../../lib/revocation/watch.js'

const LONGEST_WAIT = 30_000

/** Starts a watcher that the test closes. */
export async function startWatcher (t: { teardown (done: () => void): void }, options: WatcherOptions): Promise<RevocationWatcher> {
  const watcher = await RevocationWatcher.start(options)
  t.teardown(() => watcher.close())
  return watcher
}

/** Acts, and gives what the next event of the name carries. Rejects if it does not come. */
export function eventAfter<E extends keyof WatcherEvents> (watcher: RevocationWatcher, event: E, act: () => unknown): Promise<WatcherEvents[E]> {
  return stateAfter(watcher, event, act, () => true)
}

/** The same, for the first event after which a condition holds. */
export function stateAfter<E extends keyof WatcherEvents> (watcher: RevocationWatcher, event: E, act: () => unknown, holds: () => boolean): Promise<WatcherEvents[E]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      watcher.off(event, listener as never)
      reject(new Error(`no ${event} within ${LONGEST_WAIT} ms`))
    }, LONGEST_WAIT)
    const listener = (...args: WatcherEvents[E]): void => {
      if (!holds()) return
      clearTimeout(timer)
      watcher.off(event, listener as never)
      resolve(args)
    }
    watcher.on(event, listener as never)
    Promise.resolve(act()).catch(reject)
  })
}
