/**
 * Writes the set in Redis that source.ts reads. A script changes the entries and the marker and sends the message in one
 * step, so that no node sees one without the other.
 */
import { errors } from '../../../errors.js'
import { parseRedisAddress } from './address.js'
import { type ConnectionOptions, RedisConnection } from './connection.js'
import { readNumber } from './keys.js'
import { MemberReader } from './members.js'

export interface RedisWriterOptions extends ConnectionOptions {
  /** The address, as in a line of a list. */
  address: string
  /** The folder for relative paths in it (the working directory). */
  folder?: string
  /** Whether to write nothing, and only report what would be written. */
  isDryRun?: boolean
}

export interface RedisWriting {
  /** How many entries were (or would be) added or removed. */
  readonly changed: number
  /** Members of the set after the change. */
  readonly size: number
  /** Whether the set has a marker. Without one, no node starts. */
  readonly isMarked: boolean
}

/** Entries in one step. A step blocks Redis for some milliseconds. */
const AT_A_TIME = 2000
/** Characters in one step. */
const CHARACTERS_AT_A_TIME = 4 * 1024 * 1024
/** The most entries of one CRL. */
const CRL_ENTRIES = 10_000_000

/** The start of all scripts. A version is the time, or the last version plus one if that is greater. */
const PROLOGUE = `
local set, state, removed, channel = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local time = redis.call('TIME')
local last = tonumber(redis.call('HGET', state, 'version') or nil)
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if last and last >= now then now = last + 1 end
local version = string.format('%.0f', now)
-- A message is only a hint: whoever may not send one may write all the same.
local function tell () redis.pcall('PUBLISH', channel, version) end
local function answer (changed) return { changed, redis.call('SCARD', set), last and 1 or 0 } end
`

const ADD = `${PROLOGUE}
local added = 0
for i = 2, #ARGV do added = added + redis.call('SADD', set, ARGV[i]) end
if redis.call('EXISTS', removed) == 1 then
  for i = 2, #ARGV do redis.call('ZREM', removed, ARGV[i]) end
end
if added > 0 then
  if last then
    redis.call('HSET', state, 'version', version)
    redis.call('HINCRBY', state, 'count', added)
  end
  tell()
end
return answer(added)
`

/** Milliseconds for which removals are recorded: 90 days. */
const REMEMBERED = 90 * 24 * 60 * 60 * 1000

const REMOVE = `${PROLOGUE}
if not last then return answer(0) end
local gone = 0
for i = 2, #ARGV do
  redis.call('ZADD', removed, version, ARGV[i])
  gone = gone + redis.call('SREM', set, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', removed, '-inf', string.format('%.0f', now - ${REMEMBERED}))
redis.call('HSET', state, 'version', version)
if gone > 0 then redis.call('HINCRBY', state, 'count', -gone) end
tell()
return answer(gone)
`

const ACCEPT = `${PROLOGUE}
redis.call('HSET', state, 'version', version, 'accepted', version, 'count', redis.call('SCARD', set))
redis.call('DEL', removed)
tell()
last = now
return answer(0)
`

const COUNT = `${PROLOGUE}
local there = 0
for i = 2, #ARGV do there = there + redis.call('SISMEMBER', set, ARGV[i]) end
return answer(there)
`

/**
 * Revokes. Entries that are already in the set stay unchanged. Many entries are written in several steps: if it fails in
 * between, the earlier ones are revoked, and you can run it again.
 *
 * @param entries lines `tbs:…`, `serial:…` or `spki:…`, or a certificate or CRL as PEM each
 * @throws FST_ENDPOINT_REDIS_ADDRESS, FST_ENDPOINT_REDIS_MISSING, FST_ENDPOINT_REDIS_UNAVAILABLE;
 *   FST_ENDPOINT_REDIS_MEMBER, with nothing written, if one of the entries is none
 */
export async function addToRedis (options: RedisWriterOptions, entries: readonly string[]): Promise<RedisWriting> {
  const unique = await checkEntries(entries)
  if (options.isDryRun === true) return await count(options, unique, (there) => unique.length - there, 1)
  return await inSteps(options, unique, ADD)
}

/**
 * Un-revokes. It records the removal of each entry, even if the set has lost it already: nodes still retain an entry
 * that was lost. A set without a marker is not changed.
 *
 * @throws as `addToRedis`
 */
export async function removeFromRedis (options: RedisWriterOptions, entries: readonly string[]): Promise<RedisWriting> {
  const unique = await checkEntries(entries)
  if (options.isDryRun === true) return await count(options, unique, (there) => there, -1)
  return await inSteps(options, unique, REMOVE)
}

/**
 * Accepts the current set as complete, whatever it has lost, and creates the marker if there is none. Nodes drop the
 * lost entries that they have retained.
 *
 * @throws as `addToRedis`
 */
export async function acceptInRedis (options: RedisWriterOptions): Promise<RedisWriting> {
  return await inSteps(options, [], options.isDryRun === true ? COUNT : ACCEPT)
}

/** Each entry once. All are checked before any is written, since an invalid member is a problem on every node. */
async function checkEntries (entries: readonly string[]): Promise<string[]> {
  const reader = new MemberReader(CRL_ENTRIES)
  const unique = [...new Set(entries)]
  for (const entry of unique) await reader.add(entry)
  const [problem] = reader.content('The input').problems
  if (problem !== undefined) throw problem
  return unique
}

async function count (
  options: RedisWriterOptions, entries: readonly string[], changes: (there: number) => number, sign: 1 | -1
): Promise<RedisWriting> {
  const found = await inSteps(options, entries, COUNT)
  const changed = changes(found.changed)
  return { ...found, changed, size: found.size + sign * changed }
}

async function inSteps (options: RedisWriterOptions, entries: readonly string[], script: string): Promise<RedisWriting> {
  const address = parseRedisAddress(options.address, options.folder ?? process.cwd())
  const connection = await RedisConnection.open(address, options)
  try {
    let changed = 0
    let last: RedisWriting | undefined
    for (const step of stepsOf(entries)) {
      connection.resetBudget()
      const numbers = ((await connection.run(script, step)) as unknown[]).map(readNumber)
      if (numbers.length !== 3 || numbers.some(Number.isNaN)) {
        throw new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(address.name, 'it does not answer as Redis does')
      }
      const [now, size, marked] = numbers as [number, number, number]
      changed += now
      last = { changed, size, isMarked: marked === 1 }
    }
    return last as RedisWriting
  } finally {
    connection.close()
  }
}

/** At least one step, even if there is nothing to write. */
function * stepsOf (entries: readonly string[]): Generator<string[]> {
  let step: string[] = []
  let characters = 0
  for (const entry of entries) {
    step.push(entry)
    characters += entry.length
    if (step.length < AT_A_TIME && characters < CHARACTERS_AT_A_TIME) continue
    yield step
    step = []
    characters = 0
  }
  if (step.length > 0 || entries.length === 0) yield step
}
