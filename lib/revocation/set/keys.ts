/**
 * Revocations by key, each with every line and file that states it.
 *
 * Keys are immutable. An edit makes others of them, at a cost that depends on the number of changes. A key is revoked while
 * anything states it, and its origin is the first line or file that does. A key that nothing states any more may be
 * retained for a while, with its last origin.
 */
import { originPlace } from './origin.js'
import type { CertificateIdentity, RevocationOrigin } from '../../../types/revocation.js'
import type { Key } from './key-table.js'
import { type MapEdit, PersistentMap } from './persistent-map.js'

type KeyKind = keyof CertificateIdentity

const KINDS = ['tbs', 'serial', 'spki'] as const

export interface RevocationEntry extends Key {
  readonly source: RevocationOrigin
}

/** What states one key: nearly always one line or file, otherwise several, by `placeKey`. */
type Origins = RevocationOrigin | ReadonlyMap<string, RevocationOrigin> | RetainedKey

/** A key that nothing states any more, with its last origin. */
interface RetainedKey {
  readonly lastOrigin: RevocationOrigin
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

  /** The number of keys. */
  get size (): number {
    return this.tbs.size + this.serial.size + this.spki.size
  }

  /**
   * The first origin of a key. It is only searched for here, since nearly all clients are good.
   *
   * @param others more origins of the key (none)
   */
  find (kind: KeyKind, value: string, others: readonly RevocationOrigin[] = []): RevocationOrigin | undefined {
    const origins = this[kind].get(value)
    if (others.length === 0) return origins === undefined ? undefined : firstOrigin(origins)
    const own = origins === undefined || isRetained(origins) ? [] : [firstOrigin(origins)]
    return [...own, ...others].reduce((first, origin) => isBefore(origin, first) ? origin : first)
  }

  hasKey ({ kind, value }: Key): boolean {
    return this[kind].has(value)
  }

  * allKeys (): Generator<Key> {
    yield * this.unshared(RevocationKeys.none)
  }

  /** All keys except those whose memory both share. The others may still have them. */
  * unshared (other: RevocationKeys): Generator<Key> {
    for (const kind of KINDS) for (const value of this[kind].unshared(other[kind])) yield { kind, value }
  }

  /** Whether others are the same keys, from the same lines and files. */
  isSameAs (other: RevocationKeys): boolean {
    return KINDS.every((kind) => this[kind].isSameAs(other[kind], isSameOrigins))
  }

  /** These keys and others. */
  with (entries: Iterable<RevocationEntry>): RevocationKeys {
    const edit = this.edit()
    for (const entry of entries) edit.add(entry)
    return edit.finish()
  }

  edit (): KeysEdit {
    return new KeysEdit(this)
  }
}

/** Changes, from which other keys are made. */
export class KeysEdit {
  readonly #edits: Record<KeyKind, MapEdit<Origins>>
  /** The maps that this edit has made, and may change. */
  readonly #own = new Set<Origins>()
  #hasDeleted = false

  /** @internal */
  constructor ({ tbs, serial, spki }: RevocationKeys) {
    this.#edits = { tbs: tbs.edit(), serial: serial.edit(), spki: spki.edit() }
  }

  /** Whether a key was removed, even if it was added again. */
  get hasDeleted (): boolean {
    return this.#hasDeleted
  }

  add ({ kind, value, source }: RevocationEntry): void {
    const before = this.#edits[kind].add(value, source)
    if (before === undefined) return
    if (isRetained(before)) this.#edits[kind].set(value, source)
    // A file may contain a certificate twice.
    else if (isSeveral(before) || placeKey(before) !== placeKey(source)) this.#ownMap(kind, value, before).set(placeKey(source), source)
  }

  /**
   * Removes one origin of a key.
   *
   * @param stays whether a key without another origin is retained, until `release` or `add`
   */
  remove ({ kind, value, source }: RevocationEntry, stays = false): void {
    const before = this.#edits[kind].get(value)
    if (before === undefined || isRetained(before)) return
    if (isSeveral(before)) {
      const origins = this.#ownMap(kind, value, before)
      origins.delete(placeKey(source))
      const [last] = origins.values()
      // There are always at least two, so one is left.
      if (origins.size === 1 && last !== undefined) this.#edits[kind].set(value, last)
    } else if (placeKey(before) === placeKey(source)) {
      if (stays) this.#edits[kind].set(value, { lastOrigin: source })
      else this.#delete(kind, value)
    }
  }

  /** Retains a key that nothing states, until `release` or `add`. */
  retain (kind: KeyKind, value: string, source: RevocationOrigin): void {
    this.#edits[kind].add(value, { lastOrigin: source })
  }

  /** Removes a retained key whose last origin was a file. */
  release (kind: KeyKind, value: string, file: string): void {
    const origins = this.#edits[kind].get(value)
    if (origins !== undefined && isRetained(origins) && origins.lastOrigin.file === file) this.#delete(kind, value)
  }

  /** The changed keys. Ends the edit. */
  finish (): RevocationKeys {
    const { tbs, serial, spki } = this.#edits
    return new RevocationKeys(tbs.finish(), serial.finish(), spki.finish())
  }

  #delete (kind: KeyKind, value: string): void {
    this.#edits[kind].delete(value)
    this.#hasDeleted = true
  }

  #ownMap (kind: KeyKind, value: string, before: Exclude<Origins, RetainedKey>): Map<string, RevocationOrigin> {
    if (this.#own.has(before)) return before as Map<string, RevocationOrigin>
    const origins = isSeveral(before) ? new Map(before) : new Map([[placeKey(before), before]])
    this.#own.add(origins)
    this.#edits[kind].set(value, origins)
    return origins
  }
}

function isRetained (origins: Origins): origins is RetainedKey {
  return 'lastOrigin' in origins
}

function isSeveral (origins: Origins): origins is ReadonlyMap<string, RevocationOrigin> {
  return origins instanceof Map
}

function placeKey (origin: RevocationOrigin): string {
  return `${origin.line}:${originPlace(origin)}`
}

/** Lines of the list come first, in their order; files of one line are in the order of their names. */
function isBefore (a: RevocationOrigin, b: RevocationOrigin): boolean {
  const [line, other] = [a.line ?? Infinity, b.line ?? Infinity]
  return line === other ? originPlace(a) < originPlace(b) : line < other
}

function firstOrigin (origins: Origins): RevocationOrigin {
  if (isRetained(origins)) return origins.lastOrigin
  if (!isSeveral(origins)) return origins
  let first: RevocationOrigin | undefined
  for (const origin of origins.values()) if (first === undefined || isBefore(origin, first)) first = origin
  return first as RevocationOrigin
}

/** Whether two keys have the same origins. A retained key counts as one with its last origin. */
export function isSameOrigins (a: Origins, b: Origins): boolean {
  if (a === b) return true
  if (isSeveral(a)) return isSeveral(b) && a.size === b.size && [...a.keys()].every((place) => b.has(place))
  return !isSeveral(b) && isSameOrigin(firstOrigin(a), firstOrigin(b))
}

/** Whether two origins are the same line and place. */
export function isSameOrigin (a: RevocationOrigin, b: RevocationOrigin): boolean {
  return a === b || (a.line === b.line && originPlace(a) === originPlace(b) && a.list === b.list)
}
