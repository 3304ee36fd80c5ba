/**
 * Revocations from a set in Redis: read whole at the start and after each reconnect, and followed.
 *
 * A set that has lost members un-revokes nobody: Redis may have been restarted without its data, may have
 * thrown the set away to save memory, or a replica took over that had not heard of the last ones. So what was
 * there once stays revoked here until somebody says that it shall not: the writer keeps what it takes out on
 * purpose, and when somebody has last accepted the set as it stands (see keys.ts). What is new counts at
 * once, whatever else is wrong. A node that starts has nothing to hold the set against but the marker, and does not start
 * without one; or it has a copy in `cacheDir`, and then goes by that as by what it has read itself.
 *
 * Messages on the channel are hints, since Redis forgets a message that nobody hears: they make a look at the
 * marker come earlier that comes anyway, every few seconds.
 */
import { randomUUID } from 'node:crypto'
import { errors } from '../../../errors.js'
import { Slices } from '../../../turns.js'
import { PollSchedule } from './poll-schedule.js'
import { parseRedisAddress, type RedisAddress } from './address.js'
import { RedisConnection } from './connection.js'
import { isMarked, type RedisState, sameState } from './keys.js'
import { MemberReader, type MembersContent } from './members.js'
import type { RevocationContent, RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'

export interface RedisSourceOptions {
  /** Milliseconds in which each answer must have come (4000). */
  timeout?: number
  /** Milliseconds from one look at the marker to the next, on the average (5000). */
  interval?: number
}

const INTERVAL = 5000
/** What one that is no certificate and no CRL takes in an answer, amply. */
const BYTES_OF_ENTRY = 128

/** What the set says; `version` is another for each time that it was read whole. */
export type RedisContent = MembersContent & { readonly version: string }

/** The set as it was last read, and what was known of it. */
interface ReadState {
  readonly state: RedisState
  /** The greatest version, and the greatest at which somebody accepted the set, that were ever seen. */
  readonly version: number
  readonly accepted: number
  readonly members: ReadonlySet<string>
  readonly content: RedisContent
  /** Whether it is of a copy on the disk: its members are what they mean, and not as they stand in the set. */
  readonly isCopy?: boolean
}

export class RedisSource implements RevocationSource {
  readonly #address: RedisAddress
  readonly #context: RevocationSourceContext
  readonly #options: RedisSourceOptions
  #connection: RedisConnection | undefined
  #connecting: Promise<RedisConnection> | undefined
  #reading: ReadState | undefined
  /** Whether the marker does not tell all that may have changed. */
  #isStale = true
  #isClosed = false
  /** Of a version that another object has given, in another process perhaps, nothing is known here. */
  readonly #versions = randomUUID()
  #readings = 0
  #looks: PollSchedule | undefined

  /** @throws FST_ENDPOINT_REDIS_ADDRESS */
  constructor (line: string, context: RevocationSourceContext, options: RedisSourceOptions = {}) {
    this.#address = parseRedisAddress(line, context.folder)
    this.#context = context
    this.#options = options
  }

  get name (): string {
    return this.#address.name
  }

  /**
   * All that is revoked. The same object as the last time, if nothing has changed since.
   *
   * @throws FST_ENDPOINT_REDIS_UNAVAILABLE, FST_ENDPOINT_REDIS_TOO_LARGE, FST_ENDPOINT_REDIS_MISSING; the first
   *   time, without a copy, also FST_ENDPOINT_REDIS_UNMARKED and FST_ENDPOINT_REDIS_LOST. Later these are among the `problems` of
   *   what it gives, in which all is revoked that was
   */
  async load (signal: AbortSignal): Promise<RedisContent> {
    signal.throwIfAborted()
    const connection = await unlessAborted(this.#connect(), signal)
    const abort = (): void => { connection.close() }
    signal.addEventListener('abort', abort, { once: true })
    try {
      return (await this.#read(connection)).content
    } catch (thrown) {
      throw signal.aborted ? signal.reason : thrown
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Goes on from what another process has read. */
  restore ({ keys = [], bytes, version = '' }: RevocationContent): void {
    const [, at, accepted] = VERSION.exec(version) ?? []
    if (at === undefined || accepted === undefined) return
    const content = { keys, ...(bytes !== undefined && { bytes }), problems: [], version }
    this.#reading = {
      state: NO_STATE,
      version: Number(at),
      accepted: Number(accepted),
      members: new Set(meaningsOf(content)),
      content,
      isCopy: true
    }
  }

  /** Begins to follow the set. */
  watch (onChange: () => void): void {
    if (this.#isClosed) return
    this.#looks ??= new PollSchedule(this.#options.interval ?? INTERVAL, async () => {
      const isUnwell = await this.#look()
      if (isUnwell || this.#isStale) onChange()
      return isUnwell
    })
  }

  close (): void {
    this.#isClosed = true
    this.#looks?.close()
    this.#connection?.close()
    this.#connection = undefined
  }

  /** Looks whether there is something new, which makes the reading stale. Gives whether it could not look. */
  async #look (): Promise<boolean> {
    try {
      const connection = await this.#connect()
      connection.resetBudget()
      const [state] = await Promise.all([connection.readState(), connection.probe()])
      if (this.#reading !== undefined && !sameState(state, this.#reading.state)) this.#isStale = true
      return false
    } catch {
      // What it is, the load says that follows.
      return true
    }
  }

  /** The connection, or a new one; whoever asks at the same time gets the same. */
  #connect (): Promise<RedisConnection> {
    if (this.#isClosed) return Promise.reject(new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(this.name, 'it is no longer followed'))
    if (this.#connection?.isOpen === true) return Promise.resolve(this.#connection)
    const { limits: { fileBytes, entries } } = this.#context
    this.#connecting ??= RedisConnection.open(this.#address, { ...this.#options, bytes: fileBytes + entries * BYTES_OF_ENTRY }, {
      onHint: (isForeign) => {
        if (isForeign) this.#isStale = true
        this.#looks?.soon()
      },
      onDisconnect: () => { this.#looks?.soon() }
    }).then((connection) => {
      // What was said between the two connections was said to nobody.
      this.#isStale = true
      if (this.#isClosed) connection.close()
      this.#connection = connection
      return connection
    }).finally(() => { this.#connecting = undefined })
    return this.#connecting
  }

  async #read (connection: RedisConnection): Promise<ReadState> {
    connection.resetBudget()
    const state = await connection.readState()
    const before = this.#reading
    if (before !== undefined && !this.#isStale && sameState(state, before.state)) return before
    this.#isStale = false
    try {
      this.#reading = await this.#readWhole(connection, state, before)
      return this.#reading
    } catch (thrown) {
      this.#isStale = true
      throw thrown
    }
  }

  async #readWhole (connection: RedisConnection, state: RedisState, before: ReadState | undefined): Promise<ReadState> {
    const { entries } = this.#context.limits
    const reader = new MemberReader(entries)
    const members = new Set<string>()
    const take = async (member: string): Promise<void> => {
      const { size } = members
      if (members.add(member).size > size) await reader.add(member)
    }
    if (state.size > entries) throw tooMany(this.name, entries)
    for await (const page of connection.members()) {
      for (const member of page) await take(member)
      if (members.size > entries) throw tooMany(this.name, entries)
    }
    // What has come in since is found by the next look, since the version of before is remembered.
    const after = await connection.readState()
    const problems = problemsOf(this.name, after)
    if (before === undefined && problems[0] !== undefined) throw problems[0]
    if (before !== undefined) {
      const gone = await missing(before.members, before.isCopy === true ? new Set(meaningsOf(reader.content(this.name))) : members)
      if (gone.length > 0 && problems.length === 0 && state.accepted > before.accepted) {
        this.#context.log?.warn(
          {},
          `${this.name}: the set was accepted as complete, so ${gone.length} of its former entries no longer revoke`
        )
      } else if (gone.length > 0) {
        const removals = await connection.removals(gone)
        const kept = gone.filter((_entry, index) => !((removals[index] ?? NaN) > before.version))
        // Whoever fills the set with ever other members, and empties it, must not fill the memory too.
        if (members.size + kept.length > entries) throw tooMany(this.name, entries)
        kept.forEach(take)
        if (kept.length > 0) problems.push(new errors.FST_ENDPOINT_REDIS_KEPT(this.name, kept.length))
      }
    }
    const content = reader.content(this.name)
    const version = Math.max(state.version || 0, before?.version ?? 0)
    const accepted = Math.max(problems.length === 0 ? state.accepted || 0 : 0, before?.accepted ?? 0)
    return {
      state,
      version,
      accepted,
      members,
      content: {
        ...content,
        version: `${this.#versions} ${++this.#readings} ${version} ${accepted}`,
        problems: [...problems, ...content.problems]
      }
    }
  }
}

/** How the version of what was read ends: with that of the marker, and the one that was accepted last. */
const VERSION = / ([0-9]{1,16}) ([0-9]{1,16})$/
/** As no set is: the first look after a copy finds another. */
const NO_STATE: RedisState = { version: NaN, count: NaN, accepted: NaN, size: -1 }
const CRL_BLOCK = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g

/** What members mean, however they are written: the keys, and the CRLs as PEM. */
function meaningsOf ({ keys, bytes = new Uint8Array() }: Pick<RevocationContent, 'keys' | 'bytes'>): string[] {
  return [...keys ?? [], ...Buffer.from(bytes).toString('latin1').match(CRL_BLOCK) ?? []]
}

/** What the marker says against a set. */
function problemsOf (name: string, state: RedisState): Error[] {
  if (!isMarked(state)) return [new errors.FST_ENDPOINT_REDIS_UNMARKED(name)]
  return state.size < state.count ? [new errors.FST_ENDPOINT_REDIS_LOST(name, state.count - state.size)] : []
}

function tooMany (name: string, entries: number): Error {
  return new errors.FST_ENDPOINT_REDIS_TOO_LARGE(name, `it has more members than limits.entries allows (${entries})`)
}

async function missing (before: ReadonlySet<string>, now: ReadonlySet<string>): Promise<string[]> {
  const gone: string[] = []
  const slices = new Slices()
  for (const entry of before) {
    if (!now.has(entry)) gone.push(entry)
    if (slices.over) await slices.next()
  }
  return gone
}

async function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => { reject(signal.reason) }
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort)
  }
}
