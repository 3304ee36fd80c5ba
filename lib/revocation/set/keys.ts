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

export type KeyKind = keyof CertificateIdentity

export interface RevocationEntry {
  readonly kind: KeyKind
  /** As `identifyCertificate` writes it. */
  readonly value: string
  readonly source: RevocationOrigin
}

/** What names one key, where it is more than one line or file, or none any more. */
interface Several {
  /** That which stands before all others; what named it last, where nothing does. */
  first: RevocationOrigin
  /** By line and file. */
  readonly all: Map<string, RevocationOrigin>
}

type Sources = RevocationOrigin | Several

export class RevocationKeys {
  static readonly none = new RevocationKeys(PersistentMap.empty(), PersistentMap.empty(), PersistentMap.empty())

  readonly tbs: PersistentMap<Sources>
  readonly serial: PersistentMap<Sources>
  readonly spki: PersistentMap<Sources>

  constructor (tbs: PersistentMap<Sources>, serial: PersistentMap<Sources>, spki: PersistentMap<Sources>) {
    this.tbs = tbs
    this.serial = serial
    this.spki = spki
  }

  /** How many keys there are. */
  get size (): number {
    return this.tbs.size + this.serial.size + this.spki.size
  }

  find (kind: KeyKind, value: string): RevocationOrigin | undefined {
    const sources = this[kind].get(value)
    return sources === undefined ? undefined : firstOf(sources)
  }

  /** Whether the others are the same, and from the same lines and files. */
  isSameAs (other: RevocationKeys): boolean {
    return this.tbs.isSameAs(other.tbs, isSameSources) && this.serial.isSameAs(other.serial, isSameSources) && this.spki.isSameAs(other.spki, isSameSources)
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
  readonly #edits: Record<KeyKind, MapEdit<Sources>>
  /** Those that are nobody else's yet. */
  readonly #own = new Set<Several>()
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
    else this.#ownSeveral(kind, value, before).all.set(keyOf(source), source)
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
      const { all } = this.#ownSeveral(kind, value, before)
      all.delete(keyOf(source))
      const [last] = all.values()
      if (last !== undefined) {
        if (all.size === 1) this.#edits[kind].set(value, last)
        return
      }
    } else if (keyOf(before) !== keyOf(source)) {
      return
    }
    if (stays) this.#edits[kind].set(value, { first: source, all: NO_SOURCES })
    else this.#delete(kind, value)
  }

  /** Holds a key that nothing names, until `drop` or `add`. */
  hold (kind: KeyKind, value: string, source: RevocationOrigin): void {
    if (this.#edits[kind].get(value) === undefined) this.#edits[kind].set(value, { first: source, all: NO_SOURCES })
  }

  /** Takes away a key that is held, if it was a file that named it last. */
  drop (kind: KeyKind, value: string, file: string): void {
    const sources = this.#edits[kind].get(value)
    if (sources !== undefined && isHeld(sources) && sources.first.file === file) this.#delete(kind, value)
  }

  /** The keys as they are now. The edit is over. */
  done (): RevocationKeys {
    for (const several of this.#own) {
      let [first] = several.all.values()
      for (const source of several.all.values()) if (first === undefined || isBefore(source, first)) first = source
      if (first !== undefined) several.first = first
    }
    const { tbs, serial, spki } = this.#edits
    return new RevocationKeys(tbs.done(), serial.done(), spki.done())
  }

  #delete (kind: KeyKind, value: string): void {
    this.#edits[kind].delete(value)
    this.#hasDeleted = true
  }

  #ownSeveral (kind: KeyKind, value: string, before: Sources): Several {
    if (isSeveral(before) && this.#own.has(before)) return before
    const several = isSeveral(before)
      ? { first: before.first, all: new Map(before.all) }
      : { first: before, all: new Map([[keyOf(before), before]]) }
    this.#own.add(several)
    this.#edits[kind].set(value, several)
    return several
  }
}

const NO_SOURCES: Map<string, RevocationOrigin> = new Map()

/** Whether nothing names it any more. */
function isHeld (sources: Sources): sources is Several {
  return isSeveral(sources) && sources.all.size === 0
}

function isSeveral (sources: Sources | undefined): sources is Several {
  return sources !== undefined && 'all' in sources
}

function keyOf (source: RevocationOrigin): string {
  return `${source.line}:${placeOf(source)}`
}

/** The lines of the list as they stand there, then what stands in no list; the files of a line by their names. */
function isBefore (a: RevocationOrigin, b: RevocationOrigin): boolean {
  const [line, other] = [a.line ?? Infinity, b.line ?? Infinity]
  return line === other ? placeOf(a) < placeOf(b) : line < other
}

function isSameSource (a: RevocationOrigin, b: RevocationOrigin): boolean {
  return a === b || (a.line === b.line && placeOf(a) === placeOf(b) && a.list === b.list)
}

function isSameSources (a: Sources, b: Sources): boolean {
  if (a === b) return true
  // That nothing names it any more is no news.
  if (countOf(a) === 1 || countOf(b) === 1) return countOf(a) === countOf(b) && isSameSource(firstOf(a), firstOf(b))
  return isSeveral(a) && isSeveral(b) && a.all.size === b.all.size && [...a.all.keys()].every((place) => b.all.has(place))
}

function firstOf (sources: Sources): RevocationOrigin {
  return isSeveral(sources) ? sources.first : sources
}

/** One that nothing names any more has what named it last. */
function countOf (sources: Sources): number {
  return isSeveral(sources) ? Math.max(sources.all.size, 1) : 1
}
