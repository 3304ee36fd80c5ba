/**
 * All keys of a set: those of the list and its files, and those of each source. They stay in tables of their own, so that a
 * change of one source costs as much as the change.
 */
import { Slices } from '../../turns.js'
import type { CertificateIdentity, RevocationOrigin } from '../../../types/revocation.js'
import { type Key, KeyTable } from './key-table.js'
import { isSameOrigin, RevocationKeys } from './keys.js'

type KeyKind = keyof CertificateIdentity

/** The keys of one source. */
export interface SourcedKeys {
  readonly table: KeyTable
  readonly source: RevocationOrigin
}

/** What holds keys. */
type Layer = RevocationKeys | KeyTable

export class SetKeys {
  static readonly none = new SetKeys(RevocationKeys.none, [], 0)

  /** The number of keys. One that is stated twice counts once. */
  readonly size: number
  /** Those of the list and its files. */
  readonly list: RevocationKeys
  readonly #sourced: readonly SourcedKeys[]
  readonly #kinds: Readonly<Record<KeyKind, readonly SourcedKeys[]>>

  private constructor (list: RevocationKeys, sourced: readonly SourcedKeys[], size: number) {
    this.size = size
    this.list = list
    this.#sourced = sourced
    const having = (kind: KeyKind): SourcedKeys[] => sourced.filter(({ table }) => table.mayHave(kind))
    this.#kinds = { tbs: having('tbs'), serial: having('serial'), spki: having('spki') }
  }

  static ofList (list: RevocationKeys): SetKeys {
    return new SetKeys(list, [], list.size)
  }

  /**
   * Without blocking the event loop.
   *
   * @param before similar keys, from which the number is computed
   */
  static async of (list: RevocationKeys, sourced: readonly SourcedKeys[], before: SetKeys): Promise<SetKeys> {
    return new SetKeys(list, sourced, await count(list, sourced.map(({ table }) => table), before))
  }

  /** Those of the sources. */
  get tables (): KeyTable[] {
    return this.#sourced.map(({ table }) => table)
  }

  /** Whether there may be keys of a kind. */
  mayHave (kind: KeyKind): boolean {
    return this.list[kind].size > 0 || this.#kinds[kind].length > 0
  }

  /** The first origin of a key. */
  find (kind: KeyKind, value: string): RevocationOrigin | undefined {
    const sources: RevocationOrigin[] = []
    for (const { table, source } of this.#kinds[kind]) if (table.has(kind, value)) sources.push(source)
    return this.list.find(kind, value, sources)
  }

  /** Whether others are the same keys, from the same lines, files and sources. */
  isSameAs (other: SetKeys): boolean {
    return this.size === other.size && this.#sourced.length === other.#sourced.length &&
      this.#sourced.every(({ table, source }, index) => {
        const their = other.#sourced[index]
        return their !== undefined && isSameOrigin(source, their.source) && table.isSameAs(their.table)
      }) && this.list.isSameAs(other.list)
  }
}

/** Replaces the parts of `before` one by one, and counts the keys that no other part has. */
async function count (list: RevocationKeys, tables: readonly KeyTable[], before: SetKeys): Promise<number> {
  const now: Layer[] = [before.list, ...before.tables]
  const next: Layer[] = [list, ...tables]
  let { size } = before
  for (let index = 0; index < Math.max(now.length, next.length); index++) {
    const others = [...next.slice(0, index), ...now.slice(index + 1)].filter((layer) => layer.size > 0)
    const [old, other] = [now[index] ?? KeyTable.empty, next[index] ?? KeyTable.empty]
    if (others.length === 0) size = other.size
    else size += await countAlone(other, old, others) - await countAlone(old, other, others)
  }
  return size
}

/** How many keys of a part are neither in its former or later state nor in the others. */
async function countAlone (part: Layer, without: Layer, others: readonly Layer[]): Promise<number> {
  if (part === without) return 0
  if (without.size === 0 && others.reduce((sum, { size }) => sum + size, 0) < part.size) {
    return part.size - await countKeys(others.flatMap((layer, index) => {
      return [{ keys: layer.allKeys(), counts: (key) => part.hasKey(key) && !others.slice(0, index).some((other) => other.hasKey(key)) }]
    }))
  }
  const counts = (key: Key): boolean => !without.hasKey(key) && !others.some((layer) => layer.hasKey(key))
  return await countKeys([{ keys: keysNotIn(part, without), counts }])
}

/**
 * At least the keys that another part lacks, and undefined from time to time, so that the caller can pause. The list replaces only
 * the list, and a table only a table.
 */
function keysNotIn (part: Layer, other: Layer): Iterable<Key | undefined> {
  return part instanceof KeyTable ? part.notIn(other as KeyTable) : part.unshared(other as RevocationKeys)
}

async function countKeys (parts: ReadonlyArray<{ keys: Iterable<Key | undefined>, counts: (key: Key) => boolean }>): Promise<number> {
  const slices = new Slices()
  let found = 0
  for (const { keys, counts } of parts) {
    for (const key of keys) {
      if (key !== undefined && counts(key)) found++
      if (slices.over) await slices.next()
    }
  }
  return found
}
