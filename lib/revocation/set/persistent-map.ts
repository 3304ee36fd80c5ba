/**
 * An immutable map. A changed copy costs only as much as the changes.
 *
 * The entries are spread over many small maps, its shards. A copy shares the shards that an edit does not touch. So one
 * change among a hundred thousand entries does not copy all of them.
 */

/** Average entries of a shard, until there are `MOST_SHARDS`. */
const ENTRIES_A_SHARD = 64
const MOST_SHARDS = 4096

type Shards<V> = ReadonlyArray<ReadonlyMap<string, V>>

export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  readonly size: number
  /** Their number is a power of two. */
  readonly #shards: Shards<V>

  private constructor (shards: Shards<V>, size: number) {
    this.#shards = shards
    this.size = size
  }

  static empty<V> (): PersistentMap<V> {
    return new PersistentMap<V>([new Map()], 0)
  }

  get (key: string): V | undefined {
    return this.#shards[shardOf(key, this.#shards.length)]?.get(key)
  }

  has (key: string): boolean {
    return this.#shards[shardOf(key, this.#shards.length)]?.has(key) === true
  }

  * [Symbol.iterator] (): Generator<readonly [string, V]> {
    for (const shard of this.#shards) yield * shard
  }

  * keys (): Generator<string> {
    for (const shard of this.#shards) yield * shard.keys()
  }

  * values (): Generator<V> {
    for (const shard of this.#shards) yield * shard.values()
  }

  /** Whether another map has the same keys with the same values. Shared shards are not compared. */
  isSameAs (other: PersistentMap<V>, isSame: (a: V, b: V) => boolean): boolean {
    if (other.size !== this.size) return false
    const isAlike = other.#shards.length === this.#shards.length
    return this.#shards.every((shard, index) => (isAlike && shard === other.#shards[index]) || [...shard].every(([key, value]) => {
      const their = other.get(key)
      return their !== undefined && isSame(value, their)
    }))
  }

  /** The keys that another map lacks. */
  * notIn<W> (other: PersistentMap<W>): Generator<string> {
    for (const key of this.unshared(other)) if (!other.has(key)) yield key
  }

  /** The keys that are not in a shard that both maps share. The other map may still have them. */
  * unshared<W> (other: PersistentMap<W>): Generator<string> {
    const isAlike = other.#shards.length === this.#shards.length
    for (let index = 0; index < this.#shards.length; index++) {
      const shard = this.#shards[index] as ReadonlyMap<string, unknown>
      if (isAlike && shard === other.#shards[index]) continue
      yield * shard.keys()
    }
  }

  edit (): MapEdit<V> {
    return new MapEdit(this.#shards, this.size, (shards, size) => new PersistentMap(shards, size))
  }
}

/** Changes, from which another map is made. */
export class MapEdit<V> {
  readonly #make: (shards: Shards<V>, size: number) => PersistentMap<V>
  #shards: Array<ReadonlyMap<string, V>>
  /** 1 for each shard that this edit has created and may therefore change. */
  #own: Uint8Array
  #size: number

  /** @internal */
  constructor (shards: Shards<V>, size: number, make: (shards: Shards<V>, size: number) => PersistentMap<V>) {
    this.#shards = [...shards]
    this.#own = new Uint8Array(shards.length)
    this.#size = size
    this.#make = make
  }

  get size (): number {
    return this.#size
  }

  get (key: string): V | undefined {
    return this.#shards[shardOf(key, this.#shards.length)]?.get(key)
  }

  set (key: string, value: V): void {
    const shard = this.#ownShard(key)
    const before = shard.size
    shard.set(key, value)
    this.#size += shard.size - before
    this.#spreadIfFull()
  }

  /** Sets a value unless there is one, which is returned. */
  add (key: string, value: V): V | undefined {
    const shard = this.#ownShard(key)
    const before = shard.get(key)
    if (before !== undefined) return before
    shard.set(key, value)
    this.#size++
    this.#spreadIfFull()
    return undefined
  }

  #spreadIfFull (): void {
    if (this.#size > this.#shards.length * ENTRIES_A_SHARD && this.#shards.length < MOST_SHARDS) this.#spread()
  }

  delete (key: string): void {
    if (this.get(key) !== undefined && this.#ownShard(key).delete(key)) this.#size--
  }

  /** The changed map. Ends the edit. */
  finish (): PersistentMap<V> {
    return this.#make(this.#shards, this.#size)
  }

  #ownShard (key: string): Map<string, V> {
    const index = shardOf(key, this.#shards.length)
    const shard = this.#shards[index] as Map<string, V>
    if (this.#own[index] === 1) return shard
    const copy = new Map(shard)
    this.#own[index] = 1
    this.#shards[index] = copy
    return copy
  }

  /** Happens at most twice in the life of a map, and with few entries. */
  #spread (): void {
    const count = this.#shards.length * ENTRIES_A_SHARD
    const shards = Array.from({ length: count }, () => new Map<string, V>())
    for (const shard of this.#shards) {
      for (const [key, value] of shard) (shards[shardOf(key, count)] as Map<string, V>).set(key, value)
    }
    this.#shards = shards
    this.#own = new Uint8Array(count).fill(1)
  }
}

/** FNV-1a. Keys that are chosen to fall into one shard make it large, but a large map is no slower. */
function shardOf (key: string, count: number): number {
  if (count === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash ^ hash >>> 16) & (count - 1)
}
