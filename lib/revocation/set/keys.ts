/**
 * What is revoked by a key of its own, and what says so, of each key by as many lines and files as do.
 *
 * Keys never change; other ones are made of them by an edit, which costs what it changes. A key stays as
 * long as anything names it, and the first that does, in the order of the list, is given as its source. One
 * that nothing names any more may be held for a while: then that which named it last is.
 */
import { Slices } from '../../turns.js'
import { placeOf } from './origin.js'
import type { CertificateIdentity, RevocationOrigin } from '../../../types/revocation.js'
import { type MapEdit, PersistentMap } from './persistent-map.js'

type KeyKind = keyof CertificateIdentity

export interface RevocationEntry {
  readonly kind: KeyKind
  /** As `identifyCertificate` writes it. */
  readonly value: string
  readonly source: RevocationOrigin
}

/** What names one key: one line or file, as nearly always, or several of them by line and place. */
type Origins = RevocationOrigin | ReadonlyMap<string, RevocationOrigin> | Held

/** A key that nothing names any more, with what named it last. */
interface Held {
  readonly held: RevocationOrigin
}

export class RevocationKeys {
  static readonly none = new RevocationKeys(PersistentMap.empty(), PersistentMap.empty(), PersistentMap.empty())

  readonly tbs: PersistentMap<Origins>
  readonly serial: PersistentMap<Origins>
  readonly spki: PersistentMap<Origins>

  constructor (tbs: PersistentMap<Origins>, serial: PersistentMap<Origins>, spki: PersistentMap<Origins>) {
    this.tbs = tbs
    this.serial = serial
    this.spki = spki
  }

  /** How many keys there are. */
  get size (): number {
    return this.tbs.size + this.serial.size + this.spki.size
  }

  /** The first of what names a key. It is looked for only here, since nearly all clients are good. */
  find (kind: KeyKind, value: string): RevocationOrigin | undefined {
    const origins = this[kind].get(value)
    return origins === undefined ? undefined : firstOrigin(origins)
  }

  /** Whether the others are the same, and from the same lines and files. */
  isSameAs (other: RevocationKeys): boolean {
    return (['tbs', 'serial', 'spki'] as const).every((kind) => this[kind].isSameAs(other[kind], isSameOrigins))
  }

  /** These and others. */
  with (entries: Iterable<RevocationEntry>): RevocationKeys {
    const edit = this.edit()
    for (const entry of entries) edit.add(entry)
    return edit.done()
  }

  /** The same, however many others there are: everybody else has their turn in between. */
  async withMany (entries: Iterable<RevocationEntry>): Promise<RevocationKeys> {
    const edit = this.edit()
    const slices = new Slices()
    for (const entry of entries) {
      edit.add(entry)
      if (slices.over) await slices.next()
    }
    return edit.done()
  }

  edit (): KeysEdit {
    return new KeysEdit(this)
  }
}

/** Changes to keys that stay as they are. */
export class KeysEdit {
  readonly #edits: Record<KeyKind, MapEdit<Origins>>
  /** The maps that this edit has made, and so may change. */
  readonly #own = new Set<Origins>()
  #hasDeleted = false

  /** @internal */
  constructor ({ tbs, serial, spki }: RevocationKeys) {
    this.#edits = { tbs: tbs.edit(), serial: serial.edit(), spki: spki.edit() }
  }

  /** Whether a key is gone, or was for a while. */
  get hasDeleted (): boolean {
    return this.#hasDeleted
  }

  add ({ kind, value, source }: RevocationEntry): void {
    const before = this.#edits[kind].add(value, source)
    if (before === undefined) return
    if (isHeld(before)) this.#edits[kind].set(value, source)
    // A file may hold a certificate twice.
    else if (isSeveral(before) || placeKey(before) !== placeKey(source)) this.#ownMap(kind, value, before).set(placeKey(source), source)
  }

  /**
   * Takes back what was added for a source.
   *
   * @param stays whether the key is held where nothing else names it, until `drop` or `add`
   */
  remove ({ kind, value, source }: RevocationEntry, stays = false): void {
    const before = this.#edits[kind].get(value)
    if (before === undefined || isHeld(before)) return
    if (isSeveral(before)) {
      const origins = this.#ownMap(kind, value, before)
      origins.delete(placeKey(source))
      const [last] = origins.values()
      // There are always two at least, so that one of them is left.
      if (origins.size === 1 && last !== undefined) this.#edits[kind].set(value, last)
    } else if (placeKey(before) === placeKey(source)) {
      if (stays) this.#edits[kind].set(value, { held: source })
      else this.#delete(kind, value)
    }
  }

  /** Holds a key that nothing names, until `drop` or `add`. */
  hold (kind: KeyKind, value: string, source: RevocationOrigin): void {
    this.#edits[kind].add(value, { held: source })
  }

  /** Takes away a key that is held, if it was a file that named it last. */
  drop (kind: KeyKind, value: string, file: string): void {
    const origins = this.#edits[kind].get(value)
    if (origins !== undefined && isHeld(origins) && origins.held.file === file) this.#delete(kind, value)
  }

  /** The keys as they are now. The edit is over. */
  done (): RevocationKeys {
    const { tbs, serial, spki } = this.#edits
    return new RevocationKeys(tbs.done(), serial.done(), spki.done())
  }

  #delete (kind: KeyKind, value: string): void {
    this.#edits[kind].delete(value)
    this.#hasDeleted = true
  }

  #ownMap (kind: KeyKind, value: string, before: Exclude<Origins, Held>): Map<string, RevocationOrigin> {
    if (this.#own.has(before)) return before as Map<string, RevocationOrigin>
    const origins = isSeveral(before) ? new Map(before) : new Map([[placeKey(before), before]])
    this.#own.add(origins)
    this.#edits[kind].set(value, origins)
    return origins
  }
}

function isHeld (origins: Origins): origins is Held {
  return 'held' in origins
}

function isSeveral (origins: Origins): origins is ReadonlyMap<string, RevocationOrigin> {
  return origins instanceof Map
}

function placeKey (origin: RevocationOrigin): string {
  return `${origin.line}:${placeOf(origin)}`
}

/** The lines of the list in their order, then what stands in no list; the files of a line by their names. */
function isBefore (a: RevocationOrigin, b: RevocationOrigin): boolean {
  const [line, other] = [a.line ?? Infinity, b.line ?? Infinity]
  return line === other ? placeOf(a) < placeOf(b) : line < other
}

function firstOrigin (origins: Origins): RevocationOrigin {
  if (isHeld(origins)) return origins.held
  if (!isSeveral(origins)) return origins
  return [...origins.values()].reduce((first, other) => isBefore(other, first) ? other : first)
}

/** Whether two keys are named by the same. That nothing names one of them any more is no news. */
function isSameOrigins (a: Origins, b: Origins): boolean {
  if (a === b) return true
  if (isSeveral(a)) return isSeveral(b) && a.size === b.size && [...a.keys()].every((place) => b.has(place))
  return !isSeveral(b) && isSameOrigin(firstOrigin(a), firstOrigin(b))
}

function isSameOrigin (a: RevocationOrigin, b: RevocationOrigin): boolean {
  return a === b || (a.line === b.line && placeOf(a) === placeOf(b) && a.list === b.list)
}
