/**
 * The keys in Redis for the set NAME:
 *
 *     NAME           a set: what is revoked, one entry a member
 *     NAME:state     a hash: the marker. `version` grows with each change. `count` is the number of members, if only
 *                    the writer has changed the set. `accepted` is the version at which somebody last accepted the set
 *                    as complete
 *     NAME:removed   a sorted set: intended removals, with the version of each
 *     NAME:changes   a channel: announces a new version
 *
 * A version is the time in milliseconds since 1970 by the clock of Redis, or the last version plus one if that is
 * greater. So versions grow even if a replica takes over that had not received the last ones.
 */

export interface RedisKeys {
  readonly set: string
  readonly state: string
  readonly removed: string
  readonly channel: string
}

export function redisKeys (key: string): RedisKeys {
  return { set: key, state: `${key}:state`, removed: `${key}:removed`, channel: `${key}:changes` }
}

/** The marker, and the size of the set that it is compared with. */
export interface RedisState {
  /** NaN without a marker. */
  readonly version: number
  readonly count: number
  readonly accepted: number
  /** Members of the set. */
  readonly size: number
}

export function isMarked ({ version, count, accepted }: RedisState): boolean {
  return Number.isSafeInteger(version) && Number.isSafeInteger(count) && Number.isSafeInteger(accepted)
}

export function sameState (one: RedisState, other: RedisState): boolean {
  return Object.is(one.version, other.version) && Object.is(one.count, other.count) &&
    Object.is(one.accepted, other.accepted) && one.size === other.size
}

/** A number from Redis; NaN for any other value, or none. */
export function readNumber (value: unknown): number {
  return typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : typeof value === 'number' ? value : NaN
}
