/**
 * The keys that one source states: an immutable set. A changed copy costs only as much as the changes.
 *
 * Nearly all keys are SHA-256 digests, so these are held without text.
 */
import { Slices } from '../../turns.js'
import type { CertificateIdentity } from '../../../types/revocation.js'
import { type DigestEdit, DigestTable } from './digest-table.js'
import { type MapEdit, PersistentMap } from './persistent-map.js'

type KeyKind = keyof CertificateIdentity

export interface Key {
  readonly kind: KeyKind
  /** In the form of `identifyCertificate`. */
  readonly value: string
}

/** How much more than expected there may be of a kind, without another piece of memory. */
const SLACK = 1.02
const TBS = 'tbs:'
const SPKI = 'spki:'

export class KeyTable implements Iterable<string> {
  static readonly empty = new KeyTable(DigestTable.empty, DigestTable.empty, PersistentMap.empty())

  readonly #tbs: DigestTable
  readonly #spki: DigestTable
  /** Serial numbers. */
  readonly #texts: PersistentMap<true>

  /** @internal */
  constructor (tbs: DigestTable, spki: DigestTable, texts: PersistentMap<true>) {
    this.#tbs = tbs
    this.#spki = spki
    this.#texts = texts
  }

  /** The keys, each once, without blocking the event loop. */
  static async of (keys: Iterable<Key>, expected?: number): Promise<KeyTable> {
    const edit = KeyTable.empty.edit(expected)
    const slices = new Slices()
    for (const key of keys) {
      edit.add(key)
      if (slices.over) await slices.next()
    }
    return edit.finish()
  }

  get size (): number {
    return this.#tbs.size + this.#spki.size + this.#texts.size
  }

  /** Whether there may be keys of a kind. */
  mayHave (kind: KeyKind): boolean {
    return this.#texts.size > 0 || (kind === 'tbs' ? this.#tbs.size > 0 : kind === 'spki' && this.#spki.size > 0)
  }

  hasKey ({ kind, value }: Key): boolean {
    return this.has(kind, value)
  }

  has (kind: KeyKind, value: string): boolean {
    if (kind !== 'serial' && (kind === 'tbs' ? this.#tbs : this.#spki).has(value)) return true
    return this.#texts.size > 0 && this.#texts.has(textOf({ kind, value }))
  }

  /** The keys as lines of a list. */
  * [Symbol.iterator] (): Generator<string> {
    for (const key of this.allKeys()) yield textOf(key)
  }

  * allKeys (): Generator<Key> {
    for (const value of this.#tbs) yield { kind: 'tbs', value }
    for (const value of this.#spki) yield { kind: 'spki', value }
    for (const text of this.#texts.keys()) yield keyOf(text)
  }

  isSameAs (other: KeyTable): boolean {
    return this === other || (
      this.#tbs.isSameAs(other.#tbs) && this.#spki.isSameAs(other.#spki) && this.#texts.isSameAs(other.#texts, () => true)
    )
  }

  /**
   * The keys that another table lacks. What both share is not compared.
   *
   * @returns also undefined, from time to time, so that the caller can pause
   */
  * notIn (other: KeyTable): Generator<Key | undefined> {
    if (this === other) return
    for (const value of this.#tbs.notIn(other.#tbs)) yield value === undefined ? undefined : { kind: 'tbs', value }
    for (const value of this.#spki.notIn(other.#spki)) yield value === undefined ? undefined : { kind: 'spki', value }
    for (const text of this.#texts.notIn(other.#texts)) yield keyOf(text)
  }

  /** The same keys, sharing memory with another table if they are nearly the same. */
  async sharing (other: KeyTable): Promise<KeyTable> {
    return new KeyTable(await this.#tbs.sharing(other.#tbs), await this.#spki.sharing(other.#spki), this.#texts)
  }

  /** The same keys, without memory for removed ones, if these are many. */
  async compact (): Promise<KeyTable> {
    const [tbs, spki] = [await this.#tbs.compact(), await this.#spki.compact()]
    return tbs === this.#tbs && spki === this.#spki ? this : new KeyTable(tbs, spki, this.#texts)
  }

  /** @param expected how many keys there will be, about (as many as there are) */
  edit (expected = 0): KeyTableEdit {
    // Of the kinds that come first, as many will come later.
    const share = (kind: DigestEdit): number => Math.ceil(Math.max(kind.size, expected * kind.size / edit.size * SLACK))
    const tbs: DigestEdit = this.#tbs.edit(() => share(tbs))
    const spki: DigestEdit = this.#spki.edit(() => share(spki))
    const edit = new KeyTableEdit(tbs, spki, this.#texts.edit())
    return edit
  }
}

/** Changes, from which another table is made. */
export class KeyTableEdit {
  readonly #tbs: DigestEdit
  readonly #spki: DigestEdit
  readonly #texts: MapEdit<true>

  /** @internal */
  constructor (tbs: DigestEdit, spki: DigestEdit, texts: MapEdit<true>) {
    this.#tbs = tbs
    this.#spki = spki
    this.#texts = texts
  }

  get size (): number {
    return this.#tbs.size + this.#spki.size + this.#texts.size
  }

  /** @returns whether it was not there */
  add (key: Key): boolean {
    return this.#digests(key.kind)?.add(key.value) ?? this.#texts.add(textOf(key), true) === undefined
  }

  /** The same for a digest as a line of a list, without taking it apart. @returns undefined if it is none */
  addLine (line: string): boolean | undefined {
    if (line.startsWith(TBS)) return this.#tbs.add(line, TBS.length)
    return line.startsWith(SPKI) ? this.#spki.add(line, SPKI.length) : undefined
  }

  /** @returns whether it was there; undefined if it is no digest */
  deleteLine (line: string): boolean | undefined {
    if (line.startsWith(TBS)) return this.#tbs.delete(line, TBS.length)
    return line.startsWith(SPKI) ? this.#spki.delete(line, SPKI.length) : undefined
  }

  /** @returns whether it was there */
  delete (key: Key): boolean {
    const wasThere = this.#digests(key.kind)?.delete(key.value)
    if (wasThere !== undefined) return wasThere
    const { size } = this.#texts
    this.#texts.delete(textOf(key))
    return this.#texts.size < size
  }

  /** The changed table. Ends the edit. */
  finish (): KeyTable {
    return new KeyTable(this.#tbs.finish(), this.#spki.finish(), this.#texts.finish())
  }

  #digests (kind: KeyKind): DigestEdit | undefined {
    return kind === 'serial' ? undefined : kind === 'tbs' ? this.#tbs : this.#spki
  }
}

/** A key as a line of a list. */
export function textOf ({ kind, value }: Key): string {
  return `${kind}:${value}`
}

/** @param text as `textOf` gives it */
export function keyOf (text: string): Key {
  const colon = text.indexOf(':')
  return { kind: text.slice(0, colon) as KeyKind, value: text.slice(colon + 1) }
}
