/**
 * What a list holds that is in force: the keys in its lines and in the files that its patterns name, and the
 * CRLs in these.
 *
 * A certificate that is not in its file any more stays in force until it has been gone for long enough: see
 * `Removal`. That is counted file by file, so that one that never rests holds up nothing but what it held itself.
 *
 * Contents never change; other ones are made of them by an edit, which costs what it changes.
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
import { isOver, isRestless, leftOf, type Removal, restlessError, type Waiting } from './removal.js'
import type { FileRevocations } from '../files/file-content.js'
import { type KeysEdit, RevocationKeys } from './keys.js'
import type { RevocationOrigin } from '../../../types/revocation.js'
import { isSwapped, type Volume } from '../files/volume.js'

/** What a file revokes (nothing, if it could not be read yet), and which patterns name it. */
interface FileContent extends Pick<FileRevocations, 'tbs' | 'crls'> {
  readonly named: readonly PatternEntry[]
  /** The volume that it was in when it was read. */
  readonly volume: Volume | undefined
  /** The device that its folder was on then. */
  readonly device: bigint | undefined
}

/** What a file revoked and does not any more, but for CRLs: these have rules of their own. */
interface Remnant extends Waiting {
  readonly tbs: readonly string[]
  /** The patterns that named it. */
  readonly named: readonly PatternEntry[]
  readonly device: bigint | undefined
  /** Whether it is gone by a swap of the volume that it was in. */
  readonly isSwapped: boolean
  /** Whether it was out of reach when it was looked for last. */
  readonly isHidden: boolean
}

interface Held {
  readonly list: string | undefined
  readonly entries: readonly ListEntry[]
  readonly files: PersistentMap<FileContent>
  readonly keys: RevocationKeys
  readonly crlFiles: ReadonlySet<string>
  readonly certificates: number
  readonly remnants: PersistentMap<Remnant>
}

/** What a scan tells of those that wait. */
export interface Scan {
  /** A folder that was changed while it was scanned, so that something may have been missed (none). */
  readonly unsettled: string | undefined
  /** The patterns that could not be followed. */
  readonly incomplete: ReadonlySet<string>
  /** The files that could not be read, or hold something else than revocations. */
  readonly wrong: ReadonlySet<string>
  /** Whether nobody knows what a file or a folder holds: what was moved may stand there. */
  readonly isUnknown: boolean
  /** The most certificates that may wait. */
  readonly limit: number
}

/** What is left to wait for. */
export interface Left {
  /** Milliseconds until something may be gone for long enough; undefined if nothing waits for that. */
  readonly again: number | undefined
  /** What is said to be gone, and cannot be. */
  readonly problems: Error[]
  /** What does not rest. */
  readonly concerns: Error[]
  readonly warnings: string[]
}

/** Milliseconds after which it is looked again whether a folder rests. */
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

  readonly #held: Held

  /** @internal */
  constructor (held: Held) {
    this.#held = held
  }

  /** The lines of the list and the patterns that stand in none. */
  get entries (): readonly ListEntry[] {
    return this.#held.entries
  }

  /** By absolute path. */
  get files (): PersistentMap<FileContent> {
    return this.#held.files
  }

  get keys (): RevocationKeys {
    return this.#held.keys
  }

  /** How many lines and certificates there are; what is named twice counts twice. */
  get count (): number {
    return this.#held.entries.length + this.#held.certificates
  }

  /** Whether something is in force that is gone. */
  get isHolding (): boolean {
    return this.#held.remnants.size > 0
  }

  /** The CRLs in the order of the list, those of a line by the names of their files. */
  * crls (): Generator<SourcedCrl> {
    const { list, entries, files, crlFiles } = this.#held
    // Not by the object of the pattern, which is another one if something else in the list has changed since.
    const named = new Map<string, string[]>()
    for (const file of [...crlFiles].sort()) {
      for (const key of new Set(files.get(file)?.named.map(keyOf))) {
        const known = named.get(key)
        if (known === undefined) named.set(key, [file])
        else known.push(file)
      }
    }
    for (const entry of entries) {
      if (entry.kind !== 'pattern') continue
      for (const file of named.get(keyOf(entry)) ?? []) {
        for (const crl of files.get(file)?.crls ?? []) yield { ...crl, source: { ...sourceOf(entry, list), file }, pattern: entry.value }
      }
    }
  }

  /** The files by the patterns that name them. */
  expansions (): Map<string, readonly string[]> {
    const expansions = new Map<string, string[]>()
    for (const [path, { named }] of this.files) {
      for (const { value } of named) {
        const paths = expansions.get(value)
        if (paths === undefined) expansions.set(value, [path])
        else paths.push(path)
      }
    }
    return expansions
  }

  /**
   * @param entries those of the list as it is now; the same array if they are what they were
   * @param isAnew whether all files will be told of, so that those that are not are gone
   */
  edit (list: string | undefined, entries: readonly ListEntry[], isAnew: boolean, removal: Removal): ContentsEdit {
    return new ContentsEdit(this.#held, list, entries, isAnew, removal)
  }
}

/** Changes to contents that stay as they are. */
export class ContentsEdit {
  readonly #before: Held
  readonly #list: string | undefined
  readonly #entries: readonly ListEntry[]
  readonly #removal: Removal
  readonly #patterns: ReadonlySet<string>
  #files: MapEdit<FileContent>
  readonly #keys: KeysEdit
  readonly #crlFiles: Set<string>
  #certificates: number
  /** The files that this scan has reported; undefined where it reports only changes. */
  readonly #told: Set<string> | undefined
  #remnants: MapEdit<Remnant>
  /** The files whose remnants are what they are since now. */
  readonly #touched = new Set<string>()
  /** See `#findFolders`; only found where it is asked for. */
  #folders: Promise<ReadonlySet<string>> | undefined

  /** @internal */
  constructor (before: Held, list: string | undefined, entries: readonly ListEntry[], isAnew: boolean, removal: Removal) {
    this.#before = before
    this.#list = list
    this.#entries = entries
    this.#removal = removal
    this.#patterns = new Set(entries.filter((entry) => !isKey(entry)).map(({ value }) => value))
    this.#files = before.files.edit()
    this.#keys = before.keys.edit()
    this.#crlFiles = new Set(before.crlFiles)
    this.#certificates = before.certificates
    this.#told = isAnew ? new Set() : undefined
    this.#remnants = before.remnants.edit()
    if (entries === before.entries) return
    for (const entry of before.entries.filter(isKey)) this.#keys.remove({ kind: entry.kind, value: entry.value, source: sourceOf(entry, before.list) })
    for (const entry of entries.filter(isKey)) this.#keys.add({ kind: entry.kind, value: entry.value, source: sourceOf(entry, list) })
  }

  /** Takes what has become of a file. */
  take ({ path, content, volume, device }: Omit<FileChange, 'named'>, named: readonly PatternEntry[]): void {
    this.#told?.add(path)
    const before = this.#files.get(path)
    if (before !== undefined && content === undefined && isSame(before.named, named)) return
    // Whose line was taken out has waited already, with its line.
    const isDropped = named.length === 0 && before?.named.every(({ value }) => !this.#patterns.has(value)) === true
    if (before !== undefined) this.#remove(path, before, !isDropped)
    // A file that has never been good revokes nothing.
    const now = named.length === 0 ? NOTHING : content ?? before ?? NOTHING
    const place = content === undefined ? { volume: before?.volume, device: before?.device } : { volume, device }
    if (named.length > 0) this.#add(path, { tbs: now.tbs, crls: now.crls, named, ...place })
    if (!isDropped) this.#hold(path, before, now, volume)
  }

  /** Takes all files for gone that were not reported, if all were to be. */
  async takeRest (): Promise<void> {
    const told = this.#told
    if (told === undefined) return
    const slices = new Slices()
    for (const path of this.#before.files.keys()) {
      if (slices.over) await slices.next()
      if (!told.has(path)) this.take({ path }, [])
    }
  }

  /** Lets go what has been gone for long enough. */
  async settle (scan: Scan): Promise<Left> {
    const left = new Waits()
    const absences: Absences = new Map()
    const slices = new Slices()
    const all = this.#remnants.done()
    this.#remnants = all.edit()
    const waiting: Array<[path: string, remnant: Remnant]> = []
    for (const [path, remnant] of all) {
      if (slices.over) await slices.next()
      const isLeft = await this.#isLeft(path, remnant, scan, absences, left)
      if (isLeft) waiting.push([path, remnant])
      else this.#forget(path, remnant)
    }
    this.#bound(waiting, scan, left)
    if (this.#keys.hasDeleted) await this.#holdAgain(slices)
    return left
  }

  /** The contents as they are now. The edit is over. */
  done (): ListContents {
    return new ListContents({
      list: this.#list,
      entries: this.#entries,
      files: this.#files.done(),
      keys: this.#keys.done(),
      crlFiles: this.#crlFiles,
      certificates: this.#certificates,
      remnants: this.#remnants.done()
    })
  }

  #add (path: string, content: FileContent): void {
    const { tbs, crls, named } = content
    this.#files.set(path, content)
    this.#certificates += tbs.length
    if (crls.length > 0) this.#crlFiles.add(path)
    for (const entry of named) {
      const source = { ...sourceOf(entry, this.#list), file: path }
      for (const value of tbs) this.#keys.add({ kind: 'tbs', value, source })
    }
  }

  #remove (path: string, { tbs, named }: FileContent, stays: boolean): void {
    this.#files.delete(path)
    this.#crlFiles.delete(path)
    this.#certificates -= tbs.length
    for (const entry of named) {
      const source = { ...sourceOf(entry, this.#before.list), file: path }
      for (const value of tbs) this.#keys.remove({ kind: 'tbs', value, source }, stays)
    }
  }

  async #isLeft (path: string, remnant: Remnant, scan: Scan, absences: Absences, left: Waits): Promise<boolean> {
    const isGone = this.#files.get(path) === undefined
    if (scan.wrong.has(path)) {
      this.#remnants.set(path, { ...remnant, since: this.#removal.clock() })
      return true
    }
    // The scan reports what it could not follow, and is tried again.
    if ((isGone && scan.isUnknown) || remnant.named.some(({ value }) => scan.incomplete.has(value))) return true
    const mayBeMissed = scan.unsettled !== undefined && (isGone || remnant.isSwapped) && this.#isFollowed(remnant)
    const isEnough = remnant.isSwapped || isOver(remnant, this.#removal, this.#touched.has(path))
    if (remnant.isHidden || (isEnough && !mayBeMissed)) {
      const isInUse = async (folder: string): Promise<boolean> => (await (this.#folders ??= this.#findFolders(new Slices()))).has(folder)
      const mayHide = isGone && this.#isFollowed(remnant)
      const hidden = mayHide ? await whyHidden(dirname(path), absences, { device: remnant.device, isInUse }) : undefined
      if (hidden !== undefined) {
        this.#remnants.set(path, { ...remnant, since: this.#removal.clock(), isHidden: true })
        left.miss(path, hidden)
        return true
      }
      if (isEnough && !mayBeMissed) return false
    }
    left.wait(isEnough ? NEXT_LOOK : leftOf(remnant, this.#removal))
    if (isRestless(remnant, this.#removal)) left.tell(isGone ? scan.unsettled ?? dirname(path) : path)
    return true
  }

  /** Whether a pattern that named it is still in the list. */
  #isFollowed ({ named }: Remnant): boolean {
    return named.some(({ value }) => this.#patterns.has(value))
  }

  /** The folders that hold files, themselves or in folders of theirs. */
  async #findFolders (slices: Slices): Promise<ReadonlySet<string>> {
    const files = this.#files.done()
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
    for (const value of tbs) this.#keys.drop('tbs', value, path)
  }

  /** A key is held for one file: where that one has let it go, another may wait for the same. */
  async #holdAgain (slices: Slices): Promise<void> {
    const all = this.#remnants.done()
    this.#remnants = all.edit()
    for (const [file, { tbs }] of all) {
      if (slices.over) await slices.next()
      for (const value of tbs) this.#keys.hold('tbs', value, { file })
    }
  }

  /** What waits must not grow without end either: where it is too much, those that have waited longest go. */
  #bound (waiting: Array<[path: string, remnant: Remnant]>, { limit }: Scan, left: Waits): void {
    let count = waiting.reduce((sum, [, { tbs }]) => sum + tbs.length, 0)
    if (count <= limit) return
    const many = `more than ${limit} certificates (limits.entries) are gone from files that do not rest`
    left.warnings.push(`${many}: those that have been gone for longest are no longer revoked`)
    for (const [path, remnant] of waiting.sort(([, a], [, b]) => a.heldSince - b.heldSince)) {
      if (count <= limit) return
      count -= remnant.tbs.length
      this.#forget(path, remnant)
    }
  }

  /** Notes what a file held and does not any more. */
  #hold (path: string, before: FileContent | undefined, now: Pick<FileContent, 'tbs' | 'crls'>, volume: Volume | undefined): void {
    const known = this.#remnants.get(path)
    if (before === undefined && known === undefined) return
    if (before !== undefined && isSameContent(before, now)) return
    const present = new Set(now.tbs)
    const tbs = [...new Set([...known?.tbs ?? [], ...before?.tbs ?? []])].filter((value) => !present.has(value))
    // What is there again, and gone again, is gone since then.
    if (tbs.length === 0 && known === undefined) return
    const since = this.#removal.clock()
    this.#touched.add(path)
    this.#remnants.set(path, {
      tbs,
      named: before?.named ?? known?.named ?? [],
      since,
      heldSince: known?.heldSince ?? since,
      device: before?.device ?? known?.device,
      isSwapped: isSwapped(before?.volume, volume),
      isHidden: false
    })
  }
}

/** What is left to wait for, as it is found. */
class Waits implements Left {
  again: number | undefined
  readonly problems: Error[] = []
  readonly concerns: Error[] = []
  readonly warnings: string[] = []
  readonly #told = new Set<string>()
  readonly #missed = new Set<string>()

  /** @param milliseconds until something may go */
  wait (milliseconds: number): void {
    this.again = Math.min(this.again ?? Infinity, Math.max(milliseconds, 1))
  }

  /** @param why what it was in is out of reach; said once for each folder, of which a volume may hold many */
  miss (path: string, why: string): void {
    const folder = dirname(path)
    if (this.#missed.has(folder) || this.#missed.size === MOST_TOLD) return
    this.#missed.add(folder)
    this.problems.push(located(new errors.FST_ENDPOINT_FILE_UNREADABLE(quotePath(path), why), { file: path }))
  }

  tell (path: string): void {
    if (this.#told.has(path) || this.#told.size === MOST_TOLD) return
    this.#told.add(path)
    this.concerns.push(restlessError(quotePath(path), { file: path }))
  }
}

/** At most so many files that do not rest, and so many folders that are out of reach, are reported. */
const MOST_TOLD = 64

const NOTHING = { tbs: [], crls: [] }

function isSame (named: readonly PatternEntry[], others: readonly PatternEntry[]): boolean {
  if (named.length !== others.length) return false
  return named.every(({ value, line }, index) => value === others[index]?.value && line === others[index]?.line)
}

function keyOf ({ value, line }: PatternEntry): string {
  return `${line} ${value}`
}

/** Whether a file says the same; in the same order, as one that is only read again does. */
function isSameContent (a: Pick<FileContent, 'tbs' | 'crls'>, b: Pick<FileContent, 'tbs' | 'crls'>): boolean {
  if (a.tbs === b.tbs && a.crls === b.crls) return true
  return a.tbs.length === b.tbs.length && a.crls.length === b.crls.length &&
    a.tbs.every((value, index) => value === b.tbs[index]) && a.crls.every(({ digest }, index) => digest === b.crls[index]?.digest)
}

function isKey (entry: ListEntry): entry is KeyEntry {
  return entry.kind !== 'pattern'
}

function sourceOf ({ line }: ListEntry, list: string | undefined): RevocationOrigin {
  return line === undefined || list === undefined ? {} : { list, line }
}
