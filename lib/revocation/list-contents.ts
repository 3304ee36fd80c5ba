/**
 * What a list holds that is in force: the keys in its lines and in the files that its patterns name, and the
 * CRLs in these.
 *
 * Contents never change; other ones are made of them by an edit, which costs what it changes.
 */
import type { SourcedCrl } from './crl/series.js'
import type { KeyEntry, ListEntry, PatternEntry } from './list-file.js'
import type { FileChange } from './matched-files.js'
import { type MapEdit, PersistentMap } from './persistent-map.js'
import type { FileRevocations } from './revocation-file.js'
import { type KeysEdit, RevocationKeys, type RevocationSource } from './revocation-keys.js'

/** What a file revokes (nothing, if it could not be read yet), and which patterns name it. */
export interface FileContent extends Pick<FileRevocations, 'tbs' | 'crls'> {
  readonly named: readonly PatternEntry[]
}

interface Held {
  readonly list: string | undefined
  readonly entries: readonly ListEntry[]
  readonly files: PersistentMap<FileContent>
  readonly keys: RevocationKeys
  readonly crlFiles: ReadonlySet<string>
  readonly certificates: number
}

export class ListContents {
  static readonly none = new ListContents({ list: undefined, entries: [], files: PersistentMap.empty(), keys: RevocationKeys.none, crlFiles: new Set(), certificates: 0 })

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

  /** The CRLs in the order of the list, those of a line by the names of their files. */
  * crls (): Generator<SourcedCrl> {
    const { list, entries, files, crlFiles } = this.#held
    const paths = [...crlFiles].sort()
    for (const entry of entries) {
      if (entry.kind !== 'pattern') continue
      for (const file of paths) {
        const { crls, named } = files.get(file) as FileContent
        // Not the same object, if something else in the list has changed since.
        if (!named.some(({ value, line }) => value === entry.value && line === entry.line)) continue
        for (const crl of crls) yield { ...crl, source: { ...sourceOf(entry, list), file } }
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
  edit (list: string | undefined, entries: readonly ListEntry[], isAnew: boolean): ContentsEdit {
    return new ContentsEdit(this.#held, list, entries, isAnew)
  }
}

/** Changes to contents that stay as they are. */
export class ContentsEdit {
  readonly #before: Held
  readonly #list: string | undefined
  readonly #entries: readonly ListEntry[]
  readonly #files: MapEdit<FileContent>
  readonly #keys: KeysEdit
  readonly #crlFiles: Set<string>
  #certificates: number

  /** @internal */
  constructor (before: Held, list: string | undefined, entries: readonly ListEntry[], isAnew: boolean) {
    this.#before = before
    this.#list = list
    this.#entries = entries
    const base = isAnew ? ListContents.none : new ListContents(before)
    this.#files = base.files.edit()
    this.#keys = base.keys.edit()
    this.#crlFiles = new Set(isAnew ? [] : before.crlFiles)
    this.#certificates = isAnew ? 0 : before.certificates
    if (entries === base.entries) return
    for (const entry of base.entries.filter(isKey)) this.#keys.remove({ kind: entry.kind, value: entry.value, source: sourceOf(entry, before.list) })
    for (const entry of entries.filter(isKey)) this.#keys.add({ kind: entry.kind, value: entry.value, source: sourceOf(entry, list) })
  }

  /** Takes what has become of a file. */
  take ({ path, content }: Pick<FileChange, 'path' | 'content'>, named: readonly PatternEntry[]): void {
    const before = this.#files.get(path)
    if (before !== undefined) this.#remove(path, before)
    if (named.length === 0) return
    // A file that has never been good revokes nothing.
    const { tbs, crls } = content ?? this.#before.files.get(path) ?? { tbs: [], crls: [] }
    this.#files.set(path, { tbs, crls, named })
    this.#certificates += tbs.length
    if (crls.length > 0) this.#crlFiles.add(path)
    for (const entry of named) {
      const source = { ...sourceOf(entry, this.#list), file: path }
      for (const value of tbs) this.#keys.add({ kind: 'tbs', value, source })
    }
  }

  /** The contents as they are now. The edit is over. */
  done (): ListContents {
    return new ListContents({
      list: this.#list,
      entries: this.#entries,
      files: this.#files.done(),
      keys: this.#keys.done(),
      crlFiles: this.#crlFiles,
      certificates: this.#certificates
    })
  }

  #remove (path: string, { tbs, named }: FileContent): void {
    this.#files.delete(path)
    this.#crlFiles.delete(path)
    this.#certificates -= tbs.length
    for (const entry of named) {
      const source = { ...sourceOf(entry, this.#before.list), file: path }
      for (const value of tbs) this.#keys.remove({ kind: 'tbs', value, source })
    }
  }
}

function isKey (entry: ListEntry): entry is KeyEntry {
  return entry.kind !== 'pattern'
}

function sourceOf ({ line }: ListEntry, list: string | undefined): RevocationSource {
  return line === undefined || list === undefined ? {} : { list, line }
}
