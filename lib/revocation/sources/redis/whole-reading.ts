/**
 * Reads a set in Redis in full, and compares it with what was known: what has disappeared unintentionally stays revoked.
 *
 * The set may change meanwhile. If its log can be followed, these changes are read from there.
 */
import { Slices } from '../../../turns.js'
import type { EndpointLog } from '../../../../types/log.js'
import type { RedisConnection } from './connection.js'
import { MembersDigest } from './digest.js'
import type { FollowedLog } from './followed-log.js'
import { isMarked, type RedisState, sameState } from './keys.js'
import { FIRST_ID, isAfter } from './log-entry.js'
import { Members } from './members.js'
import {
  applied, finished, NO_SURPLUS, type Place, problemsOf, type Reading, type ReadingOptions, seen, surplusOf, tooMany
} from './reading.js'

interface WholeReading extends ReadingOptions {
  readonly connection: RedisConnection
  /** The marker just before. */
  readonly state: RedisState
  /** What was known. */
  readonly before: Reading | undefined
  readonly log: Pick<EndpointLog, 'warn'> | undefined
}

/** Milliseconds after which an entry that the marker names would have arrived. */
const ARRIVAL = 2500

/**
 * A reading after the changes of the log, up to the last one that the marker names.
 *
 * @param state the marker
 * @param isExact as for `applied`
 * @returns undefined if the set must be read
 */
export async function catchUp (
  before: Reading, log: FollowedLog, state: RedisState, options: ReadingOptions, isExact = true
): Promise<Reading | undefined> {
  const end = state.log === '' ? FIRST_ID : state.log
  let reading = before
  // Another server may be older.
  if (reading.place === undefined || isAfter(reading.place.id, end)) return undefined
  for (;;) {
    const next = await applied(reading, log.take(), options, isExact)
    if (next?.place === undefined) return undefined
    reading = next
    if (!isAfter(end, next.place.id)) break
    if (!await log.arrive(ARRIVAL)) return undefined
  }
  return isExact && reading.place?.id === end && !sameState(reading.state, state) ? undefined : reading
}

/**
 * @throws FST_ENDPOINT_REDIS_UNAVAILABLE, FST_ENDPOINT_REDIS_TOO_LARGE; FST_ENDPOINT_REDIS_UNMARKED and
 *   FST_ENDPOINT_REDIS_LOST if nothing was known
 */
export async function readWhole (options: WholeReading): Promise<Reading> {
  const { connection, before, name } = options
  const { state, after, now, place } = await readMembers(options)
  const [problem] = [...problemsOf(name, state), ...problemsOf(name, after)]
  if (before === undefined) {
    if (problem !== undefined) throw problem
    return finished({ state, version: state.version, accepted: state.accepted, members: now, kept: new Set(), place }, options)
  }
  let members = before.isCopy === true ? now : await now.sharing(before.members)
  let kept: readonly string[] = []
  const gone = await missing(before, members)
  if (gone.length > 0 && problem === undefined && state.accepted > before.accepted) {
    options.log?.warn({}, `${name}: the set was accepted as complete, so ${gone.length} of its former entries no longer revoke`)
  } else if (gone.length > 0) {
    const removals = await connection.removals(gone)
    kept = gone.filter((_entry, index) => !((removals[index] ?? NaN) > before.version))
    // A client of Redis that keeps adding members and removing them must not fill the memory.
    if (members.size + kept.length > options.entries) throw tooMany(name, options.entries)
    const edit = members.edit(options.entries)
    const slices = new Slices()
    for (const member of kept) {
      await edit.add(member)
      if (slices.over) await slices.next()
    }
    members = await edit.finish()
  }
  return finished({ state, ...seen(before, state, problem === undefined), members, kept: new Set(kept), place }, options)
}

interface ReadMembers {
  /** The marker that holds for the members. */
  readonly state: RedisState
  /** The marker afterwards. */
  readonly after: RedisState
  readonly now: Members
  readonly place: Place | undefined
}

async function readMembers (options: WholeReading): Promise<ReadMembers> {
  const { connection, state } = options
  const { log } = connection
  const isLogged = isMarked(state) && log !== undefined
  const id = state.log === '' ? FIRST_ID : state.log
  if (isLogged) log.follow(id)
  const { members, digest } = await scan(options)
  const after = await connection.readState()
  // With the earlier marker, so that the next poll finds what was added since.
  const unlogged = { state, after, now: members, place: undefined }
  if (!isLogged || !isMarked(after)) return unlogged
  const place = { id, digest, surplus: NO_SURPLUS }
  const scanned = finished({ state, version: 0, accepted: 0, members, kept: new Set(), place }, options)
  const reading = await catchUp(scanned, log, after, options, false)
  if (reading?.place === undefined || !log.isUsable) return unlogged
  const { state: { version, size }, members: now } = reading
  // Another program has changed the set, or the log is not that of this set.
  if (now.size !== (reading.place.id === id || reading.place.id === after.log ? after.size : size)) return unlogged
  const surplus = log.last?.to === version ? surplusOf(reading.place.digest, log.last) : NO_SURPLUS
  return { state: { ...reading.state, size: now.size }, after, now, place: { ...reading.place, surplus } }
}

async function scan ({ connection, state, entries, name }: WholeReading): Promise<{ members: Members, digest: MembersDigest }> {
  if (state.size > entries) throw tooMany(name, entries)
  const edit = Members.none.edit(entries, state.size)
  const digest = new MembersDigest()
  const slices = new Slices()
  for await (const page of connection.members()) {
    for (const member of page) {
      if (edit.addKey(member) ?? await edit.add(member)) digest.add(member)
      if (slices.over) await slices.next()
    }
    if (edit.size > entries) throw tooMany(name, entries)
  }
  return { members: await edit.finish(), digest }
}

async function missing (before: Reading, now: Members): Promise<string[]> {
  const gone: string[] = []
  const slices = new Slices()
  for (const entry of before.members.notIn(now, before.isCopy)) {
    if (entry !== undefined) gone.push(entry)
    if (slices.over) await slices.next()
  }
  return gone
}
