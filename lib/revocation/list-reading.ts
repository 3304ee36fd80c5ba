/**
 * The list, with the last good state of it in the place of what cannot be read.
 *
 * Whoever can take the list away, or break a line of it, must not thereby let a revoked client in.
 */
import { errors, located } from '../errors.js'
import { quotePath, readSettledFile } from '../files.js'
import { type ListEntry, parseList, type SourceEntry } from './list-file.js'
import { observe, type Observation } from '../watching/observation.js'

/** A list as it is in force. */
export interface ReadList {
  readonly entries: readonly ListEntry[]
  readonly sources: readonly SourceEntry[]
  /** Whether the file had no bytes when it was last read without problems. */
  readonly isEmpty: boolean
}

export interface ListReading {
  /** Bytes. */
  limit: number
  /** What is looked at is put in here. */
  observed: Map<string, Observation>
  /** What is wrong is put in here; see `parseList` and `readSettledFile`. */
  problems: Error[]
  /** See `parseList`. */
  words: ReadonlySet<string>
}

/** What a list is called in messages. */
export function listName (path: string): string {
  return `revocation list ${quotePath(path)}`
}

/**
 * Reads a list. If it cannot be read, or has become empty, all entries of the last good one stay; if it
 * has wrong lines, they stay too, and the good lines are added.
 */
export async function readList (path: string, { limit, observed, problems, words }: ListReading, previous?: ReadList): Promise<ReadList> {
  const what = listName(path)
  const location = { file: path }
  await observe(path, observed)
  try {
    const { bytes } = await readSettledFile(path, { what, limit, limitName: 'limits.listBytes' })
    const isEmpty = bytes.length === 0
    if (isEmpty && previous !== undefined && !previous.isEmpty) {
      throw located(new errors.FST_ENDPOINT_LIST_EMPTIED(what), location)
    }
    const parsed = parseList(bytes, what, location, words)
    problems.push(...parsed.problems)
    if (parsed.problems.length === 0) return { entries: parsed.entries, sources: parsed.sources, isEmpty }
    return { entries: union(parsed.entries, previous?.entries ?? []), sources: union(parsed.sources, previous?.sources ?? []), isEmpty }
  } catch (thrown) {
    problems.push(thrown as Error)
    return previous ?? { entries: [], sources: [], isEmpty: true }
  }
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
