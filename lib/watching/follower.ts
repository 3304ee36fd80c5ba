/**
 * Keeps what was loaded from the disk up to date with it.
 *
 * What is seen to change is waited for until it rests, then loaded; what was changed a moment before it
 * was loaded is loaded once more, since the clock of a file system may not have moved in between; what
 * could not be loaded is tried again without waiting for a change. Nothing of it keeps the process alive.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { backoff } from './backoff.js'
import { EventLoopHold } from './event-loop-hold.js'
import { RACY, hasRacy, look, type Observation, sameObservation } from './observation.js'
import { type Changes, Poller } from './poller.js'

/** What a load gives, whatever else. */
export interface Loaded {
  /** Everything that was looked at, as it was just before. */
  readonly observed: ReadonlyMap<string, Observation>
  /** Those files of it that are looked at in each round, however many there are (the first). */
  readonly named?: ReadonlySet<string>
  /** Whether something was changed just before it was looked at, of what is not in `observed` (no). */
  readonly isRacy?: boolean
  /** What could not be taken as it stands; the last good state of it is what counts. */
  readonly problems: readonly Error[]
  /** Milliseconds after which it is to be loaded again, changed or not (never). */
  readonly again?: number | undefined
}

/** Something else that looks whether anything has changed. */
export interface Lookout {
  /** Starts to look. `onChange` is called once at the most, until it is started again. */
  watch (onChange: (changes: Changes) => void): void
  /** Stops to look, until `watch`. */
  pause (): void
}

/** How a load went. */
export interface LoadReport {
  readonly seconds: number
  /** The longest time, in seconds, for which the event loop was held meanwhile, by this or by anything else. */
  readonly held: number
  readonly problems: readonly Error[]
}

/** What a load was for. */
export interface Occasion {
  /** Somebody has asked for it, and not only for the load before to be confirmed. */
  readonly isAsked: boolean
  /** Something was changed just before, so that there will soon be another load. */
  readonly isRacy: boolean
}

interface FollowerOptions<L extends Loaded> {
  /** What was loaded first. */
  loaded: L
  /**
   * Loads again: everything, if somebody has asked for it. Never rejects for what it finds on the disk.
   * `changes` is what was seen to change.
   */
  load: (previous: L, occasion: { readonly isAsked: boolean, readonly isConfirming: boolean, readonly changes: Changes }) => Promise<L>
  /** Looks beside this at what is not in `observed`. */
  lookout?: Lookout
  /** Told of what has changed and will be loaded as soon as it rests. What it throws holds nothing up. */
  expect?: (changes: Changes) => void
  /** Puts what was loaded in force. What it throws is thrown where nobody catches it, and holds nothing up. */
  take: (loaded: L, previous: L, occasion: Occasion) => void
  /** Told of each load, which is measured for that. What it throws holds nothing up. */
  onLoad?: (report: LoadReport) => void
  /** What is thrown at those that ask when it is closed. */
  closedError: () => Error
  /** Milliseconds between two looks at the disk. */
  interval: number
}

/** Milliseconds between two looks that must agree before a change is loaded. */
const SETTLE_INTERVAL = 50
/** Milliseconds after which a change is loaded though it goes on. */
const SETTLE_LIMIT = 500
/** Milliseconds before a load with problems is tried again; doubled each time. */
const FIRST_RETRY = 250
const LAST_RETRY = 5000
/**
 * Loads that take longer than this (milliseconds) may take one part in five of the time. One after a rest is
 * not held against the next; of those that come one upon the other each is followed by a pause of some times
 * its length, or of what the ones before it have taken, if that is less.
 */
const LONG_LOAD = 50
const PAUSE_FACTOR = 4
const LONGEST_PAUSE = 30_000
/** Milliseconds; what a timer takes. */
const LONGEST_WAIT = 2 ** 31 - 1

interface Waiter<L> {
  readonly isConfirming: boolean
  resolve (loaded: L): void
  reject (closed: Error): void
}

export class Follower<L extends Loaded> {
  /** Without what was loaded first, which would else be held for as long as anything is followed. */
  readonly #options: Omit<FollowerOptions<L>, 'loaded'>
  readonly #poller: Poller
  #loaded: L
  #running = false
  #closed = false
  /** What the next load is for, beside the waiters. */
  #changes: Changes | undefined
  #waiters: Array<Waiter<L>> = []
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #pauseUntil = 0
  /** Milliseconds that loads have taken and that have not been rested for. */
  #unrested = 0
  #lastEnd = 0

  constructor ({ loaded, ...options }: FollowerOptions<L>) {
    this.#options = options
    this.#loaded = loaded
    this.#poller = new Poller({ interval: options.interval, onChange: (changes) => this.#takeChanges(changes) })
    this.#watch()
  }

  /** What was loaded last. */
  get loaded (): L {
    return this.#loaded
  }

  /**
   * Loads everything anew, changed or not. Calls that overlap share a load, which begins after the last of
   * them.
   *
   * @param isConfirming whether this is asked only to see that what the load before has found is so still
   * @returns what was loaded, with its problems
   * @throws `closedError`
   */
  ask (isConfirming = false): Promise<L> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#options.closedError())
      this.#waiters.push({ resolve, reject, isConfirming })
      this.#run()
    })
  }

  /** Loads as soon as it can, since something has changed that is not looked at. */
  wake (): void {
    if (this.#closed) return
    this.#changes ??= new Map()
    this.#run()
  }

  /** Stops to follow; what is being loaded is dropped. */
  close (): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#poller.close()
    for (const { reject } of this.#waiters.splice(0)) reject(this.#options.closedError())
  }

  #takeChanges (changes: Changes): void {
    this.#changes = changes
    this.#failures = 0
    rethrowLater(() => this.#options.expect?.(changes))
    this.#run()
  }

  async #run (): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#poller.pause()
    this.#options.lookout?.pause()
    clearTimeout(this.#timer)
    do {
      // Whoever asks in the same turn shares the load.
      await (this.#changes === undefined ? undefined : this.#settle(this.#changes))
      const changes = this.#changes ?? new Map()
      this.#changes = undefined
      if (this.#closed) return
      await this.#load(this.#waiters.splice(0), changes)
    } while (!this.#closed && (this.#waiters.length > 0 || this.#changes !== undefined))
    this.#running = false
    if (!this.#closed) this.#watch()
  }

  /** Waits until what has changed looks the same twice, so that a file is not read while it is written. */
  async #settle (changes: Changes): Promise<void> {
    const limit = performance.now() + SETTLE_LIMIT
    const isAwaited = (): boolean => this.#closed || this.#waiters.length > 0
    let seen = changes
    for (let isSettled = false; !isAwaited() && (performance.now() < this.#pauseUntil || (!isSettled && performance.now() < limit));) {
      await delay(SETTLE_INTERVAL, undefined, { ref: false })
      const now = new Map(await Promise.all([...seen.keys()].map(async (path) => [path, await look(path)] as const)))
      isSettled = [...now].every(([path, observation]) => sameObservation(observation, seen.get(path)))
      seen = now
    }
  }

  async #load (waiters: ReadonlyArray<Waiter<L>>, changes: Changes): Promise<void> {
    const started = performance.now()
    const { onLoad } = this.#options
    const hold = onLoad === undefined ? undefined : new EventLoopHold()
    const previous = this.#loaded
    const isConfirming = waiters.some((waiter) => waiter.isConfirming)
    // One that keeps rejecting is tried again as any with problems, however soon the one before was to be followed.
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
    rethrowLater(() => { this.#options.take(loaded, previous, { isAsked, isRacy: waiters.length === 0 && isRacy(loaded) }) })
    if (hold !== undefined) rethrowLater(() => onLoad?.({ seconds: took / 1000, held: hold.end() / 1000, problems: loaded.problems }))
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
    this.#options.lookout?.watch((changes) => this.#takeChanges(changes))
    const delays: number[] = []
    // With some time for the timer, which may be early.
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

/** A bug of who is called is told of as one, and what is followed is followed on. */
export function rethrowLater (call: () => void): void {
  try {
    call()
  } catch (thrown) {
    queueMicrotask(() => { throw thrown })
  }
}
