/**
 * Reads the list. If it cannot be read, its last good state counts.
 *
 * Removing the list, or breaking a line of it, must not admit a revoked client. Writing it in steps must not either. So
 * a removed line counts until the list has not changed for a while, and a line that looks truncated does
 * not count until then.
 */
import { createHash } from 'node:crypto'
import { type ErrorLocation, errors, located } from '../../errors.js'
import { type FileSignature, readSettledFile, sameSignature } from '../../files.js'
import { type ListEntry, parseLongList, type ParsedList, type SourceEntry } from './list-file.js'
import { isRacy, observe, type Observation, RACY } from '../../watching/observation.js'
import { isDue, isOverdue, remainingTime, type Removal, overdueError } from '../set/removal.js'
import { isSwapped, type Volume, volumeThrough } from '../files/volume.js'
import { quotePath } from '../../text/printable.js'
import { Slices } from '../../turns.js'

/** The state of a list that is in force. */
export interface ListState {
  readonly entries: readonly ListEntry[]
  readonly sources: readonly SourceEntry[]
  /** Whether the file was empty when it was last read without problems. */
  readonly isEmpty: boolean
  /** The signature of the file; undefined if it could not be read. */
  readonly signature?: FileSignature
  /** The digest of its bytes. */
  readonly digest?: string
  /** Since when it has these bytes, and since when removed lines have waited; see `Removal`. */
  readonly since?: number
  readonly waitingSince?: number
  /** Whether these are exactly the lines of the file, and no other state of it can have the same signature. */
  readonly isExact?: boolean
  /** Its volume. */
  readonly volume?: Volume | undefined
  /** Milliseconds until removed lines may go out of force; undefined if none waits for time. */
  readonly again?: number
  /** The lines that removed lines wait for, since they were never read in full; undefined if there is none. */
  readonly unreadLines?: readonly string[]
  /** A report that the list keeps changing. */
  readonly concerns?: readonly Error[]
}

export interface ListOptions {
  /** Bytes. */
  limit: number
  /** Filled with the paths that are looked at. */
  observed: Map<string, Observation>
  /** Filled with the problems; see `parseLongList` and `readSettledFile`. */
  problems: Error[]
  /** See `parseLongList`. */
  words: ReadonlySet<string>
  removal: Removal
  /** See `FollowedLines`. */
  followed: FollowedLines
  /** Whether to read the file even if its signature has not changed. */
  isWhole: boolean
}

/**
 * The lines, in the form of `lineText`, whose files or source were read in full at least once. Another line may be a typing
 * error in the place of a good one. While there is such a line, no missing line counts as removed.
 */
export type FollowedLines = ReadonlySet<string>

/** The name of a list in messages. */
export function listName (path: string): string {
  return `revocation list ${quotePath(path)}`
}

/**
 * Reads a list. If it cannot be read, or has become empty, all entries of the last good list stay. If it has invalid lines,
 * or has changed too recently since it lost some, they stay too, and the good lines are added.
 */
export async function readList (path: string, options: ListOptions, previous?: ListState): Promise<ListState> {
  const { limit, observed, problems, words, removal, followed, isWhole } = options
  const what = listName(path)
  const location = { file: path }
  const seen = await observe(path, observed)
  // A load for a source, many times a second, does not read the list again.
  if (!isWhole && previous?.isExact === true && isStateOf(previous, seen) && await isOnSameVolume(path, previous)) return previous
  const volume = await volumeThrough(path)
  try {
    const { bytes, signature } = await readSettledFile(path, { what, limit, limitName: 'limits.listBytes' })
    const isEmpty = bytes.length === 0
    if (isEmpty && previous !== undefined && !previous.isEmpty) {
      throw located(new errors.FST_ENDPOINT_LIST_EMPTIED(what), location)
    }
    const isSameFile = previous?.signature !== undefined && sameSignature(previous.signature, signature)
    // Writing the same bytes again is not a change.
    const slices = new Slices('growing')
    const digest = (isSameFile ? previous.digest : undefined) ?? await digestOf(bytes, slices)
    const isSame = digest === previous?.digest
    const since = (isSame ? previous.since : undefined) ?? removal.clock()
    const isExact = isStateOf({ signature }, seen) && !isRacy(signature, COARSEST_TIME)
    const found = { isEmpty, signature, digest, since, volume }
    const parsed = await parseLongList(bytes, what, location, words, slices)
    if (previous === undefined) {
      problems.push(...parsed.problems)
      return { ...found, entries: parsed.entries, sources: parsed.sources, isExact: isExact && parsed.problems.length === 0 }
    }
    const isAtRest = isDue({ since }, removal, !isSame) || isSwapped(previous.volume, volume)
    const whole = isAtRest ? parsed : await withoutCutLine(parsed, previous, slices)
    problems.push(...whole.problems)
    const isReduced = !await isAllIn(previous.entries, whole.entries, slices) || !await isAllIn(previous.sources, whole.sources, slices)
    const unfollowed = [...whole.entries, ...whole.sources].filter((line) => isFollowable(line) && !followed.has(lineText(line)))
    if (whole.problems.length === 0 && (!isReduced || (isAtRest && unfollowed.length === 0))) {
      return { ...found, entries: whole.entries, sources: whole.sources, isExact: isExact && whole === parsed }
    }
    const entries = await union(whole.entries, previous.entries, slices)
    const all = { ...found, entries, sources: await union(whole.sources, previous.sources, slices) }
    if (whole.problems.length > 0) return all
    // It counts as unchanged while it has these bytes, also after a swap.
    if (isAtRest) return { ...all, since: -Infinity, unreadLines: unfollowed.map(lineText) }
    const waitingSince = previous.waitingSince ?? removal.now
    const concerns = isOverdue({ waitingSince }, removal) ? [overdueError(what, location)] : []
    return { ...all, waitingSince, again: remainingTime({ since }, removal), concerns }
  } catch (thrown) {
    problems.push(thrown as Error)
    if (previous === undefined) return { entries: [], sources: [], isEmpty: true }
    const { entries, sources, isEmpty, volume } = previous
    return { entries, sources, isEmpty, volume }
  }
}

function isStateOf ({ signature }: Pick<ListState, 'signature'>, seen: Observation): boolean {
  return signature !== undefined && 'signature' in seen && sameSignature(signature, seen.signature)
}

/** A volume may be swapped though the file is the same, if both versions have a hard link to it. */
async function isOnSameVolume (path: string, { volume }: ListState): Promise<boolean> {
  if (volume === undefined) return true
  const now = await volumeThrough(path)
  return now?.folder === volume.folder && now.target === volume.target
}

async function digestOf (bytes: Buffer, slices: Slices): Promise<string> {
  const hash = createHash('sha256')
  for (let start = 0; start < bytes.length; start += PIECE) {
    hash.update(bytes.subarray(start, start + PIECE))
    if (slices.over) await slices.next()
  }
  return hash.digest('base64')
}

/** Milliseconds between two times of a file system, with the same margin: two seconds on FAT. */
const COARSEST_TIME = 2000 + RACY

/** Bytes that are hashed at once. */
const PIECE = 1024 * 1024

/** Leaves out a last line without a line break, if a line in force begins with it and is missing. */
async function withoutCutLine (parsed: ParsedList, { entries, sources }: ListState, slices: Slices): Promise<ParsedList> {
  const { lastLine } = parsed
  if (lastLine === undefined) return parsed
  const { line, content } = lastLine
  const rest = {
    entries: parsed.entries.filter((entry) => entry.line !== line),
    sources: parsed.sources.filter((entry) => entry.line !== line),
    problems: (parsed.problems as Array<Error & ErrorLocation>).filter((problem) => problem.line !== line),
    lastLine: undefined
  }
  const missing = new Set<string>()
  for (const entry of [...entries, ...sources]) {
    const text = lineText(entry)
    if (text.startsWith(content) && text !== content) missing.add(text)
    if (slices.over) await slices.next()
  }
  if (missing.size === 0) return parsed
  for (const entry of [...rest.entries, ...rest.sources]) {
    missing.delete(lineText(entry))
    if (slices.over) await slices.next()
  }
  return missing.size > 0 ? rest : parsed
}

/** Whether a line refers to something that may be out of reach. */
function isFollowable ({ kind, value }: ListEntry | SourceEntry): boolean {
  return kind === 'pattern' || (kind === 'source' && value !== 'cdp:')
}

/** A line in the form in which lines are compared. */
export function lineText ({ kind, value }: ListEntry | SourceEntry): string {
  return kind === 'pattern' || kind === 'source' ? value : `${kind}:${value}`
}

function isSameLine ({ kind, value }: ListEntry | SourceEntry, other: ListEntry | SourceEntry | undefined): boolean {
  return kind === other?.kind && value === other.value
}

/** Whether no earlier line is missing. */
async function isAllIn (
  before: ReadonlyArray<ListEntry | SourceEntry>, now: ReadonlyArray<ListEntry | SourceEntry>, slices: Slices
): Promise<boolean> {
  // Most changes are in one place: lines before and after it are the same.
  let same = 0
  while (same < before.length && isSameLine(before[same] as ListEntry, now[same])) same++
  let left = before.length
  for (let end = now.length; left > same && isSameLine(before[left - 1] as ListEntry, now[end - 1]); left--) end--
  if (left === same) return true
  const known = new Set<string>()
  for (const entry of now) {
    known.add(lineText(entry))
    if (slices.over) await slices.next()
  }
  for (let index = same; index < left; index++) {
    if (!known.has(lineText(before[index] as ListEntry))) return false
    if (slices.over) await slices.next()
  }
  return true
}

/** All entries. If an entry is in both lists, the one of the new list counts. */
async function union<E extends ListEntry | SourceEntry> (entries: readonly E[], previous: readonly E[], slices: Slices): Promise<E[]> {
  const all = new Map<string, E>()
  for (const some of [entries, previous]) {
    for (const entry of some) {
      const key = `${entry.kind}:${entry.value}`
      if (!all.has(key)) all.set(key, entry)
      if (slices.over) await slices.next()
    }
  }
  return [...all.values()]
}
