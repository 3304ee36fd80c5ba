/**
 * Loads the allowed list, and waits for a file that is being written.
 *
 * A change of the revocation list takes effect at once: if only a part of the file is there, it revokes too few at worst,
 * and the missing entries stay revoked. But a part of an allowed list may admit more clients than the whole. So a file
 * takes effect only if it has replaced another one as a whole (by a rename, or by a link that now points to it), or if it
 * has not changed for two seconds.
 */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { type FileSignature, LIST_FILE_LIMIT, readSettledFile, sameSignature } from '../files.js'
import { quotePath } from '../text/printable.js'
import { observe, type Observation } from '../watching/observation.js'
import { parseAllowedList } from './allowed-file.js'
import type { AllowedSet } from './allowed-set.js'
import { Renames } from './renames.js'

/** Milliseconds for which a file that was written in place must not have changed. */
export const REST = 2000
/** How many times that long a start waits for it. */
export const MOST_RESTS = 5
/** Milliseconds. Clocks do not differ by more, so a file of this age has stopped changing. */
const LONG_AGO = 60_000
/** Milliseconds. A file that changes for longer than this is a problem. */
const RESTLESS = 60_000

export interface AllowedOptions {
  /** Absolute path of the list. */
  readonly file: string
  /** Milliseconds since 1970 (Date.now): file times are compared with it. */
  readonly now?: () => number
  /** Milliseconds of a clock that never goes back (performance.now). */
  readonly clock?: () => number
  /** See `REST`. */
  readonly rest?: number
  /** The events of the list (none). */
  readonly renames?: Renames
}

/** A state of the file, and where its path leads. */
interface FileState extends Place {
  readonly signature: FileSignature
}

interface Place {
  /** The path behind all links. */
  readonly target: string
  /** The path behind the links of its folders. It differs from `target` if the file is itself a link. */
  readonly entry: string
  /** Identifies the folder of `target`, whatever its name is. */
  readonly folder: string
  /** When an entry was last added to or removed from the folder of `target`, in nanoseconds since 1970; 0 if that is not known. */
  readonly folderTime: bigint
}

/** The newest state of the file, which is not in force. */
interface Pending {
  readonly state: FileState
  /** When it was first seen, by `clock`. */
  readonly since: number
  /** When the first of the changes was seen that are not in effect yet. */
  readonly first: number
  /** Whether it has stopped changing, or was put there as a whole. If it is still not in effect then, it is invalid. */
  readonly isWhole: boolean
}

/** The outcome of a load, and the state that the next load starts from. */
export interface LoadedAllowed {
  readonly set: AllowedSet
  /** The file that it was read from. */
  readonly state: FileState
  readonly pending: Pending | undefined
  /** Why the present file is not in effect; `set` is the last good one. */
  readonly problems: readonly Error[]
  /** A message for the log, written once: the file is not in effect yet. */
  readonly notices: readonly string[]
  readonly observed: ReadonlyMap<string, Observation>
  /** Milliseconds until the next load. */
  readonly again: number | undefined
}

export function allowedName (file: string): string {
  return `allowedFile ${quotePath(file)}`
}

/**
 * Loads the list, if there is one. A reload never rejects: see `problems`.
 *
 * @throws on the first load: see `parseAllowedList` and `readSettledFile`; FST_ENDPOINT_ALLOWED_RESTLESS if it keeps
 *   changing
 */
export async function loadAllowed (
  options: AllowedOptions | undefined,
  previous: LoadedAllowed | undefined
): Promise<LoadedAllowed | undefined> {
  if (options === undefined) return undefined
  return previous === undefined ? await start(options) : await reload(options, previous)
}

/**
 * One allowed list of an app. All watchers share its last good rules: a watcher that starts later, when the file is
 * invalid, must not go back to older rules.
 */
export class AllowedList {
  /** Absolute path. */
  readonly file: string
  readonly #options: AllowedOptions
  #last: LoadedAllowed | undefined
  /** Loads run one after the other, so that each begins after it was requested. */
  #loading: Promise<unknown> = Promise.resolve()

  constructor (options: AllowedOptions) {
    this.file = options.file
    this.#options = { renames: new Renames(), ...options }
  }

  /** Stops watching its folder. */
  close (): void {
    this.#options.renames?.close()
  }

  /** Like `loadAllowed`, starting from the last good rules. */
  load (): Promise<LoadedAllowed> {
    const load = this.#loading.then(async () => {
      this.#last = await (this.#last === undefined ? start(this.#options) : reload(this.#options, this.#last))
      return this.#last
    })
    this.#loading = load.catch(() => {})
    return load
  }
}

/** Waits for a file that was changed a moment ago. */
async function start (options: AllowedOptions): Promise<LoadedAllowed> {
  const { file, now = Date.now, rest = REST } = options
  for (let rests = 0; ; rests++) {
    const read = await readList(options)
    if (ageOf(read.state.signature, now()) >= LONG_AGO) return await accept(read)
    if (rests === MOST_RESTS) throw restless(file, rest)
    // The clock of a file system may be slow, so its times do not show whether a file has stopped
    // changing.
    await delay(rest)
    const after = await readList(options)
    if (isSame(read.state, after.state)) return await accept(after)
  }
}

async function reload (options: AllowedOptions, previous: LoadedAllowed): Promise<LoadedAllowed> {
  const { file, clock = performance.now.bind(performance), rest = REST } = options
  const observed = new Map<string, Observation>()
  let { pending } = previous
  try {
    // Most loads are caused by a change of the revocation list.
    if (await isUnchanged(file, previous.state, observed)) {
      return { ...previous, pending: undefined, problems: [], notices: [], observed, again: undefined }
    }
    const read = await readList(options, observed)
    const { state } = read
    // Not by the times of the file: the clock of its file system may be slow.
    const at = clock()
    const known = pending !== undefined && isSame(state, pending.state) ? pending : undefined
    const since = known?.since ?? at
    const first = pending === undefined || pending.isWhole ? at : pending.first
    const isWhole = known?.isWhole === true || at - since >= rest || isReplaced(read, pending?.state ?? previous.state)
    pending = { state, since, first, isWhole }
    if (isWhole) return await accept(read)
    // An earlier problem lasts until new rules are in force.
    const problems = at - first > RESTLESS ? [restless(file, rest)] : previous.problems
    const notices = [`${allowedName(file)} has changed: it takes effect when it has not changed for ${rest} ms`]
    return { ...previous, pending, problems, notices, observed, again: Math.ceil(rest - (at - since)) + 1 }
  } catch (thrown) {
    return { ...previous, pending, problems: [thrown as Error], notices: [], observed, again: undefined }
  }
}

async function accept ({ state, observed, parse }: ReadFile): Promise<LoadedAllowed> {
  return { set: await parse(), state, pending: undefined, problems: [], notices: [], observed, again: undefined }
}

interface ReadFile {
  readonly state: FileState
  /** Whether an event said that it was renamed into its place. */
  readonly isRenamed: boolean
  readonly observed: ReadonlyMap<string, Observation>
  parse (): Promise<AllowedSet>
}

async function readList ({ file, renames }: AllowedOptions, observed = new Map<string, Observation>()): Promise<ReadFile> {
  const what = allowedName(file)
  await observe(file, observed)
  const location = { file, argument: 'allowedFile' }
  const { target, folder } = await locate(file)
  renames?.follow(target, folder)
  const events = await renames?.count() ?? 0
  const { bytes, signature } = await readSettledFile(file, { what, limit: LIST_FILE_LIMIT, location })
  const place = await locate(file)
  if (place.target !== target || place.folder !== folder) throw located(new errors.FST_ENDPOINT_FILE_CHANGED(what), location)
  const isRenamed = await renames?.isRenamed(events) ?? false
  return { state: { ...place, signature }, isRenamed, observed, parse: () => parseAllowedList(bytes, what, location) }
}

async function isUnchanged (file: string, { target, signature }: FileState, observed: Map<string, Observation>): Promise<boolean> {
  const seen = await observe(file, observed)
  return 'signature' in seen && sameSignature(seen.signature, signature) && (await locate(file)).target === target
}

/** Where a path leads; the path itself if nothing exists there. The error of reading it gives the reason. */
async function locate (file: string): Promise<Place> {
  const [target, above] = await Promise.all([realpath(file).catch(() => file), realpath(dirname(file)).catch(() => dirname(file))])
  const stats = await stat(dirname(target), { bigint: true }).catch(() => undefined)
  return {
    target,
    entry: join(above, basename(file)),
    folder: stats === undefined ? '' : [stats.dev, stats.ino, stats.birthtimeNs].join(),
    folderTime: stats?.mtimeNs ?? 0n
  }
}

function isSame (one: FileState, other: FileState): boolean {
  return one.target === other.target && sameSignature(one.signature, other.signature)
}

/**
 * Whether the file was put there as a whole, by a link or by a rename. A rename changes the inode and the folder after
 * the last write to the file. A file that is created in its place and then written changes the folder before the write.
 * A later change of its mode changes the inode too, as a rename does. If all of this happened within one tick of the
 * file system's clock, only the events of the folder show the order: see `Renames`.
 *
 * @param previous the previous state of the file
 */
function isReplaced ({ state, isRenamed }: ReadFile, previous: FileState): boolean {
  const { target, entry, folderTime, signature: { dev, ino, mtimeNs, ctimeNs } } = state
  if (entry !== previous.entry || (target !== previous.target && target !== entry)) return true
  const isOther = dev !== previous.signature.dev || ino !== previous.signature.ino
  return isOther && (isRenamed || (mtimeNs < ctimeNs && mtimeNs < folderTime))
}

/** Milliseconds since a file was last written, according to its own times; 0 if these are in the future. */
function ageOf ({ mtimeNs }: FileSignature, now: number): number {
  return Math.max(0, now - Number(mtimeNs / 1_000_000n))
}

function restless (file: string, rest: number): Error {
  return located(new errors.FST_ENDPOINT_ALLOWED_RESTLESS(allowedName(file), rest), { file, argument: 'allowedFile' })
}
