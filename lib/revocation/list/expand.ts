/**
 * The files that a pattern names.
 *
 * The glob package answers an empty list where a folder cannot be read or is not there, and for a
 * list of revoked certificates that means: everybody is good. So it gets a file system that notes every
 * error, and the folders that a pattern has before its first wildcard must exist. The same file system
 * notes what was looked at, so that the watcher knows what can change the answer.
 */
import { lstat, type Dirent, type Stats } from 'node:fs'
import { lstat as lookAtLink, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Glob, type GlobOptions, type GlobOptionsWithFileTypesTrue } from 'glob'
import { type ErrorLocation, errors, located, reasonOf } from '../../errors.js'
import { openFolder, readFolder, systemReason } from '../../files.js'
import { observe, type Observation } from '../../watching/observation.js'
import { quotePath } from '../../text/printable.js'

interface ExpandOptions {
  /** The absolute path that the pattern is relative to. */
  folder: string
  /** The most files that it may match. */
  limit: number
  /** What the pattern is called in messages. */
  what: string
  /** Put on the errors. */
  location: ErrorLocation
  /** What is looked at is put in here, as it was just before. */
  observed: Map<string, Observation>
  /** Whether a folder of this path was a file before, so that it is not passed over (none was). */
  wasFile?: (path: string) => boolean
}

export interface Expansion {
  /** Absolute paths of what is there and is no folder, or was none before, each once. */
  paths: string[]
  /** Why there may be more. */
  problems: Error[]
  /** Whether files may be out of sight; not where only a file that is named without wildcards is missing from its folder. */
  isUnseen: boolean
}

/** So many are handled in one turn of the event loop. */
const ENTRIES_AT_A_TIME = 256

type FolderWalk = Glob<GlobOptionsWithFileTypesTrue>

/**
 * Expands a pattern that `problemOfPattern` has passed. Never rejects; the problems are
 *
 * - FST_ENDPOINT_LIST_MISSING: something that the pattern names without wildcards is not there
 * - FST_ENDPOINT_FILE_NOT_REGULAR: a pattern without wildcards names a folder
 * - FST_ENDPOINT_LIST_UNREADABLE: the system did not let a folder be read
 * - FST_ENDPOINT_LIST_TOO_MANY_FILES
 * - FST_ENDPOINT_LIST_PATTERN: glob does not take the pattern
 *
 * What vanishes while it is looked at, and a link that leads nowhere in the place of a folder, are not
 * among them: nothing is there. Folders that a wildcard matches are passed over, unless they were files before: a
 * container runtime makes a folder in the place of a file that is to be mounted and is not there.
 */
export async function expandPattern (pattern: string, options: ExpandOptions): Promise<Expansion> {
  const failures = new Map<string, NodeJS.ErrnoException>()
  let glob: FolderWalk
  try {
    glob = new Glob(pattern, { cwd: options.folder, withFileTypes: true, fs: recordingFileSystem(options.observed, failures) })
  } catch (thrown) {
    return { paths: [], problems: [problem('FST_ENDPOINT_LIST_PATTERN', reasonOf(thrown), options)], isUnseen: true }
  }
  const { literals, roots, folders } = fixedParts(glob, options.folder)
  const paths = new Set<string>()
  const problems: Error[] = []
  let missing = 0
  for (const path of literals) if (await checkLiteral(path, options, paths, problems)) missing++
  for (const path of roots) await checkRoot(path, options, problems)
  // Glob takes a time that grows with the square of a folder's entries: six seconds for 100,000.
  if (folders !== undefined) await readFolders(folders, options, paths, problems, failures)
  else if (roots.size > 0) await walk(glob, options, paths, problems)
  const unexpected = [...failures].filter(([path, { code }]) => roots.has(path) || (code !== 'ENOENT' && code !== 'ENOTDIR'))
  const [first] = unexpected
  if (first !== undefined && problems.length === 0) {
    const others = unexpected.length > 1 ? ` (and ${unexpected.length - 1} more)` : ''
    problems.push(problem('FST_ENDPOINT_LIST_UNREADABLE', `${quotePath(first[0])}: ${systemReason(first[1])}${others}`, options, first[1]))
  }
  return { paths: [...paths], problems: eachOnce(problems), isUnseen: problems.length > missing || unexpected.length > 0 }
}

/** The alternatives of one pattern may all have the same problem. */
function eachOnce (problems: readonly Error[]): Error[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()]
}

async function walk (glob: FolderWalk, options: ExpandOptions, paths: Set<string>, problems: Error[]): Promise<void> {
  for await (const entry of glob) {
    const path = entry.fullpath()
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && await leadsToFolder(path, options))
    if (isFolder && options.wasFile?.(path) !== true) continue
    paths.add(path)
    if (isTooMany(options, paths, problems)) return
  }
}

/** A folder, and what the names of its entries are to match. */
interface MatchedFolder {
  readonly path: string
  readonly names: { test (name: string): boolean }
}

async function readFolders (folders: readonly MatchedFolder[], options: ExpandOptions, paths: Set<string>, problems: Error[], failures: Map<string, NodeJS.ErrnoException>): Promise<void> {
  for (const { path: folder, names } of folders) {
    const seen = await observe(folder, options.observed)
    // What is not there was told of by `checkRoot`.
    if (!('kind' in seen) || seen.kind !== 'folder') continue
    try {
      for await (const entry of await openFolder(folder, ENTRIES_AT_A_TIME)) {
        const path = join(folder, entry.name)
        if (!names.test(entry.name)) continue
        const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && await leadsToFolder(path, options))
        if (isFolder && options.wasFile?.(path) !== true) continue
        paths.add(path)
        if (isTooMany(options, paths, problems)) return
      }
    } catch (thrown) {
      failures.set(folder, thrown as NodeJS.ErrnoException)
    }
  }
}

function isTooMany ({ what, limit, location }: ExpandOptions, paths: ReadonlySet<string>, problems: Error[]): boolean {
  if (paths.size <= limit) return false
  problems.push(located(new errors.FST_ENDPOINT_LIST_TOO_MANY_FILES(what, limit), location))
  return true
}

async function leadsToFolder (path: string, { observed }: ExpandOptions): Promise<boolean> {
  const seen = await observe(path, observed)
  return 'kind' in seen && seen.kind === 'folder'
}

interface FixedParts {
  readonly literals: Set<string>
  /** The folders that wildcards start in. */
  readonly roots: Set<string>
  /** Given if each wildcard is about the entries of one folder, as in `certs/*.pem`. */
  readonly folders: readonly MatchedFolder[] | undefined
}

/** What a pattern says without wildcards: whole paths, and the folders that its wildcards start in. */
function fixedParts (glob: FolderWalk, folder: string): FixedParts {
  const literals = new Set<string>()
  const roots = new Set<string>()
  const folders: MatchedFolder[] = []
  let isFlat = true
  // One for each alternative of its braces.
  for (const alternative of glob.patterns) {
    const names: string[] = []
    let rest: typeof alternative | null = alternative
    for (; rest !== null && rest.isString(); rest = rest.rest()) names.push(String(rest.pattern()))
    const path = resolve(folder, ...names)
    if (rest === null) {
      literals.add(path)
      continue
    }
    roots.add(path)
    const last = rest.pattern()
    if (rest.rest() === null && typeof last === 'object') folders.push({ path, names: last })
    else isFlat = false
  }
  return { literals, roots, folders: isFlat ? folders : undefined }
}

/** Without the path: a key that was given as a list would be shown by its lines. */
function absence (code: string): string {
  return code === 'ENOENT' ? 'is not there (ENOENT)' : `cannot be looked at (${code})`
}

/** @returns whether it is certain that no such file is there */
async function checkLiteral (path: string, options: ExpandOptions, paths: Set<string>, problems: Error[]): Promise<boolean> {
  const seen = await observe(path, options.observed)
  if ('error' in seen) {
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', `the file that it names ${absence(seen.error)}`, options))
    return await isMissing(path)
  }
  if (seen.kind === 'folder') {
    problems.push(located(new errors.FST_ENDPOINT_FILE_NOT_REGULAR(`${quotePath(path)} (${options.what})`, 'a directory (put /* behind it to name the files in it)'), options.location))
    return true
  }
  paths.add(path)
  return false
}

/** Whether its folder is there and does not hold it, not even as a link that leads nowhere. */
async function isMissing (path: string): Promise<boolean> {
  const isLink = await lookAtLink(path).then(() => true, () => false)
  return !isLink && await stat(dirname(path)).then((folder) => folder.isDirectory(), () => false)
}

async function checkRoot (path: string, options: ExpandOptions, problems: Error[]): Promise<void> {
  const seen = await observe(path, options.observed)
  if ('error' in seen) {
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', `the folder that it names before its first wildcard ${absence(seen.error)}`, options))
  } else if (seen.kind !== 'folder') {
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', 'what it names before its first wildcard is not a folder', options))
  }
}

type ReaddirCallback = (error: NodeJS.ErrnoException | null, entries?: Dirent[]) => void

/** The part of `fs` that glob uses when it walks, with notes taken. */
function recordingFileSystem (observed: Map<string, Observation>, failures: Map<string, NodeJS.ErrnoException>): NonNullable<GlobOptions['fs']> {
  return {
    readdir (path: string, _options: { withFileTypes: true }, callback: ReaddirCallback) {
      // First the look, then the content: what comes between is a change that the watcher will see.
      observe(path, observed).then(() => readFolder(path)).then((entries) => { callback(null, entries) }, (error: NodeJS.ErrnoException) => {
        failures.set(path, error)
        callback(error)
      })
    },
    promises: {
      lstat (path: string) {
        return new Promise<Stats>((resolve, reject) => {
          lstat(path, (error, stats) => {
            if (error === null) return resolve(stats)
            failures.set(path, error)
            // Where the end of a pattern is a plain name, its folder is not read: the path itself is watched.
            observe(path, observed).then(() => reject(error))
          })
        })
      }
    }
  }
}

function problem (code: 'FST_ENDPOINT_LIST_MISSING' | 'FST_ENDPOINT_LIST_UNREADABLE' | 'FST_ENDPOINT_LIST_PATTERN', text: string, { what, location }: ExpandOptions, cause?: unknown): Error {
  return located(new errors[code](what, text), location, cause)
}
