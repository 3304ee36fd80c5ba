/**
 * From the list to the set: reads everything that the list names, and puts what was known before in the
 * place of what cannot be read now.
 *
 * The rule of a reload is that an error un-revokes nobody and holds nothing up. So there is a last good
 * state of each part, the lines, the files that a pattern names, the content of a file, and each part
 * that is well takes its own way. Only what is plainly gone (a line taken out of a list without errors,
 * a file removed from a folder that could be read) stops to be revoked.
 */
import { dirname } from 'node:path'
import { type ErrorLocation, errors, located } from '../errors.js'
import { quotePath } from '../files.js'
import { mapConcurrently } from '../concurrency.js'
import { type SourcedCrl } from './crl/series.js'
import type { SignerSet } from './crl/signers.js'
import { type NewestCrls, withKept } from './crl/kept.js'
import type { ListEntry, PatternEntry } from './list-file.js'
import { listName, type ReadList, readList } from './list-reading.js'
import { type FileContent, readMatchedFile } from './matched-file.js'
import type { Observation } from '../watching/observation.js'
import { problemOfPattern } from './pattern-syntax.js'
import { expandPattern } from './patterns.js'
import type { ReaderThread } from './reader-thread.js'
import { placeOf, type RevocationEntry, RevocationSet } from './revocation-set.js'
import { BUILT_IN } from './sources/kinds.js'
import { LineSources, type SourcesFound, type SourcesOptions } from './sources/line-sources.js'

/** Bounds on what a list may name. Each is an error of its own that says which limit it is. */
export interface RevocationLimits {
  /** Bytes of one file that a pattern names, and of what one source says (256 MiB). */
  fileBytes?: number
  /** Files that one pattern may match (200,000). */
  files?: number
  /** Certificates, and keys of them, in all (10,000,000). */
  entries?: number
  /** Bytes of the list itself (64 MiB). */
  listBytes?: number
}

const DEFAULT_LIMITS: Required<RevocationLimits> = {
  fileBytes: 256 * 1024 * 1024,
  files: 200_000,
  entries: 10_000_000,
  listBytes: 64 * 1024 * 1024
}

export interface LoadOptions {
  /** Absolute path of the list. */
  list?: string
  /** Patterns that stand in no list, relative to the working directory. */
  patterns?: readonly string[]
  authorities: SignerSet
  reader: ReaderThread
  /** The sources that the list names are opened by, and stay open with; they are closed at the end without it. */
  sources?: LineSources
  limits?: RevocationLimits
  /** When a set was loaded, and what has expired, is asked from it. */
  now?: () => Date
}

/** The outcome of a load, and what the next one goes back to. */
export interface LoadedRevocations {
  readonly set: RevocationSet
  /** Those that the set was loaded with. */
  readonly authorities: SignerSet
  /** What could not be taken as it stands; the set holds the last good state of it. */
  readonly problems: readonly Error[]
  /** What may be as it should, but may also not be meant. */
  readonly notices: readonly string[]
  /** What is in force as it should, but not of the use that it seems to be of. */
  readonly warnings: readonly string[]
  /** Everything that was looked at, as it was just before. */
  readonly observed: ReadonlyMap<string, Observation>
  /** The list as it is in force. */
  readonly list: ReadList
  /** The files of each pattern that are in force. */
  readonly expansions: ReadonlyMap<string, readonly string[]>
  readonly contents: ReadonlyMap<string, FileContent>
  readonly newestCrls: NewestCrls
}

/** The thread pool of Node has four threads; more files at a time would only hold more memory. */
const FILES_AT_A_TIME = 8

/**
 * Loads what is revoked.
 *
 * @param previous what the last load gave. With it this is a reload, which does not reject for what it
 *   finds on the disk: see `problems`
 * @throws without `previous`, or if no set can be built and that of `previous` is not for all of the
 *   authorities, the first of the problems, with the others in its property `errors`
 */
export async function loadRevocationList (options: LoadOptions, previous?: LoadedRevocations): Promise<LoadedRevocations> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const load: Load = { options, limits, previous, observed: new Map(), problems: [], notices: [], warnings: [] }
  const list = options.list === undefined
    ? { entries: [], sources: [], isEmpty: true }
    : await readList(options.list, { limit: limits.listBytes, observed: load.observed, problems: load.problems, words: options.sources?.words ?? BUILT_IN_WORDS }, previous?.list)
  const sources = options.sources ?? openSources(options)
  await sources?.follow(list.sources)
  const entries = [...list.entries, ...inlineEntries(load)]
  const expanded = await expandAll(load, entries)
  const contents = await readAll(load, expanded)
  const found = sources?.found(previous === undefined) ?? NO_SOURCES
  if (options.sources === undefined) sources?.close()
  load.problems.push(...found.problems)
  load.warnings.push(...found.warnings)
  const { set: built, newestCrls } = buildSet(load, entries, expanded, contents, found)
  const set = built ?? setFromBefore(options.authorities, previous)
  const { problems, notices, warnings, observed } = load
  if (set === undefined || (previous === undefined && problems.length > 0)) throw firstOf(problems)
  const expansions = new Map(expanded.map(({ entry, paths }) => [entry.value, paths]))
  const authorities = built === undefined ? previous?.authorities ?? options.authorities : options.authorities
  return { set, authorities, problems, notices, warnings, observed, list, expansions, contents, newestCrls }
}

const BUILT_IN_WORDS: ReadonlySet<string> = new Set(Object.keys(BUILT_IN))
const NO_SOURCES: SourcesFound = { crls: [], entries: () => [], count: 0, problems: [], warnings: [] }

/** The sources of a list; none without one. */
export function openSources ({ list, authorities, reader, limits }: LoadOptions, options: Partial<SourcesOptions> = {}, before?: LineSources): LineSources | undefined {
  if (list === undefined) return undefined
  return new LineSources({ factories: BUILT_IN, ...options, list, authorities, reader, limits: { ...DEFAULT_LIMITS, ...limits } }, before)
}

/** What was there before anything was: with it a first load tells of all problems beside what is right, and does not reject. */
export function nothingLoaded (authorities: SignerSet): LoadedRevocations {
  return {
    set: new RevocationSet({ entries: [], loadedAt: new Date(0), authorities }),
    authorities,
    problems: [],
    notices: [],
    warnings: [],
    observed: new Map(),
    list: { entries: [], sources: [], isEmpty: true },
    expansions: new Map(),
    contents: new Map(),
    newestCrls: new Map()
  }
}

/** The set from before, unless it was loaded without some of the authorities: it knows of no CRL that is theirs. */
function setFromBefore ({ signers }: SignerSet, previous?: LoadedRevocations): RevocationSet | undefined {
  const known = new Set(previous?.authorities.signers.map(({ identity }) => identity.tbs))
  return signers.every(({ identity }) => known.has(identity.tbs)) ? previous?.set : undefined
}

interface Load {
  readonly options: LoadOptions
  readonly limits: Required<RevocationLimits>
  readonly previous: LoadedRevocations | undefined
  readonly observed: Map<string, Observation>
  readonly problems: Error[]
  readonly notices: string[]
  readonly warnings: string[]
}

/** The patterns that stand in no list. Those of a list were checked with its lines. */
function inlineEntries ({ options: { patterns = [] }, problems }: Load): PatternEntry[] {
  const entries: PatternEntry[] = []
  for (const value of patterns) {
    const problem = problemOfPattern(value)
    if (problem === undefined) entries.push({ kind: 'pattern', value })
    else problems.push(new errors.FST_ENDPOINT_LIST_PATTERN(`pattern ${quotePath(value)}`, problem))
  }
  return entries
}

/** What a pattern stands for in this load. */
interface Expanded {
  readonly entry: PatternEntry
  readonly paths: readonly string[]
  /** Whether nothing was in the way, so that a file that is not among them has been taken out. */
  readonly isComplete: boolean
}

async function expandAll (load: Load, entries: readonly ListEntry[]): Promise<Expanded[]> {
  const patterns = new Map<string, PatternEntry>()
  for (const entry of entries) {
    if (entry.kind === 'pattern' && !patterns.has(entry.value)) patterns.set(entry.value, entry)
  }
  return await mapConcurrently([...patterns.values()], FILES_AT_A_TIME, (entry) => expand(load, entry))
}

async function expand (load: Load, entry: PatternEntry): Promise<Expanded> {
  const { options: { list }, limits, previous, observed } = load
  const folder = isInline(entry) ? process.cwd() : dirname(list ?? '')
  const what = describe(load, entry)
  const { paths, problems } = await expandPattern(entry.value, { folder, limit: limits.files, what, location: locate(load, entry), observed })
  const before = previous?.expansions.get(entry.value) ?? []
  if (problems.length === 0) {
    if (paths.length === 0) load.notices.push(`${what} matches no file${before.length > 0 ? ' any more' : ''}`)
    return { entry, paths: paths.sort(), isComplete: true }
  }
  load.problems.push(...problems)
  // Beyond the limit the files found are an arbitrary part: with each reload another one would be added.
  const isTooMany = paths.length > limits.files
  return { entry, paths: isTooMany ? before : [...new Set([...paths, ...before])], isComplete: false }
}

async function readAll (load: Load, expanded: readonly Expanded[]): Promise<Map<string, FileContent>> {
  const named = new Map<string, { path: string, entry: PatternEntry, mayVanish: boolean }>()
  for (const { entry, paths, isComplete } of expanded) {
    for (const path of paths) {
      named.set(path, { path, entry, mayVanish: isComplete && (named.get(path)?.mayVanish ?? true) })
    }
  }
  const contents = new Map<string, FileContent>()
  const outcomes = await mapConcurrently([...named.values()], FILES_AT_A_TIME, async ({ path, entry, mayVanish }) => {
    const what = `${quotePath(path)} (${describe(load, entry)})`
    const { content, problem } = await readMatchedFile(path, {
      what,
      mayVanish,
      limit: load.limits.fileBytes,
      entries: load.limits.entries,
      authorities: load.options.authorities,
      reader: load.options.reader,
      observed: load.observed,
      before: load.previous?.contents.get(path)
    })
    if (content !== undefined) contents.set(path, content)
    return { problems: [...(problem === undefined ? [] : [problem]), ...content?.problems ?? []], warnings: content?.warnings ?? [] }
  })
  for (const { problems, warnings } of outcomes) {
    load.problems.push(...problems)
    load.warnings.push(...warnings)
  }
  return contents
}

/** The set, or none if there are more entries than may be. */
function buildSet (load: Load, entries: readonly ListEntry[], expanded: readonly Expanded[], contents: ReadonlyMap<string, FileContent>, sources: SourcesFound): { set?: RevocationSet, newestCrls: NewestCrls } {
  const { options: { list, authorities, now = () => new Date() }, limits, previous } = load
  const paths = new Map(expanded.map(({ entry, paths }) => [entry.value, paths]))
  const found = [...listCrls(entries, list, paths, contents), ...sources.crls]
  const before = previous?.set.crls.crls ?? []
  const keeping = { signers: authorities.signers, before, newest: previous?.newestCrls ?? new Map() }
  let count = entries.length + sources.count
  for (const { tbs } of contents.values()) count += tbs.length
  const countOf = (crls: readonly SourcedCrl[]): number => crls.reduce((sum, { crl }) => sum + crl.entries.size, count)
  let kept = withKept(found, { ...keeping, isTroubled: troubledBy(load, expanded) })
  // What is kept because of somebody's broken file must not stand in the way of everybody's new revocations.
  if (countOf(kept.crls) > limits.entries) kept = withKept(found, { ...keeping, isTroubled: () => false })
  const { crls, warnings, newest } = kept
  load.warnings.push(...warnings)
  if (countOf(crls) > limits.entries) {
    const what = list === undefined ? 'What the patterns name' : listName(list)
    load.problems.push(located(new errors.FST_ENDPOINT_LIST_TOO_MANY_ENTRIES(what, limits.entries), list === undefined ? {} : { file: list }))
    return { newestCrls: keeping.newest }
  }
  const set = new RevocationSet({
    entries: joined(listEntries(entries, list, paths, contents), sources.entries()),
    loadedAt: now(),
    now: () => now().getTime(),
    authorities,
    crls,
    expectsCrls: previous?.set.usesCrls ?? false
  })
  for (const { source } of set.crls.unreachable) {
    load.warnings.push(`the CRL in ${quotePath(placeOf(source))} is about nobody: no path of authorities leads from its signer to a self-signed one`)
  }
  return { set, newestCrls: newest }
}

/** Whether something is wrong with the line of the list, or the pattern, that a CRL came from, or with a file of it. */
function troubledBy ({ options: { list }, problems }: Load, expanded: readonly Expanded[]): (gone: SourcedCrl) => boolean {
  const files = new Set<string>()
  const lines = new Set<number | undefined>()
  let isEverywhere = false
  for (const { file, line } of problems as Array<Error & ErrorLocation>) {
    if (file === undefined || (file === list && line === undefined)) isEverywhere = true
    else if (file === list) lines.add(line)
    else files.add(file)
  }
  for (const { entry, paths } of expanded) if (paths.some((path) => files.has(path))) lines.add(entry.line)
  return ({ source }) => isEverywhere || lines.has(source.line)
}

function * joined<T> (...parts: ReadonlyArray<Iterable<T>>): Generator<T> {
  for (const part of parts) yield * part
}

function * listEntries (entries: readonly ListEntry[], list: string | undefined, paths: ReadonlyMap<string, readonly string[]>, contents: ReadonlyMap<string, FileContent>): Generator<RevocationEntry> {
  for (const entry of entries) {
    const line = entry.line === undefined || list === undefined ? {} : { list, line: entry.line }
    if (entry.kind !== 'pattern') {
      yield { kind: entry.kind, value: entry.value, source: line }
      continue
    }
    for (const file of paths.get(entry.value) ?? []) {
      const source = { ...line, file }
      for (const value of contents.get(file)?.tbs ?? []) yield { kind: 'tbs', value, source }
    }
  }
}

function * listCrls (entries: readonly ListEntry[], list: string | undefined, paths: ReadonlyMap<string, readonly string[]>, contents: ReadonlyMap<string, FileContent>): Generator<SourcedCrl> {
  for (const entry of entries) {
    const line = entry.line === undefined || list === undefined ? {} : { list, line: entry.line }
    if (entry.kind !== 'pattern') continue
    for (const file of paths.get(entry.value) ?? []) {
      const source = { ...line, file }
      for (const crl of contents.get(file)?.crls ?? []) yield { ...crl, source }
    }
  }
}

function isInline (entry: PatternEntry): boolean {
  return entry.line === undefined
}

function describe ({ options: { list } }: Load, entry: PatternEntry): string {
  return list === undefined || isInline(entry) ? `pattern ${quotePath(entry.value)}` : `${listName(list)} line ${entry.line}`
}

function locate ({ options: { list } }: Load, { line }: PatternEntry): ErrorLocation {
  return list === undefined || line === undefined ? {} : { file: list, line }
}

function firstOf ([first, ...others]: readonly Error[]): Error {
  return Object.assign(first as Error, { errors: others })
}
