/** Writes the set in Redis that source.ts reads, by the scripts of scripts.ts. */
import { errors } from '../../../errors.js'
import { visible } from '../../../text/printable.js'
import { parseRedisAddress } from './address.js'
import { type ConnectionOptions, RedisConnection } from './connection.js'
import { MembersDigest } from './digest.js'
import { readNumber } from './keys.js'
import { checkMembers } from './members.js'
import { ACCEPT, ADD, COUNT, REMOVE } from './scripts.js'

export interface RedisWriterOptions extends ConnectionOptions {
  /** The address, as in a line of a list. */
  address: string
  /** The folder for relative paths in it (the working directory). */
  folder?: string
  /** Whether to write nothing, and only report what would be written. */
  isDryRun?: boolean
  /** Entries of the log of changes, at most (100,000). */
  logEntries?: number
  /** Bytes of their members, at most (32 MiB). */
  logBytes?: number
}

export interface RedisWriting {
  /** How many entries were (or would be) added or removed. */
  readonly changed: number
  /** Members of the set after the change. */
  readonly size: number
  /** Whether the set has a marker. Without one, no node starts. */
  readonly isMarked: boolean
  /** Whether a replica has confirmed the last step, and so all; also true if none is needed, or if that is unknown. */
  readonly isReplicated: boolean
  /** Why the log of changes could not be written, if it could not: then nodes read the whole set at each change. */
  readonly unlogged?: string
}

/** Entries in one step. A step blocks Redis for some milliseconds. */
const AT_A_TIME = 2000
/** Characters in one step. */
const CHARACTERS_AT_A_TIME = 4 * 1024 * 1024
/** The most entries of one CRL. */
const CRL_ENTRIES = 10_000_000
const LOG_ENTRIES = 100_000
/** Characters of an error of the log. */
const LONGEST_REASON = 200
const LOG_BYTES = 32 * 1024 * 1024
/** How often the digest is computed again, because the set has changed meanwhile. */
const DIGEST_TRIES = 3

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
  if (options.isDryRun === true) return await inSteps(options, [], COUNT)
  return await connected(options, async (connection, run) => {
    let known: string[] = []
    for (let left = DIGEST_TRIES; left > 0; left--) {
      const { version, size } = await connection.readState()
      known = [Number.isNaN(version) ? '' : String(version), String(size), await digestOf(connection)]
      const after = await connection.readState()
      if (Object.is(after.version, version) && after.size === size) break
    }
    return await run(ACCEPT, known)
  })
}

/** Not in the script, which would block Redis for seconds. */
async function digestOf (connection: RedisConnection): Promise<string> {
  const digest = new MembersDigest()
  const seen = new Set<string>()
  for await (const page of connection.members()) {
    connection.resetBudget()
    for (const member of page) {
      const { size } = seen
      if (seen.add(member).size > size) digest.add(member)
    }
  }
  return digest.toString()
}

/** Each entry once. All are checked before any is written, since an invalid member is a problem on every node. */
async function checkEntries (entries: readonly string[]): Promise<string[]> {
  const unique = [...new Set(entries)]
  await checkMembers(unique, CRL_ENTRIES)
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
  return await connected(options, async (_connection, run) => {
    let changed = 0
    let last: RedisWriting | undefined
    for (const step of stepsOf(entries)) {
      last = { ...last, ...await run(script, step) }
      changed += last.changed
    }
    return { ...last as RedisWriting, changed }
  })
}

type Run = (script: string, args: readonly string[]) => Promise<RedisWriting>

async function connected (
  options: RedisWriterOptions, work: (connection: RedisConnection, run: Run) => Promise<RedisWriting>
): Promise<RedisWriting> {
  const { logEntries = LOG_ENTRIES, logBytes = LOG_BYTES } = options
  const address = parseRedisAddress(options.address, options.folder ?? process.cwd())
  const connection = await RedisConnection.open(address, options)
  try {
    return await work(connection, async (script, args) => {
      connection.resetBudget()
      const reply = await connection.run(script, [`${logEntries}`, `${logBytes}`, ...args]) as unknown[]
      const numbers = reply.slice(0, 3).map(readNumber)
      const unlogged = reply[3]
      if (reply.length !== 4 || numbers.some(Number.isNaN) || typeof unlogged !== 'string') {
        throw new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(address.name, 'it does not answer as Redis does')
      }
      const [changed, size, marked] = numbers as [number, number, number]
      const isReplicated = script === COUNT || await connection.isReplicated()
      const reason = visible(unlogged.slice(0, LONGEST_REASON))
      return { changed, size, isMarked: marked === 1, isReplicated, ...(reason !== '' && { unlogged: reason }) }
    })
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
