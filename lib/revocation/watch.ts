/**
 * Keeps a set of revoked certificates up to date with the disk.
 *
 * One watcher may serve any number of endpoints, and knows none of them. Each load ends with one assignment, and listeners
 * are called in the same tick.
 */
import { EventEmitter } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AllowedSet } from '../allowed/allowed-set.js'
import { type AllowedList, allowedName, type LoadedAllowed, MOST_RESTS } from '../allowed/load.js'
import { problemOfSharedFile, rejectSharedFile } from '../allowed/separate-lists.js'
import { errors, located } from '../errors.js'
import { ExpiryWarnings } from '../watching/expiry-warnings.js'
import { type ExpiringCrl, expiringCrls, LAST_PART_OF_CRL } from './crl/expiry.js'
import { Authorities } from '../x509/authorities.js'
import { ListFiles } from './files/list-files.js'
import { listName } from './list/last-good-list.js'
import { type LoadedRevocations, type LoadOptions, loadRevocationList, openSources } from './load.js'
import type { LineSources, SourcesOptions } from './sources/line-sources.js'
import { Follower, type Loaded, type LoadReport, type Occasion, rethrowLater } from '../watching/follower.js'
import { RACY, sameObservation } from '../watching/observation.js'
import { POLL_INTERVAL } from '../watching/poller.js'
import { ProblemReport, type ReportLog } from '../watching/problem-report.js'
import { ReaderThread } from './thread/reader-thread.js'
import type { RevocationSet } from './set/revocation-set.js'
import type { RevocationLimits } from '../../types/revocation.js'

export interface WatcherOptions {
  /** Path of the list; without one nothing is revoked. */
  file?: string | undefined
  /** Path of the allowed list; without one every client is allowed. */
  allowed?: AllowedList | undefined
  /** The authorities whose CRLs count (none). */
  authorities?: Authorities
  limits?: RevocationLimits
  /** The clock for `loadedAt` and for expiry. */
  now?: () => Date
  /** Milliseconds between two looks at the disk (100). */
  interval?: number
  /** As for `loadRevocationList`. */
  removalDelay?: number
  clock?: () => number
  log?: ReportLog
  /** Whether loads are measured, and reported by the event `loaded`. */
  measure?: boolean
  /** Reads large files (one of its own). */
  reader?: ReaderThread
  /** How the sources of the list are opened (as by `loadRevocations`). */
  sources?: SourcesOptions
}

/** How a load of both lists went, and the problems of each. */
export interface ListsReport extends LoadReport {
  readonly ofRevocations: readonly Error[]
  readonly ofAllowed: readonly Error[]
}

export interface WatcherEvents {
  /** Another set or other rules were put in force. All listeners are called before anything else happens. */
  swapped: [set: RevocationSet, generation: number]
  /** There is a new problem. The last good state of the file or line stays in force. */
  failed: [problems: readonly Error[]]
  /** The last problem is gone. */
  recovered: []
  /** A load has ended, with or without problems; only with `measure`. */
  loaded: [report: ListsReport]
}

/** Rounds in which a reload waits for sources that it has opened itself, at most. */
const MOST_ROUNDS = 5
/** Scans by which a reload confirms that removed entries are gone, at most, and the milliseconds between them. */
const MOST_SCANS = 5
const NEXT_SCAN = RACY + 10

/** Milliseconds for which a load waits for the allowed list. */
const MOST_WAIT = 100
const LATE = Symbol('late')
/** Milliseconds until the next load. */
const SOON = 1
/** How often a reload waits for it, at most, and for how many milliseconds if its load is slow. */
const MOST_WAITS = 10
const LONGER_WAIT = 500

type WatcherLoad = LoadOptions & { sources: LineSources | undefined, files: ListFiles, allowed: AllowedList | undefined }

/** What is in force, which changes in one assignment. */
export interface InForce {
  readonly set: RevocationSet
  /** Undefined if every client is allowed. */
  readonly allowed: AllowedSet | undefined
}

/** Both lists are loaded together, so that changes that are made together take effect together. */
interface LoadedRules extends Loaded {
  readonly revocations: LoadedRevocations
  readonly allowed: LoadedAllowed | undefined
}

function together (revocations: LoadedRevocations, allowed: LoadedAllowed | undefined): LoadedRules {
  const { observed, problems, isRacy, again } = revocations
  if (allowed === undefined) return { revocations, allowed, observed, problems, isRacy, again }
  const agains = [again, allowed.again].filter((milliseconds) => milliseconds !== undefined)
  return {
    revocations,
    allowed,
    observed: new Map([...observed, ...allowed.observed]),
    problems: [...problems, ...allowed.problems],
    isRacy,
    again: agains.length === 0 ? undefined : Math.min(...agains)
  }
}

/** Keeps the previous rules if the file of the allowed list has become the one of the revocation list, for example by a link. */
function separate (
  { list, allowed: named }: WatcherLoad,
  revocations: LoadedRevocations,
  allowed: LoadedAllowed | undefined,
  previous: LoadedAllowed | undefined
): LoadedAllowed | undefined {
  const file = named?.file
  if (list === undefined || file === undefined || allowed === undefined) return allowed
  const problem = problemOfSharedFile(file, list, allowed.observed.get(file), revocations.observed.get(list))
  if (problem === undefined) return allowed
  if (previous === undefined) throw problem
  return { ...previous, problems: [problem], notices: [], observed: allowed.observed, again: allowed.again }
}

export class RevocationWatcher extends EventEmitter<WatcherEvents> {
  readonly #report: ProblemReport
  readonly #expiry: ExpiryWarnings<ExpiringCrl>
  readonly #allowedReport: ProblemReport
  readonly #follower: Follower<LoadedRules>
  readonly #options: WatcherOptions
  readonly #load: WatcherLoad
  /** A load of the allowed list that the last load has not waited for. */
  #pendingAllowed: Promise<LoadedAllowed | undefined> | undefined
  #inForce: InForce
  #generation = 1

  /**
   * Loads a list and starts to watch it. The watcher does not keep the process alive.
   *
   * @throws the first problem of the list or of a file that it names, with the others in its property
   *   `errors`; see `parseList`, `expandPattern`, `readSettledFile` and `readRevocationFile` for the codes
   */
  static async start (options: WatcherOptions): Promise<RevocationWatcher> {
    const { file, allowed, authorities = Authorities.none, limits, now, removalDelay, clock } = options
    const { reader = new ReaderThread(), interval = POLL_INTERVAL } = options
    const base = {
      // The working directory may change later.
      ...(file !== undefined && { list: resolve(file) }),
      authorities,
      reader,
      files: new ListFiles({ reader, interval }),
      ...(limits !== undefined && { limits }),
      ...(now !== undefined && { now }),
      ...(removalDelay !== undefined && { removalDelay }),
      ...(clock !== undefined && { clock })
    }
    try {
      return await RevocationWatcher.#start(options, { ...base, sources: openSources(base, options.sources), allowed })
    } catch (thrown) {
      if (options.reader === undefined) reader.close()
      throw thrown
    }
  }

  static async #start (options: WatcherOptions, load: WatcherLoad, previous?: LoadedRules): Promise<RevocationWatcher> {
    try {
      // Before the lines are read: they may be errors in a list of the other kind.
      if (previous === undefined) await rejectSharedFile({ revokedFile: load.list, allowedFile: load.allowed?.file })
      const revocations = await loadRevocationList(load, previous?.revocations)
      const allowed = separate(load, revocations, await load.allowed?.load(), previous?.allowed)
      return new RevocationWatcher(options, load, together(revocations, allowed))
    } catch (thrown) {
      load.sources?.close()
      load.files.close()
      throw thrown
    }
  }

  private constructor (options: WatcherOptions, load: WatcherLoad, loaded: LoadedRules) {
    super()
    const { now, interval = POLL_INTERVAL, log, measure = false } = options
    // Each endpoint that shares it adds one.
    this.setMaxListeners(0)
    this.#options = options
    this.#load = load
    const { revocations } = loaded
    this.#inForce = { set: revocations.set, allowed: loaded.allowed?.set }
    this.#report = new ProblemReport('revocations', log)
    this.#report.record(revocations, { isRacy: false })
    this.#allowedReport = new ProblemReport('rules of allowedFile', log)
    this.#expiry = new ExpiryWarnings({
      lastPart: LAST_PART_OF_CRL,
      now: () => (now?.() ?? new Date()).getTime(),
      log
    })
    this.#expiry.watch(expiringCrls(revocations.set.crls.crls))
    this.#follower = new Follower({
      loaded,
      load: async (previous, { isAsked, isConfirming }) => {
        const [revocations, allowed] = await Promise.all([
          loadRevocationList({ ...load, isWhole: isAsked, isConfirming }, previous.revocations)
            .catch((thrown: Error): LoadedRevocations => ({ ...previous.revocations, problems: [thrown], again: undefined })),
          this.#reloadAllowed(previous.allowed)
        ])
        return together(revocations, separate(load, revocations, allowed, previous.allowed))
      },
      lookout: load.files,
      onChanges: (changes) => {
        for (const seen of changes.values()) if ('signature' in seen) load.reader.prepare(Number(seen.signature.size))
      },
      apply: (...args) => { this.#accept(...args) },
      ...(measure && { onLoad: (report: LoadReport) => { this.#emitSafely('loaded', this.#reportOf(report)) } }),
      closedError: () => new errors.FST_ENDPOINT_LIST_CLOSED(this.#name),
      interval
    })
    load.sources?.onNews(() => { this.#follower.wake() })
  }

  /** What is watched, for messages. */
  get #name (): string {
    const { list, allowed } = this.#load
    return list !== undefined ? listName(list) : allowedName(allowed?.file ?? '')
  }

  /**
   * A file system that does not respond, or a long list, must not hold up revocations. They take effect with the
   * previous rules, and the new rules follow later.
   */
  async #reloadAllowed (previous: LoadedAllowed | undefined): Promise<LoadedAllowed | undefined> {
    const pending = this.#pendingAllowed
    const load = pending ?? this.#load.allowed?.load()
    if (load === undefined) return undefined
    const loaded = await Promise.race([load, delay(MOST_WAIT, LATE, { ref: false })])
    this.#pendingAllowed = loaded === LATE ? load : undefined
    // A load from before may have missed the last change.
    if (loaded !== LATE) return pending === undefined || loaded === undefined ? loaded : { ...loaded, again: loaded.again ?? SOON }
    if (pending === undefined) load.finally(() => { this.#follower.wake() }).catch(() => {})
    if (previous === undefined) return undefined
    return { ...previous, again: undefined, problems: pending === undefined ? previous.problems : [slowError(this.#load.allowed)] }
  }

  /** What is in force; a new object each time that something is put in force. */
  get inForce (): InForce {
    return this.#inForce
  }

  /** The set in force. */
  get set (): RevocationSet {
    return this.#inForce.set
  }

  /** 1 for the first set, and one more for each that was put in force. */
  get generation (): number {
    return this.#generation
  }

  /** The problems of the last load. */
  get problems (): readonly Error[] {
    return this.#follower.loaded.problems
  }

  /** Problems that were reported by `failed` or at the start, and are not solved yet. */
  get openProblems (): readonly Error[] {
    return this.#report.openProblems
  }

  /** What is in force and needs attention: see `Removal`. */
  get concerns (): readonly Error[] {
    return this.#report.concerns
  }

  /** The same for the rules of the allowed list. */
  get openProblemsOfAllowed (): readonly Error[] {
    return this.#allowedReport.openProblems
  }

  /** The CRLs in force, and when they end. */
  get expiring (): ExpiryWarnings<ExpiringCrl> {
    return this.#expiry
  }

  /**
   * Loads everything again and puts it in force, changed or not. Overlapping calls share a load, which begins after the last
   * of them. Removed entries go out of force if two scans in a row miss them.
   *
   * @throws the first problem, though the rest is in force; FST_ENDPOINT_LIST_CLOSED after `close`
   */
  async reload (): Promise<void> {
    // Files are watched meanwhile: a source may be slow.
    const { sources } = this.#load
    await sources?.refresh()
    let loaded = await this.#follower.ask()
    // The content of one source may name another.
    for (let rounds = 0; rounds < MOST_ROUNDS && await sources?.hasNews() === true; rounds++) loaded = await this.#follower.ask()
    for (let scans = 0; scans < MOST_SCANS && loaded.revocations.again !== undefined; scans++) {
      await delay(NEXT_SCAN)
      loaded = await this.#follower.ask(true)
    }
    // A load of the allowed list may be slow, and may have begun before the last change. So another one may follow, which is slow
    // too. Rules that are being written take effect when the file has stopped changing.
    for (let waits = 0, rests = 0; waits < MOST_WAITS && rests < MOST_RESTS; loaded = await this.#follower.ask(true)) {
      if (this.#pendingAllowed !== undefined) {
        waits++
        await Promise.race([this.#pendingAllowed, delay(LONGER_WAIT)])
      } else if (loaded.allowed?.again !== undefined) {
        rests++
        await delay(loaded.allowed.again)
      } else {
        break
      }
    }
    const [problem] = loaded.problems
    if (problem !== undefined) throw problem
  }

  /** Loads all files again, and also what the watcher that it was forked from has loaded since. Never rejects: see `problems`. */
  async catchUp (): Promise<void> {
    await this.#load.sources?.catchUp()
    await this.#follower.ask().catch(() => {})
  }

  /**
   * Starts another watcher of the same list with other authorities, by which other CRLs count. It starts from the state of
   * this one, so that it also starts with a problem: see `problems`.
   *
   * @throws the first problem, if there is no set for all of the authorities
   */
  async startAnother (authorities: Authorities): Promise<RevocationWatcher> {
    const load = { ...this.#load, authorities, files: this.#load.files.fork() }
    const sources = openSources(load, this.#options.sources, load.sources)
    return await RevocationWatcher.#start(this.#options, { ...load, sources }, this.#follower.loaded)
  }

  /** Stops watching. The last set stays in force. A load that is under way is dropped. */
  close (): void {
    this.#follower.close()
    this.#expiry.close()
    this.#load.sources?.close()
    this.#load.files.close()
    if (this.#options.reader === undefined) this.#load.reader.close()
  }

  #accept (loaded: LoadedRules, previous: LoadedRules, { isAsked, isRacy }: Occasion): void {
    const { set } = loaded.revocations
    const isOther = set !== previous.revocations.set && (isAsked || this.#mustSwap(loaded.revocations, previous.revocations))
    const allowed = loaded.allowed?.set
    if (isOther || allowed !== this.#inForce.allowed) this.#swap({ set: isOther ? set : this.#inForce.set, allowed })
    const found = [this.#report.record(loaded.revocations, { isRacy })]
    if (loaded.allowed !== undefined) found.push(this.#allowedReport.record({ ...loaded.allowed, warnings: [] }, { isRacy }))
    if (found.includes('failed')) this.#emitSafely('failed', loaded.problems)
    else if (found.includes('recovered') && loaded.problems.length === 0) this.#emitSafely('recovered')
  }

  #reportOf (report: LoadReport): ListsReport {
    const ofAllowed = this.#follower.loaded.allowed?.problems ?? []
    return { ...report, ofAllowed, ofRevocations: report.problems.filter((problem) => !ofAllowed.includes(problem)) }
  }

  /** Whether the set has changed, or the list was touched, which is a request to reload. */
  #mustSwap (loaded: LoadedRevocations, previous: LoadedRevocations): boolean {
    const path = this.#load.list ?? ''
    const list = loaded.observed.get(path)
    const isTouched = list !== undefined && 'kind' in list && !sameObservation(list, previous.observed.get(path))
    return isTouched || !loaded.set.isSameAs(this.#inForce.set)
  }

  #swap (inForce: InForce): void {
    this.#inForce = inForce
    this.#generation++
    this.#expiry.watch(expiringCrls(inForce.set.crls.crls))
    this.#emitSafely('swapped', inForce.set, this.#generation)
  }

  /** Emits an event to all listeners, even if one throws: the next may have connections to close. */
  #emitSafely<E extends keyof WatcherEvents> (event: E, ...args: WatcherEvents[E]): void {
    for (const listener of this.rawListeners(event)) rethrowLater(() => { Reflect.apply(listener, this, args) })
  }
}

function slowError (allowed: AllowedList | undefined): Error {
  const file = allowed?.file ?? ''
  return located(new errors.FST_ENDPOINT_FILE_UNREADABLE(allowedName(file), 'it does not respond'), { file })
}
