/**
 * What stands in Redis: for the set NAME
 *
 *     NAME           a set: what is revoked, one entry a member
 *     NAME:state     a hash: the marker. `version` grows with each change, `count` is how many members the
 *                    set has if nobody but the writer has touched it, `accepted` is the version at which
 *                    somebody said last that the set is complete as it stands
 *     NAME:removed   a sorted set: what was removed from the set on purpose, with the version of that
 *     NAME:changes   a channel: that there is a new version
 *
 * Versions are milliseconds since 1970 by the clock of Redis, or one more than the last if that is not
 * more: so that they grow on, too, where a replica took over that had not seen the last of them.
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

/** The marker, and what it is held against. */
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

/** A number as Redis holds it; NaN for everything else, and for nothing. */
export function readNumber (value: unknown): number {
  return typeof value === 'string' && /^[0-9]{1,16}$/.test(value) ? Number(value) : typeof value === 'number' ? value : NaN
}
