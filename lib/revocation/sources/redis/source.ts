/**
 * Revocations from a set in Redis, read in full at the start and after each reconnect, and followed in between.
 *
 * A set that has lost members un-revokes nobody. Redis may have restarted without its data or evicted the set, or a
 * replica without the latest members may have taken over. So a member stays revoked here until its removal was
 * intended: the writer records each removal, and each time that somebody accepted the set as complete (see keys.ts). New
 * members count immediately, whatever else is wrong. A node that starts can check the set only against the marker, and
 * does not start without one. With a copy in `cacheDir`, it checks the set against the copy as well.
 *
 * Messages on the channel are only hints, since Redis drops a message that nobody receives. A hint makes the next poll
 * of the marker come earlier; there is one every few seconds anyway.
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
  /** Milliseconds within which each reply must arrive (4000). */
  timeout?: number
  /** Milliseconds between two polls of the marker, on average (5000). */
  interval?: number
}

const INTERVAL = 5000
/** More bytes than a member takes in a reply, unless it is a certificate or CRL. */
const BYTES_OF_ENTRY = 128

/** The content of the set. `version` differs each time that the set was read in full. */
export type RedisContent = MembersContent & { readonly version: string }

/** The set as it was last read. */
interface ReadState {
  readonly state: RedisState
  /** The greatest version seen so far, and the greatest at which somebody accepted the set. */
  readonly version: number
  readonly accepted: number
  readonly members: ReadonlySet<string>
  readonly content: RedisContent
  /** Whether it is from a copy on the disk: then members are in canonical form, and not as in the set. */
  readonly isCopy?: boolean
}

export class RedisSource implements RevocationSource {
  readonly #address: RedisAddress
  readonly #context: RevocationSourceContext
  readonly #options: RedisSourceOptions
  #connection: RedisConnection | undefined
  #connecting: Promise<RedisConnection> | undefined
  #reading: ReadState | undefined
  /** Whether there may be changes that the marker does not show. */
  #isStale = true
  #isClosed = false
  /** Distinguishes our versions from those of other objects, which may be in another process. */
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

  /** Polls the marker; a change makes the last reading stale. @returns whether the poll failed */
  async #look (): Promise<boolean> {
    try {
      const connection = await this.#connect()
      connection.resetBudget()
      const [state] = await Promise.all([connection.readState(), connection.probe()])
      if (this.#reading !== undefined && !sameState(state, this.#reading.state)) this.#isStale = true
      return false
    } catch {
      // The load that follows reports the reason.
      return true
    }
  }

  /** The connection, or a new one. Concurrent calls share it. */
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
      // Messages between the two connections were lost.
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
    // The next poll finds members that were added since, because the earlier version is stored.
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
        // Somebody who keeps filling the set with new members, and emptying it, must not fill the memory.
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

/** The end of a version of the content: the version of the marker, and the one last accepted. */
const VERSION = / ([0-9]{1,16}) ([0-9]{1,16})$/
/** A state that no set has, so that the first poll after a copy finds a change. */
const NO_STATE: RedisState = { version: NaN, count: NaN, accepted: NaN, size: -1 }
const CRL_BLOCK = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g

/** The members in canonical form: the keys, and the CRLs as PEM. */
function meaningsOf ({ keys, bytes = new Uint8Array() }: Pick<RevocationContent, 'keys' | 'bytes'>): string[] {
  return [...keys ?? [], ...Buffer.from(bytes).toString('latin1').match(CRL_BLOCK) ?? []]
}

/** The problems of a set according to its marker. */
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
