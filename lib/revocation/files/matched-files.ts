/**
 * The files that the patterns of a list match, and what has changed in them.
 *
 * What they revoke is handed over at once, file by file. Only what shows whether a file has changed is kept. So a worker
 * can follow a hundred thousand files, and reports only those that change.
 *
 * An error revokes nobody less: a file that cannot be read keeps its last good content, and a folder that cannot be read
 * keeps its files. Only what is plainly gone is reported as gone: a file removed from a readable folder, or a pattern
 * removed from the list. A folder that changed meanwhile is reported too, since a renamed file may have been missed.
 */
import { dirname } from 'node:path'
import { mapConcurrently } from '../../turns.js'
import type { ErrorLocation } from '../../errors.js'
import { quotePath } from '../../text/printable.js'
import { hasRacy, isSeenRacy, type Observation, sameObservation } from '../../watching/observation.js'
import type { Authorities } from '../../x509/authorities.js'
import type { FileHost } from './host.js'
import type { PatternEntry } from '../list/list-file.js'
import { listName } from '../list/last-good-list.js'
import { type FileState, NO_REMARKS, refreshFile, UNREAD } from './file-state.js'
import { Places } from './places.js'
import { expandPattern } from '../list/expand.js'
import type { FileRevocations } from './file-content.js'
import type { Volume } from './volume.js'

export interface FilesRequest {
  /** Absolute path of the list. Patterns with a line number are from it, and relative to its folder. */
  readonly list: string | undefined
  /** The folder that the other patterns are relative to. */
  readonly folder: string
  /** Each once. */
  readonly patterns: readonly PatternEntry[]
  readonly limits: { readonly fileBytes: number, readonly files: number, readonly entries: number }
  readonly authorities: Authorities
  /** The files in force, by pattern, if this does not have them itself. Then everything is reported. */
  readonly inForce?: ReadonlyMap<string, readonly string[]>
  /** Looks only at these files again, and at those that are new, faulty or racy (all). */
  readonly changed?: ReadonlySet<string>
  /** Whether entries of removed files are still in force (no). */
  readonly hasRemnants?: boolean
}

/** Some of the files, in a round. */
export interface FilesPart {
  /** Whether the round reports all files, so that others are gone, or only those that have changed. */
  readonly isFull: boolean
  readonly files: readonly FileChange[]
}

export interface FileChange {
  readonly path: string
  /** The indexes of the patterns that match it; none if it is gone. */
  readonly namedBy: readonly number[]
  /** What it revokes; undefined if that has not changed. */
  readonly content?: FileRevocations
  /** The volume of its folder; given with its content, or if the file is gone. */
  readonly volume?: Volume | undefined
  /** The device of its folder; given with its content. */
  readonly device?: bigint | undefined
}

/** What a round has found, but for the files. */
export interface RoundResult {
  readonly problems: readonly Error[]
  readonly notices: readonly string[]
  readonly warnings: readonly string[]
  /** The indexes of the patterns that match a file with a problem. */
  readonly faultyPatterns: readonly number[]
  /** The files whose content does not count; a file of which only some CRLs do not count is not among them. */
  readonly faultyFiles: readonly string[]
  /** Whether the content of a folder, or of a file that was never good, is unknown. */
  readonly isUnknown: boolean
  /** The indexes of the patterns that could not be expanded in full. */
  readonly incomplete: readonly number[]
  /** A folder that changed during the scan or just before it; undefined if none did. */
  readonly unsettled: string | undefined
}

/** There are more files than the capacity of the host. */
export class TooManyFiles extends Error {}

/** Changes that are reported at a time, and files that are read before others have a turn. */
const FILES_A_PART = 128

/** Paths of former files, at most. */
const MOST_FORMER = 200_000

/** The files that a pattern matches. */
interface Expanded {
  readonly paths: readonly string[]
  /** Whether there was no problem, so that a file that is not among them was removed. */
  readonly isComplete: boolean
  /** Whether there may be files that could not be seen. */
  readonly isUnseen: boolean
  readonly problems: readonly Error[]
  readonly notice?: string
  /** The folders and links that were looked at. */
  readonly scanned: ReadonlyMap<string, Observation>
}

/** A round: the request, and what was found so far. */
interface Round {
  readonly request: FilesRequest
  readonly isFull: boolean
  readonly onPart: OnPart
  /** By the index of the pattern. */
  readonly expanded: readonly Expanded[]
  /** Files that different patterns match than before. */
  readonly reassigned: Set<string>
  readonly changes: FileChange[]
  readonly places: Places
}

interface Selected {
  readonly toRead: readonly string[]
  readonly removed: readonly string[]
}

type OnPart = (part: FilesPart) => void | Promise<void>

const NOTHING: readonly never[] = []

export class MatchedFiles {
  readonly #host: FileHost
  #files = new Map<string, FileState>()
  #observed = new Map<string, Observation>()
  /** Files that are checked in every round: faulty, or changed too recently to trust their signature. */
  #unsettled = new Set<string>()
  /** Files with problems or warnings. */
  #withRemarks = new Set<string>()
  #expanded: ReadonlyMap<string, Expanded> = new Map()
  /** Paths that were files, while their entries are in force: a folder in such a place is not passed over. */
  readonly #former = new Set<string>()
  /** The folders of the volumes that files were read from. */
  readonly #mounts = new Set<string>()
  /** The patterns and authorities of the last round. */
  #lastRequest = ''
  #mustReportAll = true

  constructor (host: FileHost) {
    this.#host = host
  }

  /** A copy that knows the same files. */
  fork (): MatchedFiles {
    const fork = new MatchedFiles(this.#host)
    fork.#files = new Map(this.#files)
    fork.#expanded = this.#expanded
    for (const folder of this.#mounts) fork.#mounts.add(folder)
    return fork
  }

  /** What each path was just before it was read. */
  get observed (): ReadonlyMap<string, Observation> {
    return this.#observed
  }

  /** Whether something changed so recently that a further change would not show. */
  get isRacy (): boolean {
    const isRacy = (path: string): boolean => {
      const seen = this.#observed.get(path)
      return seen !== undefined && isSeenRacy(seen)
    }
    return [...this.#unsettled].some(isRacy) || [...this.#expanded.values()].some(({ scanned }) => hasRacy(scanned))
  }

  /**
   * Finds the files, and reads those that have changed. Rounds must not overlap. After a round that was rejected, the next
   * request must have `inForce`.
   *
   * @param onPart gets the changes, in parts
   * @throws TooManyFiles
   */
  async refresh (request: FilesRequest, onPart: OnPart): Promise<RoundResult> {
    const { inForce } = request
    const asked = JSON.stringify([request.patterns, request.authorities.digest])
    const isFull = this.#mustReportAll || asked !== this.#lastRequest || inForce !== undefined
    if (request.hasRemnants !== true) this.#former.clear()
    if (inForce !== undefined) {
      this.#files.clear()
      for (const paths of inForce.values()) for (const path of paths) this.#addFormer(path)
      await this.#findMounts(inForce)
      const unread = { isComplete: false, isUnseen: true, problems: NOTHING, scanned: new Map() }
      this.#expanded = new Map([...inForce].map(([value, paths]) => [value, { ...unread, paths }]))
    }
    const places = new Places(this.#host, this.#mounts)
    await places.lookAtMounts()
    // Until the round is complete.
    this.#mustReportAll = true
    const expanded = await mapConcurrently(request.patterns, this.#host.concurrency, (entry) => this.#expand(request, isFull, entry))
    const round: Round = { request, isFull, onPart, expanded, reassigned: new Set(), changes: [], places }
    const { toRead, removed } = isFull ? this.#addAll(round) : this.#updateNames(round)
    if (this.#files.size > this.#host.capacity) throw new TooManyFiles()
    for (const path of removed) await this.#reportRemoved(round, path)
    await this.#readAll(round, toRead)
    await this.#report(round, true)
    this.#expanded = new Map(request.patterns.map(({ value }, index) => [value, expanded[index] as Expanded]))
    this.#lastRequest = asked
    this.#mustReportAll = false
    return this.#conclude(round, await places.findUnsettled(expanded.map(({ scanned }) => scanned)))
  }

  async #expand (request: FilesRequest, isFull: boolean, entry: PatternEntry): Promise<Expanded> {
    const { list, folder, limits, changed } = request
    const { capacity } = this.#host
    const last = this.#expanded.get(entry.value)
    const before = last?.paths ?? NOTHING
    // The caller that looks for changes also watches what was scanned for these patterns.
    const mayBeSame = last?.isComplete === true && !isFull && changed !== undefined
    if (mayBeSame && !hasRacy(last.scanned) && !hasAny(last.scanned, changed)) return last
    const scanned = new Map<string, Observation>()
    const { paths, problems, isUnseen } = await expandPattern(entry.value, {
      folder: entry.line === undefined ? folder : dirname(list ?? ''),
      limit: Math.min(limits.files, capacity),
      what: describe(request, entry),
      location: locate(request, entry),
      observed: scanned,
      wasFile: (path) => this.#files.has(path) || this.#former.has(path)
    })
    if (paths.length > capacity && capacity < limits.files) throw new TooManyFiles()
    if (problems.length === 0) {
      const notice = `${describe(request, entry)} matches no file${before.length > 0 ? ' any more' : ''}`
      return { paths: paths.sort(), isComplete: true, isUnseen, problems, scanned, ...(paths.length === 0 && { notice }) }
    }
    // Above the limit the paths are an arbitrary choice: each reload would add others.
    const isTooMany = paths.length > limits.files
    return { paths: isTooMany ? before : [...new Set([...paths, ...before])], isComplete: false, isUnseen, problems, scanned }
  }

  /** Starts again with the files that the patterns match now: all of them are read. */
  #addAll ({ expanded }: Round): Selected {
    const before = this.#files
    this.#files = new Map()
    this.#observed = new Map()
    this.#unsettled = new Set()
    this.#withRemarks = new Set()
    for (const [index, { paths, scanned }] of expanded.entries()) {
      this.#addName(index, paths, before)
      for (const [path, seen] of scanned) this.#observed.set(path, seen)
    }
    return { toRead: [...this.#files.keys()], removed: [...before.keys()].filter((path) => !this.#files.has(path)) }
  }

  /** Updates which patterns match which files. */
  #updateNames ({ request: { patterns, changed }, expanded, reassigned }: Round): Selected {
    const links: string[] = []
    const removed: Array<readonly [number, string]> = []
    for (const [index, now] of expanded.entries()) {
      const before = this.#expanded.get(patterns[index]?.value ?? '')
      if (before === undefined || before === now) continue
      for (const [path, seen] of now.scanned) if (!sameObservation(seen, this.#observed.get(path))) links.push(path)
      for (const path of before.scanned.keys()) if (!this.#files.has(path)) this.#observed.delete(path)
      const added = new Set(now.paths)
      for (const path of before.paths) if (!added.delete(path)) removed.push([index, path])
      this.#addName(index, added, this.#files)
      for (const path of added) reassigned.add(path)
    }
    const gone = removed.filter(([index, path]) => {
      const isNamed = this.#removeName(index, path)
      if (isNamed) reassigned.add(path)
      return !isNamed
    })
    for (const { scanned } of expanded) for (const [path, seen] of scanned) this.#observed.set(path, seen)
    const toRead = changed === undefined ? this.#files.keys() : new Set([...reassigned, ...links, ...changed, ...this.#unsettled])
    return { toRead: [...toRead].filter((path) => this.#files.has(path)), removed: gone.map(([, path]) => path) }
  }

  #addName (index: number, paths: Iterable<string>, before: ReadonlyMap<string, FileState>): void {
    // One array for all files that only this pattern matches, as nearly all.
    const alone = [index]
    for (const path of paths) {
      const other = this.#files.get(path)
      if (other !== undefined) this.#files.set(path, { ...other, namedBy: [...other.namedBy, index] })
      else this.#files.set(path, { ...before.get(path) ?? UNREAD, namedBy: alone })
    }
  }

  /** @returns whether other patterns still match the file */
  #removeName (index: number, path: string): boolean {
    const state = this.#files.get(path) ?? UNREAD
    const namedBy = state.namedBy.filter((other) => other !== index)
    if (namedBy.length > 0) {
      this.#files.set(path, { ...state, namedBy })
      return true
    }
    this.#files.delete(path)
    this.#observed.delete(path)
    this.#unsettled.delete(path)
    this.#withRemarks.delete(path)
    return false
  }

  #addFormer (path: string): void {
    this.#former.add(path)
    const [first] = this.#former
    if (this.#former.size > MOST_FORMER) this.#former.delete(first as string)
  }

  async #reportRemoved (round: Round, path: string): Promise<void> {
    this.#addFormer(path)
    round.changes.push({ path, namedBy: NOTHING, volume: await round.places.volumeOf(path) })
    await this.#report(round)
  }

  /** Finds the folders of the volumes of files that another process, or thread, has read. */
  async #findMounts (before: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const folders = new Set<string>()
    for (const paths of before.values()) for (const path of paths) folders.add(dirname(path))
    for (const folder of folders) {
      const volume = await this.#host.volumeOf(folder)
      if (volume !== undefined) this.#mounts.add(volume.folder)
    }
  }

  async #readAll (round: Round, paths: readonly string[]): Promise<void> {
    let count = 0
    await mapConcurrently(paths, this.#host.concurrency, async (path) => {
      await this.#read(round, path)
      await this.#report(round)
      if (++count % FILES_A_PART === 0) await this.#host.yieldTurn()
    })
  }

  async #read (round: Round, path: string): Promise<void> {
    const { request, isFull, expanded, reassigned, changes, places } = round
    const { patterns, limits, authorities } = request
    const before = this.#files.get(path) ?? UNREAD
    const { namedBy } = before
    const { observation, state, content } = await refreshFile(path, before, {
      host: this.#host,
      what: `${quotePath(path)} (${describe(request, patterns[namedBy.at(-1) ?? -1])})`,
      mayVanish: namedBy.every((index) => expanded[index]?.isComplete === true),
      limit: limits.fileBytes,
      entries: limits.entries,
      authorities
    })
    const { good, problem, remarks, isGone } = state
    // The state of a link that counts is the one from when its pattern was expanded.
    if (!namedBy.some((index) => expanded[index]?.scanned.has(path))) this.#observed.set(path, observation)
    this.#files.set(path, state)
    mark(this.#unsettled, path, good === undefined || good.racy || problem !== undefined || isSeenRacy(observation))
    mark(this.#withRemarks, path, problem !== undefined || remarks !== NO_REMARKS)
    if (isGone && !before.isGone) await this.#reportRemoved(round, path)
    if (isGone || (content === undefined && !isFull && !reassigned.has(path))) return
    if (content === undefined) changes.push({ path, namedBy })
    else changes.push({ path, namedBy, content, volume: await places.volumeThrough(path), device: await places.deviceOf(path) })
  }

  async #report ({ isFull, changes, onPart }: Round, isLast = false): Promise<void> {
    if (changes.length >= FILES_A_PART || isLast) await onPart({ isFull, files: changes.splice(0) })
  }

  #conclude ({ expanded }: Round, unsettled: string | undefined): RoundResult {
    const problems = expanded.flatMap(({ problems }) => problems)
    const warnings: string[] = []
    const faulty = new Set<number>()
    const faultyFiles: string[] = []
    let isUnknown = expanded.some(({ isUnseen }) => isUnseen)
    for (const path of [...this.#withRemarks].sort()) {
      const { problem, remarks, namedBy, good } = this.#files.get(path) ?? UNREAD
      if (problem !== undefined) {
        problems.push(problem)
        faultyFiles.push(path)
        isUnknown ||= good === undefined
      }
      problems.push(...remarks.problems)
      warnings.push(...remarks.warnings)
      if (problem !== undefined || remarks.problems.length > 0) for (const index of namedBy) faulty.add(index)
    }
    const notices = expanded.flatMap(({ notice = [] }) => notice)
    const incomplete = [...expanded.keys()].filter((index) => expanded[index]?.isComplete === false)
    return { problems, notices, warnings, faultyPatterns: [...faulty], faultyFiles, isUnknown, incomplete, unsettled }
  }
}

function hasAny (scanned: ReadonlyMap<string, Observation>, changed: ReadonlySet<string>): boolean {
  return [...changed].some((path) => scanned.has(path))
}

function mark (paths: Set<string>, path: string, isMarked: boolean): void {
  if (isMarked) paths.add(path)
  else paths.delete(path)
}

function describe ({ list }: FilesRequest, entry: PatternEntry | undefined): string {
  if (list === undefined || entry?.line === undefined) return `pattern ${quotePath(entry?.value ?? '')}`
  return `${listName(list)} line ${entry.line}`
}

function locate ({ list }: FilesRequest, { line }: PatternEntry): ErrorLocation {
  return list === undefined || line === undefined ? {} : { file: list, line }
}
