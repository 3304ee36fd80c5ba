/**
 * The files that the patterns of a list name: which they are, and what has changed in them.
 *
 * What they revoke is given away at once, file by file, and only what is needed to tell whether a file has
 * changed is kept. So a hundred thousand files can be followed in a thread of their own, which has nothing
 * to say of those that stay as they are.
 *
 * An error takes nothing away: a file that cannot be read is as it was, and where a folder cannot be read
 * its files are those that were there before. Only what is plainly gone (a file removed from a folder that
 * could be read, a pattern taken out of the list) is reported as gone; and whether a folder was changed meanwhile,
 * so that a file that was only renamed may have been missed.
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
  /** The absolute path of the list that the patterns with a line stand in; they are relative to its folder. */
  readonly list: string | undefined
  /** The folder that the other patterns are relative to. */
  readonly folder: string
  /** Each once. */
  readonly patterns: readonly PatternEntry[]
  readonly limits: { readonly fileBytes: number, readonly files: number, readonly entries: number }
  readonly authorities: Authorities
  /** The files of each pattern that are in force, for who does not know of them. All is told anew then. */
  readonly before?: ReadonlyMap<string, readonly string[]>
  /** Given, only these files are looked at again, and those that are new or not as they should be. */
  readonly changed?: ReadonlySet<string>
  /** Whether some of what is gone is in force still (no). */
  readonly isHolding?: boolean
}

/** What has become of some of the files. */
export interface FilesPart {
  /** Everything is told of in this round, so that what is not is gone; not only what has changed. */
  readonly isAnew: boolean
  readonly files: readonly FileChange[]
}

export interface FileChange {
  readonly path: string
  /** The patterns that name it, by their places in the request; none: it is gone. */
  readonly named: readonly number[]
  /** What it revokes; undefined if it is as it was. */
  readonly content?: FileRevocations
  /** The volume that its folder is in; given where its content is, or where it is gone. */
  readonly volume?: Volume | undefined
  /** The device that its folder is on; given where its content is. */
  readonly device?: bigint | undefined
}

/** The end of a round. */
export interface FilesFound {
  readonly problems: readonly Error[]
  readonly notices: readonly string[]
  readonly warnings: readonly string[]
  /** The patterns, by their places in the request, with a file that is not as it should be. */
  readonly troubled: readonly number[]
  /** The files that are not as they should be; not those of which only some CRLs do not count. */
  readonly wrong: readonly string[]
  /** Whether nobody knows what one of them holds, since it has never been good, or what a folder holds. */
  readonly isUnknown: boolean
  /** The patterns, by their places in the request, that could not be followed. */
  readonly incomplete: readonly number[]
  /** A folder that was changed while the files were found, or just before (none). */
  readonly unsettled: string | undefined
}

/** There are more files than the host is for. */
export class TooManyFiles extends Error {}

/** So many changes are told of at a time, and so many files are read before others have their turn. */
const FILES_A_PART = 128

/** So many are remembered of those that are gone. */
const MOST_LOST = 200_000

/** What a pattern stands for. */
interface Expanded {
  readonly paths: readonly string[]
  /** Whether nothing was in the way, so that a file that is not among them has been taken out. */
  readonly isComplete: boolean
  /** Whether files that it names may be out of sight. */
  readonly isUnseen: boolean
  readonly problems: readonly Error[]
  readonly notice?: string
  /** What was looked at to find them: folders, and links. */
  readonly scanned: ReadonlyMap<string, Observation>
}

/** A round: what is asked, and what was found so far. */
interface Round {
  readonly request: FilesRequest
  readonly isAnew: boolean
  readonly take: Take
  /** For each pattern what it stands for now. */
  readonly expanded: readonly Expanded[]
  /** Files that other patterns name than before. */
  readonly renamed: Set<string>
  readonly changes: FileChange[]
  readonly places: Places
}

interface Named {
  readonly toRead: readonly string[]
  readonly gone: readonly string[]
}

type Take = (part: FilesPart) => void | Promise<void>

const NOTHING: readonly never[] = []

export class MatchedFiles {
  readonly #host: FileHost
  #known = new Map<string, FileState>()
  #observed = new Map<string, Observation>()
  /** Those that are looked at in every round: not as they should be, or changed just before. */
  #unsettled = new Set<string>()
  /** Those that there is something to say of. */
  #withFindings = new Set<string>()
  #expanded: ReadonlyMap<string, Expanded> = new Map()
  /** What is gone, or has been a file that others know of, as long as that is in force. */
  readonly #lost = new Set<string>()
  /** The folders of volumes that files were read from. */
  readonly #mounts = new Set<string>()
  /** What was asked for in the last round, but for the files. */
  #asked = ''
  #isToTellAll = true

  constructor (host: FileHost) {
    this.#host = host
  }

  /** Another one that knows what this one knows. */
  fork (): MatchedFiles {
    const fork = new MatchedFiles(this.#host)
    fork.#known = new Map(this.#known)
    fork.#expanded = this.#expanded
    for (const folder of this.#mounts) fork.#mounts.add(folder)
    return fork
  }

  /** Everything that was looked at, as it was just before. */
  get observed (): ReadonlyMap<string, Observation> {
    return this.#observed
  }

  /** Whether something was changed just before it was looked at. */
  get isRacy (): boolean {
    const isRacy = (path: string): boolean => {
      const seen = this.#observed.get(path)
      return seen !== undefined && isSeenRacy(seen)
    }
    return [...this.#unsettled].some(isRacy) || [...this.#expanded.values()].some(({ scanned }) => hasRacy(scanned))
  }

  /**
   * Finds the files, and reads what has changed. Rounds must not overlap; after one that was rejected the
   * next must be told what is in force.
   *
   * @param take is given what has become of the files, in parts
   * @throws TooManyFiles
   */
  async refresh (request: FilesRequest, take: Take): Promise<FilesFound> {
    const { before } = request
    const asked = JSON.stringify([request.patterns, request.authorities.digest])
    const isAnew = this.#isToTellAll || asked !== this.#asked || before !== undefined
    if (request.isHolding !== true) this.#lost.clear()
    if (before !== undefined) {
      this.#known.clear()
      for (const paths of before.values()) for (const path of paths) this.#lose(path)
      await this.#findMounts(before)
      this.#expanded = new Map([...before].map(([value, paths]) => [value, { paths, isComplete: false, isUnseen: true, problems: NOTHING, scanned: new Map() }]))
    }
    const places = new Places(this.#host, this.#mounts)
    await places.lookAtMounts()
    // Until the end is reached.
    this.#isToTellAll = true
    const expanded = await mapConcurrently(request.patterns, this.#host.atATime, (entry) => this.#expand(request, isAnew, entry))
    const round: Round = { request, isAnew, take, expanded, renamed: new Set(), changes: [], places }
    const { toRead, gone } = isAnew ? this.#nameAll(round) : this.#nameChanged(round)
    if (this.#known.size > this.#host.most) throw new TooManyFiles()
    for (const path of gone) await this.#tellGone(round, path)
    await this.#readAll(round, toRead)
    await this.#tell(round, true)
    this.#expanded = new Map(request.patterns.map(({ value }, index) => [value, expanded[index] as Expanded]))
    this.#asked = asked
    this.#isToTellAll = false
    return this.#conclude(round, await places.findUnsettled(expanded.map(({ scanned }) => scanned)))
  }

  async #expand (request: FilesRequest, isAnew: boolean, entry: PatternEntry): Promise<Expanded> {
    const { list, folder, limits, changed } = request
    const { most } = this.#host
    const known = this.#expanded.get(entry.value)
    const before = known?.paths ?? NOTHING
    // Whoever looks for changes has looked at these too.
    const mayBeSame = known?.isComplete === true && !isAnew && changed !== undefined
    if (mayBeSame && !hasRacy(known.scanned) && !hasAny(known.scanned, changed)) return known
    const scanned = new Map<string, Observation>()
    const { paths, problems, isUnseen } = await expandPattern(entry.value, {
      folder: entry.line === undefined ? folder : dirname(list ?? ''),
      limit: Math.min(limits.files, most),
      what: describe(request, entry),
      location: locate(request, entry),
      observed: scanned,
      wasFile: (path) => this.#known.has(path) || this.#lost.has(path)
    })
    if (paths.length > most && most < limits.files) throw new TooManyFiles()
    if (problems.length === 0) {
      const notice = `${describe(request, entry)} matches no file${before.length > 0 ? ' any more' : ''}`
      return { paths: paths.sort(), isComplete: true, isUnseen, problems, scanned, ...(paths.length === 0 && { notice }) }
    }
    // Beyond the limit the files found are an arbitrary part: with each reload another one would be added.
    const isTooMany = paths.length > limits.files
    return { paths: isTooMany ? before : [...new Set([...paths, ...before])], isComplete: false, isUnseen, problems, scanned }
  }

  /** Begins with what the patterns name now, all of which is to be read, and gives what they named before and do not any more. */
  #nameAll ({ expanded }: Round): Named {
    const before = this.#known
    this.#known = new Map()
    this.#observed = new Map()
    this.#unsettled = new Set()
    this.#withFindings = new Set()
    for (const [index, { paths, scanned }] of expanded.entries()) {
      this.#addName(index, paths, before)
      for (const [path, seen] of scanned) this.#observed.set(path, seen)
    }
    return { toRead: [...this.#known.keys()], gone: [...before.keys()].filter((path) => !this.#known.has(path)) }
  }

  /** Notes what the patterns name now and did not, or the other way round, and gives what is to be read, and what is gone. */
  #nameChanged ({ request: { patterns, changed }, expanded, renamed }: Round): Named {
    const links: string[] = []
    const removed: Array<readonly [number, string]> = []
    for (const [index, now] of expanded.entries()) {
      const before = this.#expanded.get(patterns[index]?.value ?? '')
      if (before === undefined || before === now) continue
      for (const [path, seen] of now.scanned) if (!sameObservation(seen, this.#observed.get(path))) links.push(path)
      for (const path of before.scanned.keys()) if (!this.#known.has(path)) this.#observed.delete(path)
      const added = new Set(now.paths)
      for (const path of before.paths) if (!added.delete(path)) removed.push([index, path])
      this.#addName(index, added, this.#known)
      for (const path of added) renamed.add(path)
    }
    const gone = removed.filter(([index, path]) => {
      const isNamed = this.#removeName(index, path)
      if (isNamed) renamed.add(path)
      return !isNamed
    })
    for (const { scanned } of expanded) for (const [path, seen] of scanned) this.#observed.set(path, seen)
    const toRead = changed === undefined ? this.#known.keys() : new Set([...renamed, ...links, ...changed, ...this.#unsettled])
    return { toRead: [...toRead].filter((path) => this.#known.has(path)), gone: gone.map(([, path]) => path) }
  }

  #addName (index: number, paths: Iterable<string>, before: ReadonlyMap<string, FileState>): void {
    // One for all files that only this pattern names, as nearly always.
    const alone = [index]
    for (const path of paths) {
      const other = this.#known.get(path)
      if (other !== undefined) this.#known.set(path, { ...other, named: [...other.named, index] })
      else this.#known.set(path, { ...before.get(path) ?? UNREAD, named: alone })
    }
  }

  /** @returns whether other patterns name it still */
  #removeName (index: number, path: string): boolean {
    const known = this.#known.get(path) ?? UNREAD
    const named = known.named.filter((other) => other !== index)
    if (named.length > 0) {
      this.#known.set(path, { ...known, named })
      return true
    }
    this.#known.delete(path)
    this.#observed.delete(path)
    this.#unsettled.delete(path)
    this.#withFindings.delete(path)
    return false
  }

  #lose (path: string): void {
    this.#lost.add(path)
    const [first] = this.#lost
    if (this.#lost.size > MOST_LOST) this.#lost.delete(first as string)
  }

  async #tellGone (round: Round, path: string): Promise<void> {
    this.#lose(path)
    round.changes.push({ path, named: NOTHING, volume: await round.places.volumeOf(path) })
    await this.#tell(round)
  }

  /** The folders of the volumes that others have read files from. */
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
    await mapConcurrently(paths, this.#host.atATime, async (path) => {
      await this.#read(round, path)
      await this.#tell(round)
      if (++count % FILES_A_PART === 0) await this.#host.rest()
    })
  }

  async #read (round: Round, path: string): Promise<void> {
    const { request, isAnew, expanded, renamed, changes, places } = round
    const { patterns, limits, authorities } = request
    const before = this.#known.get(path) ?? UNREAD
    const { named } = before
    const { seen, state, content } = await refreshFile(path, before, {
      host: this.#host,
      what: `${quotePath(path)} (${describe(request, patterns[named.at(-1) ?? -1])})`,
      mayVanish: named.every((index) => expanded[index]?.isComplete === true),
      limit: limits.fileBytes,
      entries: limits.entries,
      authorities
    })
    const { good, problem, remarks, isGone } = state
    // By what was seen of a link something was decided before.
    if (!named.some((index) => expanded[index]?.scanned.has(path))) this.#observed.set(path, seen)
    this.#known.set(path, state)
    mark(this.#unsettled, path, good === undefined || good.racy || problem !== undefined || isSeenRacy(seen))
    mark(this.#withFindings, path, problem !== undefined || remarks !== NO_REMARKS)
    if (isGone && !before.isGone) await this.#tellGone(round, path)
    if (isGone || (content === undefined && !isAnew && !renamed.has(path))) return
    if (content === undefined) changes.push({ path, named })
    else changes.push({ path, named, content, volume: await places.volumeThrough(path), device: await places.deviceOf(path) })
  }

  async #tell ({ isAnew, changes, take }: Round, isLast = false): Promise<void> {
    if (changes.length >= FILES_A_PART || isLast) await take({ isAnew, files: changes.splice(0) })
  }

  #conclude ({ expanded }: Round, unsettled: string | undefined): FilesFound {
    const problems = expanded.flatMap(({ problems }) => problems)
    const warnings: string[] = []
    const troubled = new Set<number>()
    const wrong: string[] = []
    let isUnknown = expanded.some(({ isUnseen }) => isUnseen)
    for (const path of [...this.#withFindings].sort()) {
      const { problem, remarks, named, good } = this.#known.get(path) ?? UNREAD
      if (problem !== undefined) {
        problems.push(problem)
        wrong.push(path)
        isUnknown ||= good === undefined
      }
      problems.push(...remarks.problems)
      warnings.push(...remarks.warnings)
      if (problem !== undefined || remarks.problems.length > 0) for (const index of named) troubled.add(index)
    }
    const notices = expanded.flatMap(({ notice = [] }) => notice)
    const incomplete = [...expanded.keys()].filter((index) => expanded[index]?.isComplete === false)
    return { problems, notices, warnings, troubled: [...troubled], wrong, isUnknown, incomplete, unsettled }
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
