/**
 * The keys in Redis for the set NAME:
 *
 *     NAME           a set: what is revoked, one entry a member
 *     NAME:state     a hash: the marker. `version` grows with each change. `count` is the number of members, if only
 *                    the writer has changed the set. `accepted` is the version at which an operator last accepted the set
 *                    as complete. `digest` is that of the members at the version `digestVersion`: see digest.ts. `log`
 *                    is the last id in the log, `logged` the bytes of members that were ever written into it
 *     NAME:removed   a sorted set: intended removals, with the version of each
 *     NAME:log       a stream: the last changes. Each has `logged` before it; `from` and `to`, the versions before and after
 *                    it; `count` of the marker, `size` of the set and `digest` after it; and as the last field `add` or
 *                    `remove`, with the members in lines, `accept`, or `whole` if they are too long
 *     NAME:changes   a channel: announces a new version
 *
 * A version is the time in milliseconds since 1970 by the clock of Redis, or the last version plus one if that is
 * greater. So versions grow even if a replica takes over that had not received the last ones.
 */

export interface RedisKeys {
  readonly set: string
  readonly state: string
  readonly removed: string
  readonly log: string
  readonly channel: string
}

export function redisKeys (key: string): RedisKeys {
  return { set: key, state: `${key}:state`, removed: `${key}:removed`, log: `${key}:log`, channel: `${key}:changes` }
}

/** The marker, and the size of the set that it is compared with. */
export interface RedisState {
  /** NaN without a marker. */
  readonly version: number
  readonly count: number
  readonly accepted: number
  /** Members of the set. */
  readonly size: number
  /** The last id in the log; empty without a log. */
  readonly log: string
}

export function isMarked ({ version, count, accepted }: RedisState): boolean {
  return Number.isSafeInteger(version) && Number.isSafeInteger(count) && Number.isSafeInteger(accepted)
}

export function sameState (one: RedisState, other: RedisState): boolean {
  return Object.is(one.version, other.version) && Object.is(one.count, other.count) &&
    Object.is(one.accepted, other.accepted) && one.size === other.size && one.log === other.log
}

/** A number from Redis; NaN for any other value, or none, or one that is not exact: no version would come after it. */
export function readNumber (value: unknown): number {
  const number = typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : value
  return Number.isSafeInteger(number) ? number as number : NaN
}
