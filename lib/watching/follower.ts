/**
 * Keeps what was loaded from the disk up to date with it.
 *
 * A change is loaded when it has settled. What changed a moment before its load is loaded once more, since the clock of
 * the file system may not have moved in between. A failed load is retried without waiting for a change. Nothing here
 * keeps the process alive.
 */
import { performance } from 'node:perf_hooks'
import { backoff } from './backoff.js'
import { EventLoopHold } from './event-loop-hold.js'
import { RACY, hasRacy, look, type Observation, sameObservation } from './observation.js'
import { type Changes, Poller } from './poller.js'

/** What every load returns, beside its own results. */
export interface Loaded {
  /** Every path that was looked at, with its state just before. */
  readonly observed: ReadonlyMap<string, Observation>
  /** The files among them that each round looks at, however many there are (the first). */
  readonly named?: ReadonlySet<string>
  /** Whether something outside `observed` changed just before it was read (no). */
  readonly isRacy?: boolean
  /** What could not be loaded; its last good state stays in force. */
  readonly problems: readonly Error[]
  /** Milliseconds until the next load, changed or not (never). */
  readonly again?: number | undefined
}

/** Something else that notices changes. */
export interface Lookout {
  /** Starts. Calls `onChange` at most once, until it is started again. */
  watch (onChange: (changes: Changes) => void): void
  /** Stops until `watch`. */
  pause (): void
}

/** How a load went. */
export interface LoadReport {
  readonly seconds: number
  /** The longest time in seconds for which anything blocked the event loop meanwhile. */
  readonly longestHold: number
  readonly problems: readonly Error[]
}

/** What a load was for. */
export interface Occasion {
  /** Somebody requested it, and not only to confirm the previous load. */
  readonly isAsked: boolean
  /** A change came just before, so another load follows soon. */
  readonly isRacy: boolean
}

interface FollowerOptions<L extends Loaded> {
  /** What was loaded first. */
  loaded: L
  /**
   * Loads again; everything, if a caller requested it. Never rejects because of what it finds on
   * the disk.
   */
  load: (previous: L, occasion: { readonly isAsked: boolean, readonly isConfirming: boolean, readonly changes: Changes }) => Promise<L>
  /** Notices changes of what is not in `observed`. */
  lookout?: Lookout
  /** Called for changes that will be loaded when they settle. An exception does not stop the follower. */
  onChanges?: (changes: Changes) => void
  /** Puts what was loaded in force. An exception becomes an uncaught one, and does not stop the follower. */
  apply: (loaded: L, previous: L, occasion: Occasion) => void
  /** Called after each load. Loads are measured only if it is given. An exception does not stop the follower. */
  onLoad?: (report: LoadReport) => void
  /** The error for calls after `close`. */
  closedError: () => Error
  /** Milliseconds between two looks at the disk. */
  interval: number
}

/** Milliseconds between two looks that must agree before a change is loaded. */
const SETTLE_INTERVAL = 50
/** Milliseconds after which a change is loaded though it has not settled. */
const SETTLE_LIMIT = 500
/** Milliseconds before a load with problems is retried; doubled each time. */
const FIRST_RETRY = 250
const LAST_RETRY = 5000
/**
 * Loads longer than this (milliseconds) may take a fifth of the time. A load after a rest needs no pause. In a series,
 * each load is followed by a pause: some times its length, or the time of the ones before it if that is less.
 */
const LONG_LOAD = 50
const PAUSE_FACTOR = 4
const LONGEST_PAUSE = 30_000
/** Milliseconds: the longest that a timer accepts. */
const LONGEST_WAIT = 2 ** 31 - 1

interface Waiter<L> {
  readonly isConfirming: boolean
  resolve (loaded: L): void
  reject (closed: Error): void
}

export class Follower<L extends Loaded> {
  /** Without the first load, which would otherwise stay in memory. */
  readonly #options: Omit<FollowerOptions<L>, 'loaded'>
  readonly #poller: Poller
  #loaded: L
  #running = false
  #closed = false
  /** The changes that the next load is for, beside the waiters. */
  #changes: Changes | undefined
  #waiters: Array<Waiter<L>> = []
  #timer: NodeJS.Timeout | undefined
  #endPause = (): void => {}
  #failures = 0
  #pauseUntil = 0
  /** Milliseconds of loads that no idle time has paid back. */
  #unrested = 0
  #lastEnd = 0

  constructor ({ loaded, ...options }: FollowerOptions<L>) {
    this.#options = options
    this.#loaded = loaded
    this.#poller = new Poller({ interval: options.interval, onChange: (changes) => this.#noteChanges(changes) })
    this.#watch()
  }

  /** What was loaded last. */
  get loaded (): L {
    return this.#loaded
  }

  /**
   * Loads everything again, changed or not. Overlapping calls share a load, which begins after the last of them.
   *
   * @param isConfirming whether the call only confirms what the load before found
   * @returns what was loaded, with its problems
   * @throws `closedError`
   */
  ask (isConfirming = false): Promise<L> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#options.closedError())
      this.#waiters.push({ resolve, reject, isConfirming })
      this.#endPause()
      this.#run()
    })
  }

  /** Loads as soon as possible: something changed that is not polled. */
  wake (): void {
    if (this.#closed) return
    this.#changes ??= new Map()
    this.#run()
  }

  /** Stops. Drops what is being loaded. */
  close (): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#poller.close()
    for (const { reject } of this.#waiters.splice(0)) reject(this.#options.closedError())
  }

  #noteChanges (changes: Changes): void {
    this.#changes = changes
    this.#failures = 0
    rethrowLater(() => this.#options.onChanges?.(changes))
    this.#run()
  }

  async #run (): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#poller.pause()
    this.#options.lookout?.pause()
    clearTimeout(this.#timer)
    do {
      // Calls in the same turn share a load.
      await (this.#changes === undefined ? undefined : this.#settle(this.#changes))
      const changes = this.#changes ?? new Map()
      this.#changes = undefined
      if (this.#closed) return
      await this.#load(this.#waiters.splice(0), changes)
    } while (!this.#closed && (this.#waiters.length > 0 || this.#changes !== undefined))
    this.#running = false
    if (!this.#closed) this.#watch()
  }

  /** Waits until two looks agree, so that a file is not read while it is being written. */
  async #settle (changes: Changes): Promise<void> {
    const limit = performance.now() + SETTLE_LIMIT
    const isAwaited = (): boolean => this.#closed || this.#waiters.length > 0
    let seen = changes
    for (let isSettled = false; !isAwaited() && (performance.now() < this.#pauseUntil || (!isSettled && performance.now() < limit));) {
      await this.#pause(SETTLE_INTERVAL)
      const now = new Map(await Promise.all([...seen.keys()].map(async (path) => [path, await look(path)] as const)))
      isSettled = [...now].every(([path, observation]) => sameObservation(observation, seen.get(path)))
      seen = now
    }
  }

  /** Ends early when somebody asks: the timer keeps no process alive, and the call would never return. */
  async #pause (milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds).unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #load (waiters: ReadonlyArray<Waiter<L>>, changes: Changes): Promise<void> {
    const started = performance.now()
    const { onLoad } = this.#options
    const hold = onLoad === undefined ? undefined : new EventLoopHold()
    const previous = this.#loaded
    const isConfirming = waiters.some((waiter) => waiter.isConfirming)
    // A load that rejects is retried like one with problems, whatever `again` of the load before says.
    const loaded = await this.#options.load(previous, { isAsked: waiters.length > 0, isConfirming, changes })
      .catch((thrown: Error) => ({ ...previous, problems: [thrown], again: undefined }))
    const took = performance.now() - started
    this.#rest(started, took)
    if (this.#closed) {
      hold?.end()
      for (const { reject } of waiters) reject(this.#options.closedError())
      return
    }
    const isAsked = waiters.some((waiter) => !waiter.isConfirming)
    this.#loaded = loaded
    this.#failures = loaded.problems.length > 0 ? this.#failures + 1 : 0
    rethrowLater(() => { this.#options.apply(loaded, previous, { isAsked, isRacy: waiters.length === 0 && isRacy(loaded) }) })
    if (hold !== undefined) {
      rethrowLater(() => onLoad?.({ seconds: took / 1000, longestHold: hold.end() / 1000, problems: loaded.problems }))
    }
    for (const { resolve } of waiters) resolve(loaded)
  }

  #rest (started: number, took: number): void {
    const unrested = Math.max(0, this.#unrested - (started - this.#lastEnd) / PAUSE_FACTOR)
    this.#unrested = unrested + took
    this.#lastEnd = started + took
    this.#pauseUntil = took > LONG_LOAD ? this.#lastEnd + Math.min(PAUSE_FACTOR * Math.min(took, unrested), LONGEST_PAUSE) : 0
  }

  #watch (): void {
    this.#poller.watch(this.#loaded.observed, this.#loaded.named)
    this.#options.lookout?.watch((changes) => this.#noteChanges(changes))
    const delays: number[] = []
    // With a margin, since a timer may fire early.
    if (isRacy(this.#loaded)) delays.push(RACY + 10)
    if (this.#failures > 0) delays.push(backoff(this.#failures, FIRST_RETRY, LAST_RETRY))
    if (this.#loaded.again !== undefined) {
      delays.push(Math.min(Math.max(this.#loaded.again, this.#pauseUntil - performance.now()), LONGEST_WAIT))
    }
    if (delays.length > 0) this.#timer = setTimeout(() => { this.#run() }, Math.min(...delays)).unref()
  }
}

function isRacy (loaded: Loaded): boolean {
  return loaded.isRacy === true || hasRacy(loaded.observed)
}

/** Reports an exception of a callback as uncaught, and goes on. */
export function rethrowLater (call: () => void): void {
  try {
    call()
  } catch (thrown) {
    queueMicrotask(() => { throw thrown })
  }
}
