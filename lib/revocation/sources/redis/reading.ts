/**
 * A set in Redis as it was last read, and the same after changes from its log. It never changes.
 */
import { errors } from '../../../errors.js'
import { Slices } from '../../../turns.js'
import { MembersDigest } from './digest.js'
import { isMarked, type RedisState } from './keys.js'
import { areMany, isAfter, isId, type LogEntry, membersOf } from './log-entry.js'
import type { Members, MembersContent } from './members.js'

/** The content of the set. `version` differs each time that the set was read or has changed. */
export type RedisContent = MembersContent & { readonly version: string }

/** Where in the log a reading is, and what it knows of the members that are in the set. */
export interface Place {
  /** The last id that is in it. */
  readonly id: string
  readonly digest: MembersDigest
  /** What the digest has beyond that of the writer: of members that others have added, for example. */
  readonly surplus: string
}

export interface Reading {
  /** The marker, and the size of the set, at that time. */
  readonly state: RedisState
  /** The greatest version seen so far, and the greatest at which an operator accepted the set. */
  readonly version: number
  readonly accepted: number
  /** All that is revoked. */
  readonly members: Members
  /** Those that the set has lost. */
  readonly kept: ReadonlySet<string>
  /** Undefined if the log is not followed. */
  readonly place: Place | undefined
  readonly content: RedisContent
  /** Whether the members are what those of the set mean: a copy on the disk holds nothing else. */
  readonly isCopy?: boolean
}

/** What a reading depends on besides Redis. */
export interface ReadingOptions {
  /** What the set is called in messages. */
  readonly name: string
  /** The most entries. */
  readonly entries: number
  /** Makes a version of the content unique. */
  nextVersion (): string
}

export const NO_SURPLUS = '0 0 0 0 0'
/** The end of a version of the content: the version of the marker, and the one last accepted. */
const VERSION = / ([0-9]{1,16}) ([0-9]{1,16})$/
/** Before that: what else is needed to go on with the log. */
const PLACE = / log=([0-9]+-[0-9]+) ([0-9]{1,16}) ([0-9]{1,16}) ([0-9]{1,16}) ([0-9 ]+);([0-9 ]+) [0-9]{1,16} [0-9]{1,16}$/
/** A state that no set has, so that the first poll after a copy finds a change. */
export const NO_STATE: RedisState = { version: NaN, count: NaN, accepted: NaN, size: -1, log: '' }

/** Why the set cannot be believed to be whole, according to its marker. */
export function problemsOf (name: string, state: RedisState): Error[] {
  if (!isMarked(state)) return [new errors.FST_ENDPOINT_REDIS_UNMARKED(name)]
  return state.size < state.count ? [new errors.FST_ENDPOINT_REDIS_LOST(name, state.count - state.size)] : []
}

export function tooMany (name: string, entries: number): Error {
  return new errors.FST_ENDPOINT_REDIS_TOO_LARGE(name, `it has more members than limits.entries allows (${entries})`)
}

/** The greatest version so far. It starts again when an operator accepts the set: a wrong version must not apply forever. */
export function seen (before: Reading, { version, accepted }: RedisState, isSound: boolean): Pick<Reading, 'version' | 'accepted'> {
  if (isSound && accepted > before.accepted) return { version, accepted }
  return { version: Math.max(version || 0, before.version), accepted: before.accepted }
}

/** A reading with its content. */
export function finished (reading: Omit<Reading, 'content'>, { name, nextVersion }: ReadingOptions): Reading {
  const { state, version, accepted, kept, members, place } = reading
  const content = members.content(name)
  const problems = problemsOf(name, state)
  if (kept.size > 0) problems.push(new errors.FST_ENDPOINT_REDIS_KEPT(name, kept.size))
  // A copy holds the keys only, so it must say all about the members.
  const isLasting = place !== undefined && kept.size === 0 && members.areKeys
  const end = isLasting
    ? ` log=${place.id} ${state.version} ${state.count} ${state.accepted} ${place.digest};${place.surplus}`
    : ''
  return {
    ...reading,
    content: {
      ...content,
      version: `${nextVersion()}${end} ${version} ${accepted}`,
      problems: [...problems, ...content.problems]
    }
  }
}

/** What the version of a copy says; undefined if it is none of ours. */
export function readVersion (text: string, size: number): Pick<Reading, 'state' | 'version' | 'accepted' | 'place'> | undefined {
  const [, version, accepted] = VERSION.exec(text) ?? []
  if (version === undefined || accepted === undefined) return undefined
  const [, id, at, count, acceptedAt, sums = '', surplus = ''] = PLACE.exec(text) ?? []
  const digest = MembersDigest.parse(sums)
  const place = isId(id) && digest !== undefined && MembersDigest.parse(surplus) !== undefined ? { id, digest, surplus } : undefined
  const state = place === undefined
    ? NO_STATE
    : { version: Number(at), count: Number(count), accepted: Number(acceptedAt), size, log: place.id }
  return { state, version: Number(version), accepted: Number(accepted), place }
}

/**
 * A reading after changes.
 *
 * @param isExact whether it is what the set was at its place; not if the set changed while it was read
 * @returns undefined if the set must be read: an entry is missing, or does not have all
 * @throws FST_ENDPOINT_REDIS_TOO_LARGE
 */
export async function applied (
  before: Reading, entries: readonly LogEntry[], options: ReadingOptions, isExact = true
): Promise<Reading | undefined> {
  const { place } = before
  if (place === undefined) return undefined
  let { state } = before
  const edit = before.members.edit(options.entries)
  const kept = new Set(before.kept)
  const digest = place.digest.copy()
  let { id, surplus } = place
  let last: LogEntry | undefined
  const slices = new Slices(isExact && areMany(entries) ? 'resting' : 'steady')
  for (const entry of entries) {
    if (!isAfter(entry.id, id)) continue
    id = entry.id
    // The set was read after it.
    if (entry.to <= state.version) continue
    const isNext = entry.from === state.version && entry.to > entry.from && entry.count >= 0 && entry.size >= 0
    if (!isNext || entry.kind === 'whole') return undefined
    if (entry.kind === 'accept') {
      // What was kept ends now, which is logged.
      if (kept.size > 0 || entry.digest === '') return undefined
      surplus = NO_SURPLUS
    }
    for (const member of membersOf(entry)) {
      const wasKept = kept.delete(member)
      if (entry.kind === 'add' ? (edit.addKey(member) ?? await edit.add(member)) || wasKept : edit.delete(member) && !wasKept) {
        if (entry.kind === 'add') digest.add(member)
        else digest.remove(member)
      }
      if (edit.size > options.entries) throw tooMany(options.name, options.entries)
      if (slices.over) await slices.next()
    }
    const { to, count, size } = entry
    state = { version: to, count, size, accepted: entry.kind === 'accept' ? to : state.accepted, log: id }
    last = entry
  }
  if (last === undefined) return id === place.id ? before : { ...before, state: { ...state, log: id }, place: { ...place, id } }
  if (isExact && !agrees(edit.size - kept.size, last, digest, surplus)) return undefined
  const members = await edit.finish()
  const isSound = problemsOf(options.name, state).length === 0
  return finished({ state, ...seen(before, state, isSound), members, kept, place: { id, digest, surplus } }, options)
}

/** Whether members are those that an entry was written with. A digest counts only at the version of its entry. */
function agrees (size: number, entry: LogEntry, digest: MembersDigest, surplus: string): boolean {
  if (size !== entry.size) return false
  const written = MembersDigest.parse(entry.digest)
  return written === undefined || digest.minus(written) === surplus
}

/** What a digest has beyond that of an entry; nothing if the entry has none. */
export function surplusOf (digest: MembersDigest, entry: LogEntry): string {
  const written = MembersDigest.parse(entry.digest)
  return written === undefined ? NO_SURPLUS : digest.minus(written)
}
