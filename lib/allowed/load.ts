/**
 * Loads the allowed list, and waits for a file that is being written.
 *
 * The revocation list takes a change at once, since a part of it revokes at most too few, and what is missing stays
 * revoked. Here a part of a file may let in more than the whole. So a file counts when it was put in the place of
 * another one as a whole, by a rename or by a link that points elsewhere, or when it has not changed for two seconds.
 */
import { realpath } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { type FileSignature, LIST_FILE_LIMIT, readSettledFile, sameSignature } from '../files.js'
import { quotePath } from '../text/printable.js'
import { observe, type Observation } from '../watching/observation.js'
import { parseAllowedList } from './allowed-file.js'
import type { AllowedSet } from './allowed-set.js'

/** Milliseconds for which a file that was written in place must not have changed. */
export const REST = 2000
/** How many times that long a start waits for it. */
export const MOST_RESTS = 5
/** Milliseconds. A file that never rests for as long is a problem. */
const RESTLESS = 60_000

export interface AllowedOptions {
  /** Absolute path of the list. */
  readonly file: string
  /** Milliseconds since 1970 (Date.now): file times are compared with it. */
  readonly now?: () => number
  /** Milliseconds of a clock that nobody sets (performance.now). */
  readonly clock?: () => number
  /** See `REST`. */
  readonly rest?: number
}

/** A state of the file: what it is, and where its path led to. */
interface FileState {
  readonly signature: FileSignature
  readonly target: string
}

/** A state that does not count yet. */
interface Pending extends FileState {
  /** When it was first seen, by `clock`. */
  readonly since: number
  /** When the first change was seen that has not come to count. */
  readonly first: number
}

/** The outcome of a load, and what the next one goes back to. */
export interface LoadedAllowed {
  readonly set: AllowedSet
  /** The file that it was read from. */
  readonly state: FileState
  readonly pending: Pending | undefined
  /** Why the file does not count as it is now; `set` is the last good one. */
  readonly problems: readonly Error[]
  /** What the log says once: that the file is waited for. */
  readonly notices: readonly string[]
  readonly observed: ReadonlyMap<string, Observation>
  /** Milliseconds after which it is to be loaded again. */
  readonly again: number | undefined
}

export function allowedName (file: string): string {
  return `allowedFile ${quotePath(file)}`
}

/**
 * Loads the list, if there is one: again where it was loaded before, which never rejects (see `problems`).
 *
 * @throws at the first time: see `parseAllowedList` and `readSettledFile`; FST_ENDPOINT_ALLOWED_RESTLESS where it goes on changing
 */
export async function loadAllowed (options: AllowedOptions | undefined, previous: LoadedAllowed | undefined): Promise<LoadedAllowed | undefined> {
  if (options === undefined) return undefined
  return previous === undefined ? await start(options) : await reload(options, previous)
}

/** Waits for a file that was changed a moment ago. */
async function start (options: AllowedOptions): Promise<LoadedAllowed> {
  const { file, now = Date.now, rest = REST } = options
  for (let rests = 0; ; rests++) {
    const observed = new Map<string, Observation>()
    const read = await readList(options, observed)
    const left = rest - ageOf(read.state.signature, now())
    if (left <= 0) return { set: await read.parse(), state: read.state, pending: undefined, problems: [], notices: [], observed, again: undefined }
    if (rests === MOST_RESTS) throw restless(file, rest)
    await delay(left)
    // Clocks differ: what has not changed while we waited has rested, whatever the file's own times say.
    const after = await readList(options, new Map())
    if (isSame(read.state, after.state)) return { set: await after.parse(), state: after.state, pending: undefined, problems: [], notices: [], observed, again: undefined }
  }
}

async function reload (options: AllowedOptions, previous: LoadedAllowed): Promise<LoadedAllowed> {
  const { file, now = Date.now, clock = performance.now.bind(performance), rest = REST } = options
  const observed = new Map<string, Observation>()
  try {
    const { state, parse } = await readList(options, observed)
    if (isSame(state, previous.state)) return { ...previous, pending: undefined, problems: [], notices: [], observed, again: undefined }
    const at = clock()
    const isKnown = previous.pending !== undefined && isSame(state, previous.pending)
    const since = isKnown ? (previous.pending as Pending).since : at
    const rested = Math.max(at - since, ageOf(state.signature, now()))
    if (rested >= rest || isReplaced(state, previous.state)) {
      // A file that was wrong stays so until it changes.
      return { set: await parse(), state, pending: undefined, problems: [], notices: [], observed, again: undefined }
    }
    const first = previous.pending?.first ?? at
    const problems = at - first > RESTLESS ? [restless(file, rest)] : []
    const notices = [`${allowedName(file)} has changed: it counts when it has not changed for ${rest} ms`]
    return { ...previous, pending: { ...state, since, first }, problems, notices, observed, again: Math.ceil(rest - rested) + 1 }
  } catch (thrown) {
    return { ...previous, problems: [thrown as Error], notices: [], observed, again: undefined }
  }
}

interface ReadFile {
  readonly state: FileState
  parse (): Promise<AllowedSet>
}

async function readList ({ file }: AllowedOptions, observed: Map<string, Observation>): Promise<ReadFile> {
  const what = allowedName(file)
  await observe(file, observed)
  const location = { file, argument: 'allowedFile' }
  const targetBefore = await targetOf(file)
  const { bytes, signature } = await readSettledFile(file, { what, limit: LIST_FILE_LIMIT, location })
  const target = await targetOf(file)
  if (target !== targetBefore) throw located(new errors.FST_ENDPOINT_FILE_CHANGED(what), location)
  return { state: { signature, target }, parse: () => parseAllowedList(bytes, what, location) }
}

/** Where the path leads; the path itself where there is nothing, which reading it says better. */
async function targetOf (file: string): Promise<string> {
  return await realpath(file).catch(() => file)
}

function isSame (one: FileState, other: FileState): boolean {
  return one.target === other.target && sameSignature(one.signature, other.signature)
}

/**
 * Whether the file was put there as a whole: the path leads elsewhere, or it is another inode, which was changed (renamed)
 * after it was written for the last time. Where both times are one tick of the file system's clock, nobody knows.
 */
function isReplaced (state: FileState, previous: FileState): boolean {
  if (state.target !== previous.target) return true
  const { dev, ino, mtimeNs, ctimeNs } = state.signature
  return (dev !== previous.signature.dev || ino !== previous.signature.ino) && mtimeNs < ctimeNs
}

/** Milliseconds since a file was last changed by its own times; 0 where these are in the future. */
function ageOf ({ ctimeNs }: FileSignature, now: number): number {
  return Math.max(0, now - Number(ctimeNs / 1_000_000n))
}

function restless (file: string, rest: number): Error {
  return located(new errors.FST_ENDPOINT_ALLOWED_RESTLESS(allowedName(file), rest), { file, argument: 'allowedFile' })
}
