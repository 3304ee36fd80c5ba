/**
 * Keeps a set of revoked certificates up to date with the disk.
 *
 * One watcher may serve any number of endpoints: it knows none of them. Each load ends with one
 * assignment, and whoever holds connections learns of it in the same tick.
 */
import { EventEmitter } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { errors } from '../errors.js'
import { ExpiryWarnings } from '../watching/expiry-warnings.js'
import { type ExpiringCrl, expiringCrls, LAST_PART_OF_CRL } from './crl/expiry.js'
import { Authorities } from '../x509/authorities.js'
import { ListFiles } from './files/list-files.js'
import { listName } from './list/last-good-list.js'
import { type LoadedRevocations, type LoadOptions, loadRevocationList, openSources } from './load.js'
import type { LineSources, SourcesOptions } from './sources/line-sources.js'
import { Follower, type LoadReport, type Occasion, rethrowLater } from '../watching/follower.js'
import { RACY, sameObservation } from '../watching/observation.js'
import { POLL_INTERVAL } from '../watching/poller.js'
import { ProblemReport, type ReportLog } from '../watching/problem-report.js'
import { ReaderThread } from './thread/reader-thread.js'
import type { RevocationSet } from './set/revocation-set.js'
import type { RevocationLimits } from '../../types/revocation.js'

export interface WatcherOptions {
  /** Path of the list. */
  file: string
  /** Whose CRLs count (nobody's). */
  authorities?: Authorities
  limits?: RevocationLimits
  /** The clock for `loadedAt`, and for what has expired. */
  now?: () => Date
  /** Milliseconds between two looks at the disk (100). */
  interval?: number
  /** As for `loadRevocationList`. */
  removalDelay?: number
  clock?: () => number
  log?: ReportLog
  /** Whether loads are measured, and told of by the event `loaded`. */
  measure?: boolean
  /** What large files are read with; one of its own, if it is not given. */
  reader?: ReaderThread
  /** How the sources that the list names are opened; as `loadRevocations` does, if it is not given. */
  sources?: SourcesOptions
}

export interface WatcherEvents {
  /** A set was put in force; all listeners are called before anything else happens. */
  swapped: [set: RevocationSet, generation: number]
  /** There is a problem that there was not before. The last good state of what it is about is in force. */
  failed: [problems: readonly Error[]]
  /** The last problem is gone. */
  recovered: []
  /** A load is over, whatever it gave; only with `measure`. */
  loaded: [report: LoadReport]
}

/** How often a reload waits for sources that it has opened itself. */
const MOST_ROUNDS = 5
/** How often it looks again whether what is gone is so still, after how many milliseconds. */
const MOST_SCANS = 5
const NEXT_SCAN = RACY + 10

type WatcherLoad = LoadOptions & { list: string, sources: LineSources, files: ListFiles }

export class RevocationWatcher extends EventEmitter<WatcherEvents> {
  readonly #report: ProblemReport
  readonly #expiry: ExpiryWarnings<ExpiringCrl>
  readonly #follower: Follower<LoadedRevocations>
  readonly #options: WatcherOptions
  readonly #load: WatcherLoad
  #set: RevocationSet
  #generation = 1

  /**
   * Loads a list and starts to watch it. Nothing of it keeps the process alive.
   *
   * @throws the first problem of the list or of a file that it names, with the others in its property
   *   `errors`; see `parseList`, `expandPattern`, `readSettledFile` and `readRevocationFile` for the codes
   */
  static async start (options: WatcherOptions): Promise<RevocationWatcher> {
    const { file, authorities = Authorities.none, limits, now, removalDelay, clock, reader = new ReaderThread(), interval = POLL_INTERVAL } = options
    const base = {
      // The working directory may change later.
      list: resolve(file),
      authorities,
      reader,
      files: new ListFiles({ reader, interval }),
      ...(limits !== undefined && { limits }),
      ...(now !== undefined && { now }),
      ...(removalDelay !== undefined && { removalDelay }),
      ...(clock !== undefined && { clock })
    }
    try {
      return await RevocationWatcher.#start(options, { ...base, sources: openSources(base, options.sources) as LineSources })
    } catch (thrown) {
      if (options.reader === undefined) reader.close()
      throw thrown
    }
  }

  static async #start (options: WatcherOptions, load: WatcherLoad, previous?: LoadedRevocations): Promise<RevocationWatcher> {
    try {
      return new RevocationWatcher(options, load, await loadRevocationList(load, previous))
    } catch (thrown) {
      load.sources.close()
      load.files.close()
      throw thrown
    }
  }

  private constructor (options: WatcherOptions, load: WatcherLoad, loaded: LoadedRevocations) {
    super()
    const { now, interval = POLL_INTERVAL, log, measure = false } = options
    // One for each endpoint that shares it.
    this.setMaxListeners(0)
    this.#options = options
    this.#load = load
    this.#set = loaded.set
    this.#report = new ProblemReport('revocations', log)
    this.#report.take(loaded, { isRacy: false })
    this.#expiry = new ExpiryWarnings({
      lastPart: LAST_PART_OF_CRL,
      now: () => (now?.() ?? new Date()).getTime(),
      log
    })
    this.#expiry.watch(expiringCrls(loaded.set.crls.crls))
    this.#follower = new Follower({
      loaded,
      load: (previous, { isAsked, isConfirming }) => loadRevocationList({ ...load, isWhole: isAsked, isConfirming }, previous),
      lookout: load.files,
      expect: (changes) => {
        for (const seen of changes.values()) if ('signature' in seen) load.reader.prepare(Number(seen.signature.size))
      },
      take: (...args) => { this.#take(...args) },
      ...(measure && { onLoad: (report: LoadReport) => { this.#call('loaded', report) } }),
      closedError: () => new errors.FST_ENDPOINT_LIST_CLOSED(listName(load.list)),
      interval
    })
    load.sources.onNews(() => { this.#follower.wake() })
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
    return this.#follower.loaded.problems
  }

  /** What was told of by `failed`, and is so still. */
  get standing (): readonly Error[] {
    return this.#report.standing
  }

  /** What is in force, and needs somebody: see `Removal`. */
  get concerns (): readonly Error[] {
    return this.#report.concerns
  }

  /** The CRLs in force, and when they end. */
  get expiring (): ExpiryWarnings<ExpiringCrl> {
    return this.#expiry
  }

  /**
   * Loads everything anew, changed or not, and puts it in force. Calls that overlap share a load, which
   * begins after the last of them. What is gone goes out of force if two scans in a row agree that it is.
   *
   * @throws the first problem; the rest is in force all the same. FST_ENDPOINT_LIST_CLOSED after `close`
   */
  async reload (): Promise<void> {
    // Files are followed all the while: a source may be slow.
    await this.#load.sources.refresh()
    let loaded = await this.#follower.ask()
    // What one source has said may name another.
    for (let rounds = 0; rounds < MOST_ROUNDS && await this.#load.sources.hasNews(); rounds++) loaded = await this.#follower.ask()
    for (let scans = 0; scans < MOST_SCANS && loaded.again !== undefined; scans++) {
      await delay(NEXT_SCAN)
      loaded = await this.#follower.ask(true)
    }
    const [problem] = loaded.problems
    if (problem !== undefined) throw problem
  }

  /** Loads all files anew, and what the watcher that it was started from has heard since. Never rejects: see `problems`. */
  async catchUp (): Promise<void> {
    await this.#load.sources.catchUp()
    await this.#follower.ask().catch(() => {})
  }

  /**
   * Starts another watcher of the same list, for other authorities: CRLs count by who has signed them. What
   * this one knows is what that one goes back to, so a problem does not keep it from starting: see `problems`.
   *
   * @throws the first problem, if it leaves no set that is for all of the authorities
   */
  async startAnother (authorities: Authorities): Promise<RevocationWatcher> {
    const load = { ...this.#load, authorities, files: this.#load.files.fork() }
    const sources = openSources(load, this.#options.sources, load.sources) as LineSources
    return await RevocationWatcher.#start(this.#options, { ...load, sources }, this.#follower.loaded)
  }

  /** Stops to watch. The last set stays in force; what is being loaded is dropped. */
  close (): void {
    this.#follower.close()
    this.#expiry.close()
    this.#load.sources.close()
    this.#load.files.close()
    if (this.#options.reader === undefined) this.#load.reader.close()
  }

  #take (loaded: LoadedRevocations, previous: LoadedRevocations, { isAsked, isRacy }: Occasion): void {
    if (loaded.set !== previous.set && (isAsked || this.#isNews(loaded, previous))) this.#swap(loaded.set)
    const event = this.#report.take(loaded, { isRacy })
    if (event === 'failed') this.#call('failed', loaded.problems)
    if (event === 'recovered') this.#call('recovered')
  }

  /** Whether a set says something else, or the list was touched, which is how one asks for a reload. */
  #isNews (loaded: LoadedRevocations, previous: LoadedRevocations): boolean {
    const list = loaded.observed.get(this.#load.list)
    const isTouched = list !== undefined && 'kind' in list && !sameObservation(list, previous.observed.get(this.#load.list))
    return isTouched || !loaded.set.isSameAs(this.#set)
  }

  #swap (set: RevocationSet): void {
    this.#set = set
    this.#generation++
    this.#expiry.watch(expiringCrls(set.crls.crls))
    this.#call('swapped', set, this.#generation)
  }

  /** Emits an event to every listener, also after one that throws: the next may have connections to cut. */
  #call<E extends keyof WatcherEvents> (event: E, ...args: WatcherEvents[E]): void {
    for (const listener of this.rawListeners(event)) rethrowLater(() => { Reflect.apply(listener, this, args) })
  }
}
