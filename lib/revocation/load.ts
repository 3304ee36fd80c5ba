/**
 * One load: reads everything that a list names and builds a set. What cannot be read now keeps its last good state.
 *
 * The rule of a reload is that an error un-revokes nobody and delays nothing. So each part has its own last good state: the
 * lines, the files of a pattern, the content of a file. The parts without problems take effect. Only what is certainly gone
 * (a line removed from a list without errors, a file removed from a readable folder) goes out of force, and only after a
 * delay: see `Removal`. CRLs stay even then: see `retainCrls`.
 */
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'

import { type ErrorLocation, errors, firstWithOthers, located } from '../errors.js'
import { LIST_FILE_LIMIT } from '../files.js'
import { quotePath, visible } from '../text/printable.js'
import type { SourcedCrl } from './crl/series.js'
import type { Authorities } from '../x509/authorities.js'
import { type DroppedCrl, type RetentionOptions, type RetentionResult, crlLabel, type NewestCrls, retainCrls } from './crl/retention.js'
import { ListFiles, type ListFilesResult } from './files/list-files.js'
import { type ContentsEdit, type Pending, ListContents } from './set/list-contents.js'
import type { ListEntry, PatternEntry } from './list/list-file.js'
import { type FollowedLines, type ListOptions, listName, type ListState, readList, lineText } from './list/last-good-list.js'
import { type Observation, sameObservation } from '../watching/observation.js'
import { problemOfPattern } from './list/pattern-syntax.js'
import { isDue, remainingTime, type Removal, REMOVAL_DELAY } from './set/removal.js'
import type { ReaderThread } from './thread/reader-thread.js'
import { originPlace } from './set/origin.js'
import { RevocationSet } from './set/revocation-set.js'
import { SetKeys } from './set/set-keys.js'
import type { RevocationLimits } from '../../types/revocation.js'
import { warningsOfSerialLines } from './list/serial-lines.js'
import { BUILT_IN } from './sources/kinds.js'
import { isSwapped, volumeOf } from './files/volume.js'
import { LineSources, type SourceState, type SourcesResult, type SourcesOptions } from './sources/line-sources.js'

const DEFAULT_LIMITS: Required<RevocationLimits> = {
  fileBytes: 256 * 1024 * 1024,
  files: 200_000,
  entries: 10_000_000,
  listBytes: LIST_FILE_LIMIT
}

export interface LoadOptions {
  /** Absolute path of the list. */
  list?: string
  /** Patterns outside of a list, relative to the working directory. */
  patterns?: readonly string[]
  authorities: Authorities
  reader: ReaderThread
  /** The open sources of the list. Without it they are opened and closed by this load. */
  sources?: LineSources | undefined
  /** The files of this load and of those before. The caller closes it. */
  files?: ListFiles
  /** Whether to check all files, not only those seen to change (yes). */
  isWhole?: boolean
  limits?: RevocationLimits
  /** The clock for `loadedAt` and for what has expired. */
  now?: () => Date
  /** Milliseconds that something must be gone before it goes out of force (2,000). */
  removalDelay?: number
  /** A monotonic clock in milliseconds, for that delay (performance.now). */
  clock?: () => number
  /** Whether entries that the previous load did not find either go out of force now (no). */
  isConfirming?: boolean
}

/** The result of a load, which is the last good state for the next one. */
export interface LoadedRevocations {
  readonly set: RevocationSet
  /** The authorities of the set. */
  readonly authorities: Authorities
  /** Errors; the set holds the last good state of what they concern. */
  readonly problems: readonly Error[]
  /** What may be intended, but may also be a mistake. */
  readonly notices: readonly string[]
  /** Things that are in force, but have less effect than they seem to have. */
  readonly warnings: readonly string[]
  /** The state of every path just before it was read. */
  readonly observed: ReadonlyMap<string, Observation>
  /** The list as it is in force. */
  readonly list: ListState
  readonly followed: FollowedLines
  /** The content of the list and of its files. */
  readonly contents: ListContents
  /** The round of `ListFiles` that the contents are from; undefined if there was none. */
  readonly round: number | undefined
  readonly isRacy: boolean
  readonly newestCrls: NewestCrls
  /** Since when retained CRLs are gone from their files, by digest; -Infinity for those that were reported. */
  readonly retainedCrls: ReadonlyMap<string, number>
  /** CRLs that were gone and too many to retain: the last of each key. */
  readonly droppedCrls: ReadonlyMap<string, DroppedCrl>
  /** What is in force, but needs attention: see `Removal`. */
  readonly concerns: readonly Error[]
  /** Milliseconds until the next load, when something may have been gone for long enough. */
  readonly again: number | undefined
  /** The sources of the lines that name no file. */
  readonly sources: readonly SourceState[]
}

/**
 * Loads what is revoked.
 *
 * @param previous the result of the last load. With it this is a reload, which does not reject for what it finds on disk: see
 *   `problems`
 * @throws the first of the problems, with the others in its property `errors`: without `previous`, or if no set can be built
 *   and the previous one does not cover all of the authorities
 */
export async function loadRevocationList (options: LoadOptions, previous?: LoadedRevocations): Promise<LoadedRevocations> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const { removalDelay: delay = REMOVAL_DELAY, clock = performance.now.bind(performance), isConfirming = false } = options
  const removal = { delay, now: clock(), clock, isConfirming }
  const reports = { problems: [], notices: [], warnings: [], concerns: [] }
  const load: Load = { options, limits, previous, removal, observed: new Map(), ...reports, waits: [] }
  const list = options.list === undefined
    ? { entries: [], sources: [], isEmpty: true }
    : await readList(options.list, listOptions(load), previous?.list)
  noteWaits(load, list)
  const sources = options.sources ?? openSources(options)
  await sources?.follow(list.sources)
  if (options.list !== undefined) {
    load.warnings.push(...warningsOfSerialLines(list.entries, options.authorities.all, listName(options.list)))
  }
  const entries = [...list.entries, ...inlineEntries(load)]
  const { entries: before } = previous?.contents ?? {}
  const { files, contents } = await findFiles(load, before !== undefined && isSame(entries, before) ? before : entries, list)
  const found = sources?.collect(previous === undefined) ?? NO_SOURCES
  const followed = followedLines(load, list, files, sources)
  // All lines can be followed now, so load again at once: removals have waited for that.
  if (list.unreadLines?.every((line) => followed.has(line)) === true) load.waits.push(1)
  if (options.sources === undefined) sources?.close()
  load.problems.push(...found.problems)
  load.warnings.push(...found.warnings)
  const { set: built, ...crls } = await buildSet(load, contents, files.faultyPatterns, found)
  const set = built ?? previousSet(options.authorities, previous)
  const { problems, notices, warnings, concerns, observed } = load
  const again = load.waits.length === 0 ? undefined : Math.max(Math.min(...load.waits), 1)
  if (set === undefined || (previous === undefined && problems.length > 0)) throw firstWithOthers(problems)
  const authorities = built === undefined ? previous?.authorities ?? options.authorities : options.authorities
  const { round, isRacy } = files
  const { sources: named } = found
  const reported = { problems, notices, warnings, concerns, observed, again }
  return { ...reported, set, authorities, list, followed, contents, round, isRacy, ...crls, sources: named }
}

function listOptions ({ options: { sources, isWhole = true }, limits, previous, observed, problems, removal }: Load): ListOptions {
  const followed = previous?.followed ?? new Set()
  return { limit: limits.listBytes, observed, problems, words: sources?.words ?? BUILT_IN_WORDS, removal, followed, isWhole }
}

/** The lines of the list that could be followed, now or before. */
function followedLines (
  { previous }: Load,
  { entries, sources }: ListState,
  { faultyPatterns, incomplete }: PatternFiles['files'],
  named: LineSources | undefined
): FollowedLines {
  const wrong = new Set([...faultyPatterns, ...incomplete].map(lineText))
  const patterns = entries.filter(({ kind }) => kind === 'pattern')
  const answered = sources.filter(({ value }) => named?.contentOf(value) !== undefined).map(lineText)
  const before = [...patterns, ...sources].map(lineText).filter((text) => previous?.followed.has(text))
  return new Set([...patterns.map(lineText).filter((text) => !wrong.has(text)), ...answered, ...before])
}

/** Notes until when the list or the files must wait. */
function noteWaits ({ waits, concerns }: Load, left: { readonly again?: number | undefined, readonly concerns?: readonly Error[] }): void {
  if (left.again !== undefined) waits.push(left.again)
  concerns.push(...left.concerns ?? [])
}

const BUILT_IN_WORDS: ReadonlySet<string> = new Set([...Object.keys(BUILT_IN), 'cdp'])
const NO_SOURCES: SourcesResult = { crls: [], copied: [], keys: [], count: 0, problems: [], warnings: [], sources: [] }

/** The sources of a list; none without one. */
export function openSources (
  { list, authorities, reader, limits }: LoadOptions,
  options: Partial<SourcesOptions> = {},
  before?: LineSources
): LineSources | undefined {
  if (list === undefined) return undefined
  const factories = { ...BUILT_IN, ...options.factories }
  return new LineSources({ ...options, factories, list, authorities, reader, limits: { ...DEFAULT_LIMITS, ...limits } }, before)
}

function isSame (entries: readonly ListEntry[], before: readonly ListEntry[]): boolean {
  return entries.length === before.length && entries.every(({ kind, value, line }, index) => {
    const other = before[index]
    return kind === other?.kind && value === other.value && line === other.line
  })
}

/** An empty previous result. With it a first load does not reject, but reports all problems beside what it could load. */
export function nothingLoaded (authorities: Authorities): LoadedRevocations {
  return {
    set: new RevocationSet({ entries: [], loadedAt: new Date(0), authorities }),
    authorities,
    problems: [],
    notices: [],
    warnings: [],
    observed: new Map(),
    list: { entries: [], sources: [], isEmpty: true },
    followed: new Set(),
    contents: ListContents.none,
    round: undefined,
    isRacy: false,
    newestCrls: new Map(),
    retainedCrls: new Map(),
    droppedCrls: new Map(),
    concerns: [],
    again: undefined,
    sources: []
  }
}

/** The previous set, unless it was loaded without some of the authorities: it lacks their CRLs. */
function previousSet (authorities: Authorities, previous?: LoadedRevocations): RevocationSet | undefined {
  return previous !== undefined && authorities.isWithin(previous.authorities) ? previous.set : undefined
}

interface Load {
  readonly options: LoadOptions
  readonly limits: Required<RevocationLimits>
  readonly previous: LoadedRevocations | undefined
  readonly removal: Removal
  readonly observed: Map<string, Observation>
  readonly problems: Error[]
  readonly notices: string[]
  readonly warnings: string[]
  readonly concerns: Error[]
  /** Milliseconds until things may go out of force. */
  readonly waits: number[]
}

/** The patterns outside of a list. Those of a list were checked with its lines. */
function inlineEntries ({ options: { patterns = [] }, problems }: Load): PatternEntry[] {
  const entries: PatternEntry[] = []
  for (const value of patterns) {
    const problem = problemOfPattern(value)
    if (problem === undefined) entries.push({ kind: 'pattern', value })
    else problems.push(new errors.FST_ENDPOINT_LIST_PATTERN(`pattern ${quotePath(value)}`, problem))
  }
  return entries
}

interface PatternFiles {
  readonly files: Omit<ListFilesResult, 'faultyPatterns' | 'incomplete' | 'round'> & {
    readonly faultyPatterns: readonly PatternEntry[]
    readonly incomplete: readonly PatternEntry[]
    readonly round: number | undefined
  }
  readonly contents: ListContents
}

/** Finds the files of the patterns, and edits the contents part by part. */
async function findFiles (load: Load, entries: readonly ListEntry[], { volume }: ListState): Promise<PatternFiles> {
  const { options: { list, reader, authorities, isWhole = true }, limits, previous, removal } = load
  const source = load.options.files ?? new ListFiles({ reader })
  const patterns = new Map<string, PatternEntry>()
  for (const entry of entries) if (entry.kind === 'pattern' && !patterns.has(entry.value)) patterns.set(entry.value, entry)
  const named = [...patterns.values()]
  const entriesOf = (indexes: readonly number[]): PatternEntry[] => indexes.map((index) => named[index] as PatternEntry)
  const before = previous?.contents ?? ListContents.none
  const keys = await before.editKeys(list, entries)
  let edit: ContentsEdit | undefined
  const request = {
    list,
    folder: process.cwd(),
    patterns: named,
    limits,
    authorities,
    hasRemnants: before.hasRemnants || (previous !== undefined && previous.retainedCrls.size > 0),
    isWhole: isWhole || isTouched(load),
    since: previous?.round,
    inForce: () => before.expansions()
  }
  const files = await source.refresh(request, ({ isFull, files }) => {
    edit ??= before.edit(list, entries, isFull, removal, keys)
    for (const change of files) edit.apply(change, entriesOf(change.namedBy))
  }).catch(async (problem: Error) => {
    // The previous contents lack CRLs of new authorities.
    if (previous?.authorities.isSameAs(authorities) !== true) throw problem
    // The state of the files is unknown. The lines and the sources take effect all the same.
    edit = before.edit(list, entries, false, removal, await before.editKeys(list, entries))
    const all = [...named.keys()]
    return {
      problems: [problem],
      notices: [],
      warnings: [],
      faultyPatterns: all,
      faultyFiles: [],
      isUnknown: true,
      incomplete: all,
      unsettled: undefined,
      observed: new Map<string, Observation>(),
      isRacy: false,
      round: previous.round
    }
  })
  load.problems.push(...files.problems)
  load.notices.push(...files.notices)
  load.warnings.push(...files.warnings)
  for (const [path, seen] of files.observed) if (!load.observed.has(path)) load.observed.set(path, seen)
  await edit?.removeUnreported()
  const left = await edit?.settle({
    // A list that was replaced since it was read may name other files now.
    unsettled: files.unsettled ?? await swappedFolder(list, volume),
    incomplete: new Set(entriesOf(files.incomplete).map(({ value }) => value)),
    faultyFiles: new Set(files.faultyFiles),
    isUnknown: files.isUnknown,
    limit: limits.entries
  })
  if (left !== undefined) reportPending(load, left)
  const { faultyPatterns, incomplete } = files
  const withEntries = { faultyPatterns: entriesOf(faultyPatterns), incomplete: entriesOf(incomplete) }
  return { files: { ...files, ...withEntries }, contents: edit?.finish() ?? before }
}

async function swappedFolder (list: string | undefined, before: ListState['volume']): Promise<string | undefined> {
  if (list === undefined || before === undefined) return undefined
  const folder = dirname(list)
  return isSwapped(before, await volumeOf(folder)) ? folder : undefined
}

function reportPending (load: Load, left: Pending): void {
  load.problems.push(...left.problems)
  load.warnings.push(...left.warnings)
  noteWaits(load, left)
}

/** Whether the list has changed since the last load: touching it requests a reload. */
function isTouched ({ options: { list }, observed, previous }: Load): boolean {
  return list !== undefined && !sameObservation(observed.get(list), previous?.observed.get(list))
}

interface BuiltSet extends Pick<LoadedRevocations, 'newestCrls' | 'retainedCrls' | 'droppedCrls'> {
  readonly set?: RevocationSet
}

/** Builds the set; none if there are more entries than the limit. */
async function buildSet (load: Load, contents: ListContents, troubled: readonly PatternEntry[], sources: SourcesResult): Promise<BuiltSet> {
  const { options: { list, authorities, now = () => new Date() }, limits, previous } = load
  const found = [...contents.crls(), ...sources.crls]
  const lines = new Map(contents.entries.flatMap((entry) => entry.kind === 'pattern' ? [[entry.value, entry] as const] : []))
  const inForce = previous?.set.crls.crls.map((known) => withLine(known, lines)) ?? sources.copied
  const isTroubled = troubledBy(load, troubled)
  const options = {
    signers: authorities.all,
    previous: inForce,
    newest: previous?.newestCrls ?? new Map(),
    isLineRemoved: ({ pattern }: Pick<DroppedCrl, 'pattern'>) => pattern !== undefined && !lines.has(pattern)
  }
  const count = found.reduce((sum, { crl }) => sum + crl.entries.size, contents.count + sources.count)
  // Retained CRLs must leave room for new revocations.
  const mayStay = (gone: SourcedCrl): boolean => gone.pattern !== undefined || isTroubled(gone)
  const retention = retainCrls(found, { ...options, mayStay, room: limits.entries - count })
  const { crls, warnings, newest } = retention
  load.warnings.push(...warnings)
  const retainedCrls = reportRetained(load, retention)
  const droppedCrls = reportDropped(load, retention, options)
  if (count > limits.entries) {
    const what = list === undefined ? 'What the patterns name' : listName(list)
    const location = list === undefined ? {} : { file: list }
    load.problems.push(located(new errors.FST_ENDPOINT_LIST_TOO_MANY_ENTRIES(what, limits.entries), location))
    return { newestCrls: options.newest, retainedCrls, droppedCrls: previous?.droppedCrls ?? new Map() }
  }
  const set = new RevocationSet({
    keys: await SetKeys.of(contents.keys, sources.keys, previous?.set.keys ?? SetKeys.none),
    loadedAt: now(),
    now: () => now().getTime(),
    authorities,
    crls,
    expectsCrls: previous?.set.usesCrls ?? false
  })
  for (const { source } of set.crls.unreachable) {
    const problem = 'has no effect: no path of authorities leads from its signer to a trust anchor'
    load.warnings.push(`the CRL in ${quotePath(originPlace(source))} ${problem}`)
  }
  return { set, newestCrls: newest, retainedCrls, droppedCrls }
}

/** A CRL with the current line of its pattern. */
function withLine (known: SourcedCrl, lines: ReadonlyMap<string, PatternEntry>): SourcedCrl {
  const { line } = lines.get(known.pattern ?? '') ?? {}
  return line === undefined || line === known.source.line ? known : { ...known, source: { ...known.source, line } }
}

/** Reports retained CRLs that have been gone for a while. @returns since when each is gone */
function reportRetained ({ previous, removal, waits, concerns }: Load, { retained }: RetentionResult): ReadonlyMap<string, number> {
  const since = new Map<string, number>()
  for (const { crl, digest, source, pattern } of retained) {
    if (pattern === undefined) continue
    const before = previous?.retainedCrls.get(digest)
    const gone = before ?? removal.clock()
    const isReported = isDue({ since: gone }, removal, before === undefined)
    since.set(digest, isReported ? -Infinity : gone)
    if (isReported) concerns.push(retainedError(crl, originPlace(source)))
    else waits.push(remainingTime({ since: gone }, removal))
  }
  return since
}

function retainedError (crl: SourcedCrl['crl'], file: string): Error {
  const what = `the CRL of ${visible(crl.issuerText)} (${crlLabel({ crl })}) from ${quotePath(file)}`
  return located(new errors.FST_ENDPOINT_CRL_KEPT(what), { file })
}

/**
 * Reports dropped CRLs until the process ends, or the line of the CRL is removed from the list: what they revoked is no
 * longer known.
 */
function reportDropped (
  { previous, concerns }: Load,
  { dropped }: RetentionResult,
  { isLineRemoved }: Pick<RetentionOptions, 'isLineRemoved'>
): ReadonlyMap<string, DroppedCrl> {
  const all = new Map<string, DroppedCrl>()
  for (const [signer, one] of previous?.droppedCrls ?? []) if (!isLineRemoved(one)) all.set(signer, one)
  for (const { signer, crl: { issuerText }, source, pattern } of dropped) all.set(signer, { issuerText, source, pattern })
  for (const { issuerText, source } of all.values()) {
    const file = originPlace(source)
    concerns.push(located(new errors.FST_ENDPOINT_CRL_GIVEN_UP(visible(issuerText), quotePath(file)), { file }))
  }
  return all
}

/** Whether the line or the pattern of a CRL, or one of its files, has a problem. */
function troubledBy ({ options: { list }, problems }: Load, troubled: readonly PatternEntry[]): (gone: SourcedCrl) => boolean {
  const lines = new Set(troubled.map(({ line }) => line))
  let isEverywhere = false
  for (const { file, line } of problems as Array<Error & ErrorLocation>) {
    if (file === undefined || (file === list && line === undefined)) isEverywhere = true
    else if (file === list) lines.add(line)
  }
  return ({ source }) => isEverywhere || lines.has(source.line)
}
