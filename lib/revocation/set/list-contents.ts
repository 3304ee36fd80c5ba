/**
 * The contents of a list that are in force: the keys of its lines and of the files that its patterns match, and the CRLs of
 * these files.
 *
 * A certificate that was removed from its file stays revoked until it has been gone for long enough: see `Removal`.
 * Each file waits by itself, so that one that keeps changing delays nothing else.
 *
 * Contents are immutable. An edit creates changed ones, at a cost that depends on the number of changes.
 */
import { dirname } from 'node:path'
import { errors, located } from '../../errors.js'
import { quotePath } from '../../text/printable.js'
import { Slices } from '../../turns.js'
import { type Absences, whyHidden } from '../files/absence.js'
import type { SourcedCrl } from '../crl/series.js'
import type { KeyEntry, ListEntry, PatternEntry } from '../list/list-file.js'
import type { FileChange } from '../files/matched-files.js'
import { type MapEdit, PersistentMap } from './persistent-map.js'
import { isDue, isOverdue, remainingTime, type Removal, overdueError, type Waiting } from './removal.js'
import type { FileRevocations } from '../files/file-content.js'
import { type KeysEdit, type RevocationEntry, RevocationKeys } from './keys.js'
import type { RevocationOrigin } from '../../../types/revocation.js'
import { isSwapped, type Volume } from '../files/volume.js'

/** What a file revokes (nothing if it was never good), and the patterns that match it. */
interface FileContent extends Pick<FileRevocations, 'tbs' | 'crls'> {
  readonly namedBy: readonly PatternEntry[]
  /** Its volume when it was read. */
  readonly volume: Volume | undefined
  /** The device of its folder at that time. */
  readonly device: bigint | undefined
}

/** The removed certificates of a file, which are still in force. For CRLs, other rules apply. */
interface Remnant extends Waiting {
  readonly tbs: readonly string[]
  /** The patterns that matched the file. */
  readonly namedBy: readonly PatternEntry[]
  readonly device: bigint | undefined
  /** Whether a swap of their volume has removed them. */
  readonly isSwapped: boolean
  /** Whether the file was out of reach in the last scan. */
  readonly isHidden: boolean
}

interface ContentsState {
  readonly list: string | undefined
  readonly entries: readonly ListEntry[]
  readonly files: PersistentMap<FileContent>
  readonly keys: RevocationKeys
  readonly crlFiles: ReadonlySet<string>
  readonly certificates: number
  readonly remnants: PersistentMap<Remnant>
}

/** What the removed entries depend on in a scan. */
export interface Scan {
  /** A folder that changed during the scan, so that a file may have been missed; undefined if none did. */
  readonly unsettled: string | undefined
  /** The patterns that could not be expanded in full. */
  readonly incomplete: ReadonlySet<string>
  /** The files that could not be read, or contain something else than revocations. */
  readonly faultyFiles: ReadonlySet<string>
  /** Whether the content of a file or folder is unknown: a moved entry may be there. */
  readonly isUnknown: boolean
  /** Removed certificates that may wait, at most. */
  readonly limit: number
}

/** The removals that are still pending. */
export interface Pending {
  /** Milliseconds until one of them may be due; undefined if none waits for time. */
  readonly again: number | undefined
  /** Files that are out of reach, and cannot be known to be removed. */
  readonly problems: Error[]
  /** Files and folders that keep changing. */
  readonly concerns: Error[]
  readonly warnings: string[]
}

/** Milliseconds after which an unsettled folder is scanned again. */
const NEXT_LOOK = 250

export class ListContents {
  static readonly none = new ListContents({
    list: undefined,
    entries: [],
    files: PersistentMap.empty(),
    keys: RevocationKeys.none,
    crlFiles: new Set(),
    certificates: 0,
    remnants: PersistentMap.empty()
  })

  readonly #state: ContentsState

  /** @internal */
  constructor (state: ContentsState) {
    this.#state = state
  }

  /** The lines of the list, and the patterns outside of lists. */
  get entries (): readonly ListEntry[] {
    return this.#state.entries
  }

  /** By absolute path. */
  get files (): PersistentMap<FileContent> {
    return this.#state.files
  }

  get keys (): RevocationKeys {
    return this.#state.keys
  }

  /** The number of lines and certificates; each counts as often as it is stated. */
  get count (): number {
    return this.#state.entries.length + this.#state.certificates
  }

  /** Whether removed entries are still in force. */
  get hasRemnants (): boolean {
    return this.#state.remnants.size > 0
  }

  /** The CRLs in the order of the lines, and for each line in the order of the file names. */
  * crls (): Generator<SourcedCrl> {
    const { list, entries, files, crlFiles } = this.#state
    // By value: the pattern of an unchanged line is another object after each change of the list.
    const named = new Map<string, string[]>()
    for (const file of [...crlFiles].sort()) {
      for (const key of new Set(files.get(file)?.namedBy.map(patternKey))) {
        const others = named.get(key)
        if (others === undefined) named.set(key, [file])
        else others.push(file)
      }
    }
    for (const entry of entries) {
      if (entry.kind !== 'pattern') continue
      for (const file of named.get(patternKey(entry)) ?? []) {
        for (const crl of files.get(file)?.crls ?? []) yield { ...crl, source: { ...originOf(entry, list), file }, pattern: entry.value }
      }
    }
  }

  /** The files, by pattern. */
  expansions (): Map<string, readonly string[]> {
    const expansions = new Map<string, string[]>()
    for (const [path, { namedBy }] of this.files) {
      for (const { value } of namedBy) {
        const paths = expansions.get(value)
        if (paths === undefined) expansions.set(value, [path])
        else paths.push(path)
      }
    }
    return expansions
  }

  /**
   * The keys with the present lines instead of the previous ones, for one edit.
   *
   * @param entries the present entries; the same array if they have not changed
   */
  async editKeys (list: string | undefined, entries: readonly ListEntry[]): Promise<KeysEdit> {
    const { entries: before, list: listBefore, keys } = this.#state
    const edit = keys.edit()
    if (entries === before) return edit
    const isSame = (entry: ListEntry, other: ListEntry | undefined): boolean =>
      list === listBefore && entry.kind === other?.kind && entry.value === other.value && entry.line === other.line
    const slices = new Slices('growing')
    for (const [index, entry] of before.entries()) {
      if (isKey(entry) && !isSame(entry, entries[index])) edit.remove(keyOfLine(entry, listBefore))
      if (slices.over) await slices.next()
    }
    for (const [index, entry] of entries.entries()) {
      if (isKey(entry) && !isSame(entry, before[index])) edit.add(keyOfLine(entry, list))
      if (slices.over) await slices.next()
    }
    return edit
  }

  /**
   * @param entries the present entries; the same array if they have not changed
   * @param isFull whether all files will be reported, so that others are gone
   * @param keys see `editKeys`
   */
  edit (list: string | undefined, entries: readonly ListEntry[], isFull: boolean, removal: Removal, keys: KeysEdit): ContentsEdit {
    return new ContentsEdit(this.#state, list, entries, isFull, removal, keys)
  }
}

/** Changes, from which other contents are made. */
export class ContentsEdit {
  readonly #previous: ContentsState
  readonly #list: string | undefined
  readonly #entries: readonly ListEntry[]
  readonly #removal: Removal
  readonly #patterns: ReadonlySet<string>
  #files: MapEdit<FileContent>
  readonly #keys: KeysEdit
  readonly #crlFiles: Set<string>
  #certificates: number
  /** The files that this scan has reported; undefined if it reports only changes. */
  readonly #reported: Set<string> | undefined
  #remnants: MapEdit<Remnant>
  /** The files whose remnants this scan has changed. */
  readonly #touched = new Set<string>()
  /** See `#findFolders`; undefined until it is needed. */
  #folders: Promise<ReadonlySet<string>> | undefined

  /** @internal */
  constructor (
    before: ContentsState, list: string | undefined, entries: readonly ListEntry[], isFull: boolean, removal: Removal, keys: KeysEdit
  ) {
    this.#previous = before
    this.#list = list
    this.#entries = entries
    this.#removal = removal
    this.#patterns = new Set(entries.filter((entry) => !isKey(entry)).map(({ value }) => value))
    this.#files = before.files.edit()
    this.#keys = keys
    this.#crlFiles = new Set(before.crlFiles)
    this.#certificates = before.certificates
    this.#reported = isFull ? new Set() : undefined
    this.#remnants = before.remnants.edit()
  }

  /** Applies a change of a file. */
  apply ({ path, content, volume, device }: Omit<FileChange, 'namedBy'>, namedBy: readonly PatternEntry[]): void {
    this.#reported?.add(path)
    const before = this.#files.get(path)
    if (before !== undefined && content === undefined && isSame(before.namedBy, namedBy)) return
    // The removal of a line has waited already: see `readList`.
    const isDropped = namedBy.length === 0 && before?.namedBy.every(({ value }) => !this.#patterns.has(value)) === true
    if (before !== undefined) this.#remove(path, before, !isDropped)
    // A file that has never been good revokes nothing.
    const now = namedBy.length === 0 ? NOTHING : content ?? before ?? NOTHING
    const place = content === undefined ? { volume: before?.volume, device: before?.device } : { volume, device }
    if (namedBy.length > 0) this.#add(path, { tbs: now.tbs, crls: now.crls, namedBy, ...place })
    if (!isDropped) this.#noteRemoved(path, before, now, volume)
  }

  /** Removes all files that were not reported, if the scan reports all. */
  async removeUnreported (): Promise<void> {
    const reported = this.#reported
    if (reported === undefined) return
    const slices = new Slices()
    for (const path of this.#previous.files.keys()) {
      if (slices.over) await slices.next()
      if (!reported.has(path)) this.apply({ path }, [])
    }
  }

  /** Removes the entries that have been gone for long enough. */
  async settle (scan: Scan): Promise<Pending> {
    const left = new PendingRemovals()
    const absences: Absences = new Map()
    const slices = new Slices()
    const all = this.#remnants.finish()
    this.#remnants = all.edit()
    const waiting: Array<[path: string, remnant: Remnant]> = []
    for (const [path, remnant] of all) {
      if (slices.over) await slices.next()
      const mustWait = await this.#mustWait(path, remnant, scan, absences, left)
      if (mustWait) waiting.push([path, remnant])
      else this.#forget(path, remnant)
    }
    this.#limitWaiting(waiting, scan, left)
    if (this.#keys.hasDeleted) await this.#retainAgain(slices)
    return left
  }

  /** The changed contents. Ends the edit. */
  finish (): ListContents {
    return new ListContents({
      list: this.#list,
      entries: this.#entries,
      files: this.#files.finish(),
      keys: this.#keys.finish(),
      crlFiles: this.#crlFiles,
      certificates: this.#certificates,
      remnants: this.#remnants.finish()
    })
  }

  #add (path: string, content: FileContent): void {
    const { tbs, crls, namedBy } = content
    this.#files.set(path, content)
    this.#certificates += tbs.length
    if (crls.length > 0) this.#crlFiles.add(path)
    for (const entry of namedBy) {
      const source = { ...originOf(entry, this.#list), file: path }
      for (const value of tbs) this.#keys.add({ kind: 'tbs', value, source })
    }
  }

  #remove (path: string, { tbs, namedBy }: FileContent, stays: boolean): void {
    this.#files.delete(path)
    this.#crlFiles.delete(path)
    this.#certificates -= tbs.length
    for (const entry of namedBy) {
      const source = { ...originOf(entry, this.#previous.list), file: path }
      for (const value of tbs) this.#keys.remove({ kind: 'tbs', value, source }, stays)
    }
  }

  async #mustWait (path: string, remnant: Remnant, scan: Scan, absences: Absences, left: PendingRemovals): Promise<boolean> {
    const isGone = this.#files.get(path) === undefined
    if (scan.faultyFiles.has(path)) {
      this.#remnants.set(path, { ...remnant, since: this.#removal.clock() })
      return true
    }
    // The scan has reported these problems, and is repeated.
    if ((isGone && scan.isUnknown) || remnant.namedBy.some(({ value }) => scan.incomplete.has(value))) return true
    const mayBeMissed = scan.unsettled !== undefined && (isGone || remnant.isSwapped) && this.#isFollowed(remnant)
    const isEnough = remnant.isSwapped || isDue(remnant, this.#removal, this.#touched.has(path))
    if (remnant.isHidden || (isEnough && !mayBeMissed)) {
      const isInUse = async (folder: string): Promise<boolean> => (await (this.#folders ??= this.#findFolders(new Slices()))).has(folder)
      const mayHide = isGone && this.#isFollowed(remnant)
      const hidden = mayHide ? await whyHidden(dirname(path), absences, { device: remnant.device, isInUse }) : undefined
      if (hidden !== undefined) {
        this.#remnants.set(path, { ...remnant, since: this.#removal.clock(), isHidden: true })
        left.reportHidden(path, hidden)
        return true
      }
      if (isEnough && !mayBeMissed) return false
    }
    left.wait(isEnough ? NEXT_LOOK : remainingTime(remnant, this.#removal))
    if (isOverdue(remnant, this.#removal)) left.reportOverdue(isGone ? scan.unsettled ?? dirname(path) : path)
    return true
  }

  /** Whether a pattern that matched the file is still in the list. */
  #isFollowed ({ namedBy }: Remnant): boolean {
    return namedBy.some(({ value }) => this.#patterns.has(value))
  }

  /** The folders of all files, and those above them. */
  async #findFolders (slices: Slices): Promise<ReadonlySet<string>> {
    const files = this.#files.finish()
    this.#files = files.edit()
    const folders = new Set<string>()
    for (const path of files.keys()) {
      if (slices.over) await slices.next()
      for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder)
    }
    return folders
  }

  #forget (path: string, { tbs }: Remnant): void {
    this.#remnants.delete(path)
    for (const value of tbs) this.#keys.release('tbs', value, path)
  }

  /** A key is retained for one file at a time. When it is released, another remnant may contain the same key. */
  async #retainAgain (slices: Slices): Promise<void> {
    const all = this.#remnants.finish()
    this.#remnants = all.edit()
    for (const [file, { tbs }] of all) {
      if (slices.over) await slices.next()
      for (const value of tbs) this.#keys.retain('tbs', value, { file })
    }
  }

  /** Limits the removed entries that wait. Above the limit those that have waited longest are dropped. */
  #limitWaiting (waiting: Array<[path: string, remnant: Remnant]>, { limit }: Scan, left: PendingRemovals): void {
    let count = waiting.reduce((sum, [, { tbs }]) => sum + tbs.length, 0)
    if (count <= limit) return
    const many = `more than ${limit} certificates (limits.entries) were removed from files that keep changing`
    left.warnings.push(`${many}. Those that were removed first are no longer revoked`)
    for (const [path, remnant] of waiting.sort(([, a], [, b]) => a.waitingSince - b.waitingSince)) {
      if (count <= limit) return
      count -= remnant.tbs.length
      this.#forget(path, remnant)
    }
  }

  /** Notes what was removed from a file. */
  #noteRemoved (path: string, before: FileContent | undefined, now: Pick<FileContent, 'tbs' | 'crls'>, volume: Volume | undefined): void {
    const earlier = this.#remnants.get(path)
    if (before === undefined && earlier === undefined) return
    if (before !== undefined && isSameContent(before, now)) return
    const present = new Set(now.tbs)
    const tbs = [...new Set([...earlier?.tbs ?? [], ...before?.tbs ?? []])].filter((value) => !present.has(value))
    // An entry that came back and was removed again has waited only since then.
    if (tbs.length === 0 && earlier === undefined) return
    const since = this.#removal.clock()
    this.#touched.add(path)
    this.#remnants.set(path, {
      tbs,
      namedBy: before?.namedBy ?? earlier?.namedBy ?? [],
      since,
      waitingSince: earlier?.waitingSince ?? since,
      device: before?.device ?? earlier?.device,
      isSwapped: isSwapped(before?.volume, volume),
      isHidden: false
    })
  }
}

/** Collects the removals that are pending. */
class PendingRemovals implements Pending {
  again: number | undefined
  readonly problems: Error[] = []
  readonly concerns: Error[] = []
  readonly warnings: string[] = []
  readonly #reported = new Set<string>()
  readonly #hidden = new Set<string>()

  /** @param milliseconds until a removal may be due */
  wait (milliseconds: number): void {
    this.again = Math.min(this.again ?? Infinity, Math.max(milliseconds, 1))
  }

  /** @param why its folder is out of reach; reported once for each folder, since a volume may have many */
  reportHidden (path: string, why: string): void {
    const folder = dirname(path)
    if (this.#hidden.has(folder) || this.#hidden.size === MOST_REPORTED) return
    this.#hidden.add(folder)
    this.problems.push(located(new errors.FST_ENDPOINT_FILE_UNREADABLE(quotePath(path), why), { file: path }))
  }

  reportOverdue (path: string): void {
    if (this.#reported.has(path) || this.#reported.size === MOST_REPORTED) return
    this.#reported.add(path)
    this.concerns.push(overdueError(quotePath(path), { file: path }))
  }
}

/** Files that keep changing, and folders that are out of reach, that are reported at most. */
const MOST_REPORTED = 64

const NOTHING = { tbs: [], crls: [] }

function isSame (named: readonly PatternEntry[], others: readonly PatternEntry[]): boolean {
  if (named.length !== others.length) return false
  return named.every(({ value, line }, index) => value === others[index]?.value && line === others[index]?.line)
}

function patternKey ({ value, line }: PatternEntry): string {
  return `${line} ${value}`
}

/** Whether a file has the same content, in the same order. */
function isSameContent (a: Pick<FileContent, 'tbs' | 'crls'>, b: Pick<FileContent, 'tbs' | 'crls'>): boolean {
  if (a.tbs === b.tbs && a.crls === b.crls) return true
  return a.tbs.length === b.tbs.length && a.crls.length === b.crls.length &&
    a.tbs.every((value, index) => value === b.tbs[index]) && a.crls.every(({ digest }, index) => digest === b.crls[index]?.digest)
}

function isKey (entry: ListEntry): entry is KeyEntry {
  return entry.kind !== 'pattern'
}

function keyOfLine (entry: KeyEntry, list: string | undefined): RevocationEntry {
  return { kind: entry.kind, value: entry.value, source: originOf(entry, list) }
}

function originOf ({ line }: ListEntry, list: string | undefined): RevocationOrigin {
  return line === undefined || list === undefined ? {} : { list, line }
}
