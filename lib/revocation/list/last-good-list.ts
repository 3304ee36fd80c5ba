/**
 * The list, with the last good state of it in the place of what cannot be read.
 *
 * Whoever can take the list away, or break a line of it, must not thereby let a revoked client in. Nor must a list
 * that is being written: a line that is not there any more counts until the list has been at rest for a while, and
 * one that looks cut does not count before.
 */
import { createHash } from 'node:crypto'
import { type ErrorLocation, errors, located } from '../../errors.js'
import { type FileSignature, readSettledFile, sameSignature } from '../../files.js'
import { type ListEntry, parseList, type ParsedList, type SourceEntry } from './list-file.js'
import { observe, type Observation } from '../../watching/observation.js'
import { isOver, isRestless, leftOf, type Removal, restlessError } from '../set/removal.js'
import { isSwapped, type Volume, volumeThrough } from '../files/volume.js'
import { quotePath } from '../../text/printable.js'

/** A list as it is in force. */
export interface ReadList {
  readonly entries: readonly ListEntry[]
  readonly sources: readonly SourceEntry[]
  /** Whether the file had no bytes when it was last read without problems. */
  readonly isEmpty: boolean
  /** The file in which it was found so; undefined if it could not be read. */
  readonly signature?: FileSignature
  /** Of its bytes. */
  readonly digest?: string
  /** Since when it has held these bytes, and since when lines that are gone have waited; see `Removal`. */
  readonly since?: number
  readonly heldSince?: number
  /** The volume that it was in. */
  readonly volume?: Volume | undefined
  /** Milliseconds until lines that are gone may go out of force; undefined if none waits. */
  readonly again?: number
  /** The lines that lines which are gone wait for; undefined if they wait for no line. */
  readonly unfollowed?: readonly string[]
  /** That it does not rest. */
  readonly concerns?: readonly Error[]
}

export interface ListOptions {
  /** Bytes. */
  limit: number
  /** What is looked at is put in here. */
  observed: Map<string, Observation>
  /** What is wrong is put in here; see `parseList` and `readSettledFile`. */
  problems: Error[]
  /** See `parseList`. */
  words: ReadonlySet<string>
  removal: Removal
  /** The lines, as `textOf` has them, that all was known of once: see `FollowedLines`. */
  followed: FollowedLines
}

/**
 * Lines whose files, or whose source, could be read in full once. A line that never could may be a slip of the pen in the
 * place of a good one: as long as there is one, no line that is gone was taken out of the list.
 */
export type FollowedLines = ReadonlySet<string>

/** What a list is called in messages. */
export function listName (path: string): string {
  return `revocation list ${quotePath(path)}`
}

/**
 * Reads a list. If it cannot be read, or has become empty, all entries of the last good one stay; if it
 * has wrong lines, or has not rested since it lost some, they stay too, and the good lines are added.
 */
export async function readList (path: string, reading: ListOptions, previous?: ReadList): Promise<ReadList> {
  const { limit, observed, problems, words, removal, followed } = reading
  const what = listName(path)
  const location = { file: path }
  await observe(path, observed)
  const volume = await volumeThrough(path)
  try {
    const { bytes, signature } = await readSettledFile(path, { what, limit, limitName: 'limits.listBytes' })
    const isEmpty = bytes.length === 0
    if (isEmpty && previous !== undefined && !previous.isEmpty) {
      throw located(new errors.FST_ENDPOINT_LIST_EMPTIED(what), location)
    }
    const isSameFile = previous?.signature !== undefined && sameSignature(previous.signature, signature)
    // A file that is written again with the same bytes is at rest.
    const digest = (isSameFile ? previous.digest : undefined) ?? createHash('sha256').update(bytes).digest('base64')
    const isSame = digest === previous?.digest
    const since = (isSame ? previous.since : undefined) ?? removal.clock()
    const found = { isEmpty, signature, digest, since, volume }
    const parsed = parseList(bytes, what, location, words)
    if (previous === undefined) {
      problems.push(...parsed.problems)
      return { ...found, entries: parsed.entries, sources: parsed.sources }
    }
    const isAtRest = isOver({ since }, removal, !isSame) || isSwapped(previous.volume, volume)
    const whole = isAtRest ? parsed : withoutCutLine(parsed, previous)
    problems.push(...whole.problems)
    const isReduced = !isAllIn(previous.entries, whole.entries) || !isAllIn(previous.sources, whole.sources)
    const lines = [...whole.entries, ...whole.sources]
    const unfollowed = lines.filter((line) => isFollowable(line) && !followed.has(textOf(line)))
    if (whole.problems.length === 0 && (!isReduced || (isAtRest && unfollowed.length === 0))) {
      return { ...found, entries: whole.entries, sources: whole.sources }
    }
    const all = { ...found, entries: union(whole.entries, previous.entries), sources: union(whole.sources, previous.sources) }
    if (whole.problems.length > 0) return all
    // It stays at rest as long as it holds these bytes, also where it was so by a swap.
    if (isAtRest) return { ...all, since: -Infinity, unfollowed: unfollowed.map(textOf) }
    const heldSince = previous.heldSince ?? removal.now
    const concerns = isRestless({ heldSince }, removal) ? [restlessError(what, location)] : []
    return { ...all, heldSince, again: leftOf({ since }, removal), concerns }
  } catch (thrown) {
    problems.push(thrown as Error)
    if (previous === undefined) return { entries: [], sources: [], isEmpty: true }
    const { entries, sources, isEmpty, volume } = previous
    return { entries, sources, isEmpty, volume }
  }
}

/** Without a last line that has no end, and begins one that is in force and is not there any more. */
function withoutCutLine (parsed: ParsedList, { entries, sources }: ReadList): ParsedList {
  const { unended } = parsed
  if (unended === undefined) return parsed
  const { line, content } = unended
  const rest = {
    entries: parsed.entries.filter((entry) => entry.line !== line),
    sources: parsed.sources.filter((entry) => entry.line !== line),
    problems: (parsed.problems as Array<Error & ErrorLocation>).filter((problem) => problem.line !== line),
    unended: undefined
  }
  const known = new Set([...rest.entries, ...rest.sources].map(textOf))
  const isCut = [...entries, ...sources].map(textOf).some((text) => text.startsWith(content) && text !== content && !known.has(text))
  return isCut ? rest : parsed
}

/** Whether a line stands for something else, which may be out of reach. */
function isFollowable ({ kind, value }: ListEntry | SourceEntry): boolean {
  return kind === 'pattern' || (kind === 'source' && value !== 'cdp:')
}

/** A line in the form in which it is compared. */
export function textOf ({ kind, value }: ListEntry | SourceEntry): string {
  return kind === 'pattern' || kind === 'source' ? value : `${kind}:${value}`
}

/** Whether nothing that was there is missing. */
function isAllIn (before: ReadonlyArray<ListEntry | SourceEntry>, now: ReadonlyArray<ListEntry | SourceEntry>): boolean {
  const isSame = before.length === now.length && before.every(({ kind, value }, index) => kind === now[index]?.kind && value === now[index].value)
  if (isSame) return true
  const known = new Set(now.map(textOf))
  return before.every((entry) => known.has(textOf(entry)))
}

/** Each entry once, from the new list if it is in both. */
function union<E extends ListEntry | SourceEntry> (entries: readonly E[], previous: readonly E[]): E[] {
  const all = new Map<string, E>()
  for (const entry of [...entries, ...previous]) {
    const key = `${entry.kind}:${entry.value}`
    if (!all.has(key)) all.set(key, entry)
  }
  return [...all.values()]
}
