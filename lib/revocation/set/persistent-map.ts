/**
 * A map that never changes, and another one made of it with a few changes for the price of these.
 *
 * Its entries lie in many small maps, and what an edit does not touch is the same map before and after. So
 * a hundred thousand entries need not be gone over because one of them has changed, and who holds the old
 * map has it as it was.
 */

/** So many entries to a small map, until there are as many small maps as there may be. */
const ENTRIES_A_SHARD = 64
const MOST_SHARDS = 4096

export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  readonly size: number
  /** As many as a power of two. */
  readonly #shards: ReadonlyArray<ReadonlyMap<string, V>>

  private constructor (shards: ReadonlyArray<ReadonlyMap<string, V>>, size: number) {
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

  /** Whether another one has the same keys with the same values. What they share is not looked at. */
  isSameAs (other: PersistentMap<V>, isSame: (a: V, b: V) => boolean): boolean {
    if (other.size !== this.size) return false
    const isAlike = other.#shards.length === this.#shards.length
    return this.#shards.every((shard, index) => (isAlike && shard === other.#shards[index]) || [...shard].every(([key, value]) => {
      const their = other.get(key)
      return their !== undefined && isSame(value, their)
    }))
  }

  edit (): MapEdit<V> {
    return new MapEdit(this.#shards, this.size, (shards, size) => new PersistentMap(shards, size))
  }
}

/** Changes to a map that stays as it is. */
export class MapEdit<V> {
  readonly #make: (shards: ReadonlyArray<ReadonlyMap<string, V>>, size: number) => PersistentMap<V>
  #shards: Array<ReadonlyMap<string, V>>
  /** Which of them are nobody else's. */
  #own: Uint8Array
  #size: number

  /** @internal */
  constructor (shards: ReadonlyArray<ReadonlyMap<string, V>>, size: number, make: (shards: ReadonlyArray<ReadonlyMap<string, V>>, size: number) => PersistentMap<V>) {
    this.#shards = [...shards]
    this.#own = new Uint8Array(shards.length)
    this.#size = size
    this.#make = make
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

  /** Sets it unless it is set; gives what it is set to then. */
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

  /** The map as it is now. The edit is over. */
  done (): PersistentMap<V> {
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

  /** Done three times in the life of a map at the most, and of few entries. */
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

/** FNV-1a. Who chooses keys that meet in one small map makes it a large one, and no slower than any. */
function shardOf (key: string, count: number): number {
  if (count === 1) return 0
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193)
  return (hash ^ hash >>> 16) & (count - 1)
}
