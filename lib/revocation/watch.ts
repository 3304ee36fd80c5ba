/**
 * Keeps a set of revoked certificates up to date with the disk.
 *
 * One watcher may serve any number of endpoints: it knows none of them. Each load ends with one
 * assignment, and whoever holds connections learns of it in the same tick.
 *
 * What is seen to change is waited for until it rests, then loaded; what was changed a moment before it
 * was loaded is loaded once more, since the clock of a file system may not have moved in between; what
 * could not be loaded is tried again without waiting for a change.
 */
import { EventEmitter } from 'node:events'
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { X509Certificate } from 'node:crypto'
import { errors } from '../errors.js'
import { CrlExpiry } from './crl/expiry.js'
import { readSigners } from './crl/signers.js'
import { listName } from './list-reading.js'
import { type LoadedRevocations, type LoadOptions, loadRevocationList, type RevocationLimits } from './load.js'
import { FRESH, look, sameObservation } from './observation.js'
import { type Changes, POLL_INTERVAL, Poller } from './poller.js'
import { ProblemReport, type RevocationLog } from './problem-report.js'
import { ReaderThread } from './reader-thread.js'
import type { RevocationSet } from './revocation-set.js'

export interface WatcherOptions {
  /** Path of the list. */
  file: string
  /** As for `loadRevocations`. */
  authorities?: ReadonlyArray<X509Certificate | Uint8Array>
  limits?: RevocationLimits
  /** The clock for `loadedAt`, and for what has expired. */
  now?: () => Date
  /** Milliseconds between two looks at the disk (100). */
  interval?: number
  log?: RevocationLog
}

export interface WatcherEvents {
  /** A set was put in force; all listeners are called before anything else happens. */
  swapped: [set: RevocationSet, generation: number, previous: RevocationSet]
  /** There is a problem that there was not before. The last good state of what it is about is in force. */
  failed: [problems: readonly Error[]]
  /** The last problem is gone. */
  recovered: []
}

/** Milliseconds between two looks that must agree before a change is loaded. */
const SETTLE_INTERVAL = 50
/** Milliseconds after which a change is loaded though it goes on. */
const SETTLE_LIMIT = 500
/** Milliseconds before a load with problems is tried again; doubled each time. */
const FIRST_RETRY = 250
const LAST_RETRY = 5000
/** A load that takes longer than this (milliseconds) is followed by a pause of some times its length. */
const LONG_LOAD = 50
const PAUSE_FACTOR = 4
const LONGEST_PAUSE = 30_000

interface Waiter {
  /** Called right before the set is put in force. */
  commit?: () => void
  resolve: () => void
  reject: (problem: Error) => void
}

export class RevocationWatcher extends EventEmitter<WatcherEvents> {
  readonly #report: ProblemReport
  readonly #expiry: CrlExpiry
  readonly #poller: Poller
  #options: LoadOptions & { list: string }
  #set: RevocationSet
  #loaded: LoadedRevocations
  #generation = 1
  #running = false
  #closed = false
  /** What the next load is for, beside the waiters. */
  #changes: Changes | undefined
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #pauseUntil = 0

  /**
   * Loads a list and starts to watch it. Nothing of it keeps the process alive.
   *
   * @throws the first problem of the list or of a file that it names, with the others in its property
   *   `errors`; see `parseList`, `expandPattern`, `readSettledFile` and `readRevocationFile` for the codes
   */
  static async start ({ file, authorities = [], limits, now, interval = POLL_INTERVAL, log }: WatcherOptions): Promise<RevocationWatcher> {
    const options = {
      // The working directory may change later.
      list: resolve(file),
      authorities: readSigners(authorities),
      reader: new ReaderThread(),
      ...(limits !== undefined && { limits }),
      ...(now !== undefined && { now })
    }
    try {
      return new RevocationWatcher(options, await loadRevocationList(options), interval, log)
    } catch (thrown) {
      options.reader.close()
      throw thrown
    }
  }

  private constructor (options: LoadOptions & { list: string }, loaded: LoadedRevocations, interval: number, log?: RevocationLog) {
    super()
    // One for each endpoint that shares it.
    this.setMaxListeners(0)
    this.#options = options
    this.#set = loaded.set
    this.#loaded = loaded
    this.#report = new ProblemReport(log)
    this.#report.take(loaded, { isFresh: false })
    this.#expiry = new CrlExpiry(() => (options.now?.() ?? new Date()).getTime(), log)
    this.#expiry.watch(loaded.set.crls.crls)
    this.#poller = new Poller({ interval, onChange: (changes) => this.#take(changes) })
    this.#watch()
  }

  /** The set in force. */
  get set (): RevocationSet {
    return this.#set
  }

  /** 1 for the first set, and one more for each that was put in force. */
  get generation (): number {
    return this.#generation
  }

  /** What of the disk could not be taken in the last load. */
  get problems (): readonly Error[] {
    return this.#loaded.problems
  }

  /**
   * Loads everything anew, changed or not, and puts it in force. Calls that overlap share a load, which
   * begins after the last of them.
   *
   * @throws the first problem; the rest is in force all the same. FST_ENDPOINT_LIST_CLOSED after `close`
   */
  reload (): Promise<void> {
    return this.#ask()
  }

  /**
   * Loads everything anew for other authorities: CRLs count by who has signed them.
   *
   * @param commit called in the step that puts the set in force, right before it is done
   * @throws as `reload`
   */
  async changeAuthorities (authorities: ReadonlyArray<X509Certificate | Uint8Array>, commit: () => void): Promise<void> {
    this.#options = { ...this.#options, authorities: readSigners(authorities) }
    await this.#ask(commit)
  }

  #ask (commit?: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closedError())
      this.#waiters.push({ resolve, reject, ...(commit !== undefined && { commit }) })
      this.#run()
    })
  }

  /** Stops to watch. The last set stays in force; what is being loaded is dropped. */
  close (): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#expiry.close()
    this.#options.reader.close()
    this.#poller.close()
    for (const { reject } of this.#waiters.splice(0)) reject(this.#closedError())
  }

  #take (changes: Changes): void {
    this.#changes = changes
    this.#failures = 0
    this.#run()
  }

  async #run (): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#poller.pause()
    clearTimeout(this.#timer)
    do {
      if (this.#changes !== undefined) await this.#settle(this.#changes)
      this.#changes = undefined
      if (this.#closed) return
      await this.#load(this.#waiters.splice(0))
    } while (!this.#closed && this.#waiters.length > 0)
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

  async #load (waiters: readonly Waiter[]): Promise<void> {
    const started = performance.now()
    const previous = this.#loaded
    const loaded = await loadRevocationList(this.#options, previous).catch((thrown: Error) => ({ ...previous, problems: [thrown] }))
    const took = performance.now() - started
    this.#pauseUntil = took > LONG_LOAD ? performance.now() + Math.min(took * PAUSE_FACTOR, LONGEST_PAUSE) : 0
    if (this.#closed) {
      for (const { reject } of waiters) reject(this.#closedError())
      return
    }
    const isAsked = waiters.length > 0
    this.#loaded = loaded
    for (const { commit } of waiters) commit?.()
    this.#failures = loaded.problems.length > 0 ? this.#failures + 1 : 0
    if (loaded.set !== previous.set && (isAsked || this.#isNews(loaded, previous))) this.#swap(loaded.set)
    const event = this.#report.take(loaded, { isFresh: !isAsked && hasFresh(loaded) })
    if (event === 'failed') this.#call('failed', loaded.problems)
    if (event === 'recovered') this.#call('recovered')
    const [problem] = loaded.problems
    for (const { resolve, reject } of waiters) problem === undefined ? resolve() : reject(problem)
  }

  /** Whether a set says something else, or the list was touched, which is how one asks for a reload. */
  #isNews (loaded: LoadedRevocations, previous: LoadedRevocations): boolean {
    if (loaded.set.digest !== this.#set.digest) return true
    const list = loaded.observed.get(this.#options.list)
    const isTouched = list !== undefined && 'kind' in list && !sameObservation(list, previous.observed.get(this.#options.list))
    // The same certificates in other files: the sources would be wrong.
    return isTouched || loaded.contents.size !== previous.contents.size || [...loaded.contents.keys()].some((path) => !previous.contents.has(path))
  }

  #swap (set: RevocationSet): void {
    const previous = this.#set
    this.#set = set
    this.#generation++
    this.#expiry.watch(set.crls.crls)
    this.#call('swapped', set, this.#generation, previous)
  }

  /** Emits an event to every listener, also after one that throws: the next may have connections to cut. */
  #call<E extends keyof WatcherEvents> (event: E, ...args: WatcherEvents[E]): void {
    for (const listener of this.rawListeners(event)) {
      try {
        Reflect.apply(listener, this, args)
      } catch (thrown) {
        queueMicrotask(() => { throw thrown })
      }
    }
  }

  #watch (): void {
    this.#poller.watch(this.#loaded.observed)
    const delays: number[] = []
    // With some time for the timer, which may be early.
    if (hasFresh(this.#loaded)) delays.push(FRESH + 10)
    if (this.#failures > 0) delays.push(Math.min(FIRST_RETRY * 2 ** (this.#failures - 1), LAST_RETRY))
    if (delays.length > 0) this.#timer = setTimeout(() => { this.#run() }, Math.min(...delays)).unref()
  }

  #closedError (): Error {
    return new errors.FST_ENDPOINT_LIST_CLOSED(listName(this.#options.list))
  }
}

/** Whether something was looked at so shortly after a change that another one would not be seen. */
function hasFresh ({ observed }: LoadedRevocations): boolean {
  for (const seen of observed.values()) {
    if ('fresh' in seen && seen.fresh) return true
  }
  return false
}
