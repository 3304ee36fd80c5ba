/**
 * The files that a pattern matches.
 *
 * If a folder is missing or cannot be read, the glob package returns an empty list. For a list of revoked certificates that
 * would admit everybody. So glob gets a file system that notes every error, and the folders before the first wildcard of a
 * pattern must exist. The same file system notes the paths that were looked at, so that the watcher knows what to watch.
 */
import { lstat, type Dirent, type Stats } from 'node:fs'
import { lstat as lookAtLink, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Glob, GlobOptions, GlobOptionsWithFileTypesTrue } from 'glob'
import { type ErrorLocation, errors, located, reasonOf } from '../../errors.js'
import { openFolder, readFolder, systemReason } from '../../files.js'
import { observe, type Observation } from '../../watching/observation.js'
import { quotePath } from '../../text/printable.js'
import { loadGlob } from './glob.js'

interface ExpandOptions {
  /** Absolute path of the folder that the pattern is relative to. */
  folder: string
  /** Files that it may match, at most. */
  limit: number
  /** What the pattern is called in messages. */
  what: string
  /** Set on the errors. */
  location: ErrorLocation
  /** Filled with the paths that are looked at, as they were just before. */
  observed: Map<string, Observation>
  /** Whether a folder at this path was a file before, and so is not skipped (none was). */
  wasFile?: (path: string) => boolean
}

export interface Expansion {
  /** Absolute paths of whatever is not a folder, or was a file before, each once. */
  paths: string[]
  /** Why there may be more files. */
  problems: Error[]
  /** Whether there may be files that could not be seen; a missing file without wildcards is not one of them. */
  isUnseen: boolean
}

/** Entries that are handled in one turn of the event loop. */
const ENTRIES_AT_A_TIME = 256

type FolderWalk = Glob<GlobOptionsWithFileTypesTrue>

/**
 * Expands a pattern that `problemOfPattern` has passed. Never rejects; the problems are
 *
 * - FST_ENDPOINT_LIST_MISSING: a file, or a folder before the first wildcard, is missing
 * - FST_ENDPOINT_FILE_NOT_REGULAR: a pattern without wildcards names a folder
 * - FST_ENDPOINT_LIST_UNREADABLE: a folder cannot be read
 * - FST_ENDPOINT_LIST_TOO_MANY_FILES
 * - FST_ENDPOINT_LIST_PATTERN: glob rejects the pattern, or cannot be loaded
 *
 * A file that vanishes meanwhile, and a dangling link in the place of a folder, are no problems: nothing is there. A
 * wildcard skips folders, unless they were files before: a container runtime creates a folder in the place of a missing file
 * that is to be mounted.
 */
export async function expandPattern (pattern: string, options: ExpandOptions): Promise<Expansion> {
  if (!SPECIAL.test(pattern)) return await expandLiteral(resolve(options.folder, pattern), options)
  const failures: Failures = new Map()
  let glob: FolderWalk
  try {
    const { Glob } = await loadGlob()
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
  // The time of glob grows with the square of a folder's entries: 100,000 take six seconds.
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

/** Without any of these a pattern is the name of one file, and glob need not be loaded. */
const SPECIAL = /[\\*?[\](){}!+@]/

async function expandLiteral (path: string, options: ExpandOptions): Promise<Expansion> {
  const paths = new Set<string>()
  const problems: Error[] = []
  const isMissing = await checkLiteral(path, options, paths, problems)
  return { paths: [...paths], problems, isUnseen: problems.length > 0 && !isMissing }
}

/** All alternatives of one pattern may have the same problem. */
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

/** A folder, and what the names of its files must match. */
interface MatchedFolder {
  readonly path: string
  readonly names: { test (name: string): boolean }
}

type Failures = Map<string, NodeJS.ErrnoException>

async function readFolders (
  folders: readonly MatchedFolder[], options: ExpandOptions, paths: Set<string>, problems: Error[], failures: Failures
): Promise<void> {
  for (const { path: folder, names } of folders) {
    const seen = await observe(folder, options.observed)
    // `checkRoot` has reported a missing folder.
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
  /** The folders before the first wildcards. */
  readonly roots: Set<string>
  /** Undefined unless each wildcard matches names in one folder, as in `certs/*.pem`. */
  readonly folders: readonly MatchedFolder[] | undefined
}

/** The parts of a pattern without wildcards: whole paths, and the folders before the first wildcards. */
function fixedParts (glob: FolderWalk, folder: string): FixedParts {
  const literals = new Set<string>()
  const roots = new Set<string>()
  const folders: MatchedFolder[] = []
  let isFlat = true
  // There is one for each alternative of its braces.
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

/** Without the path: if a private key was named as the list by mistake, its lines would be the paths. */
function absence (code: string): string {
  return code === 'ENOENT' ? 'does not exist (ENOENT)' : `cannot be examined (${code})`
}

/** @returns whether the file is certainly missing */
async function checkLiteral (path: string, options: ExpandOptions, paths: Set<string>, problems: Error[]): Promise<boolean> {
  const seen = await observe(path, options.observed)
  if ('error' in seen) {
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', `the file ${absence(seen.error)}`, options))
    return await isMissing(path)
  }
  if (seen.kind === 'folder') {
    const what = `${quotePath(path)} (${options.what})`
    const isFolder = new errors.FST_ENDPOINT_FILE_NOT_REGULAR(what, 'a directory (add /* to name the files in it)')
    problems.push(located(isFolder, options.location))
    return true
  }
  paths.add(path)
  return false
}

/** Whether its folder exists and does not contain it, not even as a dangling link. */
async function isMissing (path: string): Promise<boolean> {
  const isLink = await lookAtLink(path).then(() => true, () => false)
  return !isLink && await stat(dirname(path)).then((folder) => folder.isDirectory(), () => false)
}

async function checkRoot (path: string, options: ExpandOptions, problems: Error[]): Promise<void> {
  const seen = await observe(path, options.observed)
  if ('error' in seen) {
    const text = `the folder before its first wildcard ${absence(seen.error)}`
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', text, options))
  } else if (seen.kind !== 'folder') {
    problems.push(problem('FST_ENDPOINT_LIST_MISSING', 'the path before its first wildcard is not a folder', options))
  }
}

type ReaddirCallback = (error: NodeJS.ErrnoException | null, entries?: Dirent[]) => void

/** The part of `fs` that glob uses, which notes paths and errors. */
function recordingFileSystem (observed: Map<string, Observation>, failures: Failures): NonNullable<GlobOptions['fs']> {
  return {
    readdir (path: string, _options: { withFileTypes: true }, callback: ReaddirCallback) {
      const fail = (error: NodeJS.ErrnoException): void => {
        failures.set(path, error)
        callback(error)
      }
      // The state is observed before the content is read, so the watcher will see a change in
      // between.
      observe(path, observed).then(() => readFolder(path)).then((entries) => { callback(null, entries) }, fail)
    },
    promises: {
      lstat (path: string) {
        return new Promise<Stats>((resolve, reject) => {
          lstat(path, (error, stats) => {
            if (error === null) return resolve(stats)
            failures.set(path, error)
            // If a pattern ends with a plain name, its folder is not read: the path itself is watched.
            observe(path, observed).then(() => reject(error))
          })
        })
      }
    }
  }
}

type ProblemCode = 'FST_ENDPOINT_LIST_MISSING' | 'FST_ENDPOINT_LIST_UNREADABLE' | 'FST_ENDPOINT_LIST_PATTERN'

function problem (code: ProblemCode, text: string, { what, location }: ExpandOptions, cause?: unknown): Error {
  return located(new errors[code](what, text), location, cause)
}
