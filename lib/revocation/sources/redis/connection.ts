/**
 * The connections to the server that has a set: one for commands, one that subscribes to changes, since Redis accepts
 * no other commands on a subscribed connection, and one that waits for entries of the log. Behind Sentinel, there is another
 * one to a sentinel.
 *
 * They are closed together, and an object never reconnects. To continue, open a new one, which finds the server, and
 * reads the password and the authorities again, since all of them may have changed. A reply that is late or too large
 * closes all.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type RedisAddress, textOf } from './address.js'
import { GuardedRedis, isReply, NO_REDIS, type Place, problemOf, type ReadAddress, readFiles, unavailable } from './guarded.js'
import { FollowedLog } from './followed-log.js'
import { isMarked, readNumber, type RedisKeys, redisKeys, type RedisState } from './keys.js'
import { connectToPrimary, follow, Moved, redirectOf, Sentinels } from './primary.js'
import { isId } from './log-entry.js'
import { ANSWERS, CHANGES, HINTS } from './replies.js'

export interface ConnectionOptions {
  /** Milliseconds within which each reply must arrive (4000). */
  timeout?: number
  /** Most bytes received between two calls of `resetBudget` (256 MiB). */
  bytes?: number
}

interface ChangeListener {
  /** A message: the set has changed. `isForeign` if the change may not be the writer's; otherwise it is the new version. */
  onHint (isForeign: boolean, message: string): void
  /** Entries of the log have arrived. */
  onNews (): void
  /** The log cannot be followed. */
  onDenied (reason?: string): void
  /** A sentinel has said which server is the primary; with an error if none has. */
  onSentinels? (problem?: unknown): void
  /** The connections are gone. Called once, and not after `close`. */
  onDisconnect (): void
}

const TIMEOUT = 4000
const BYTES = 256 * 1024 * 1024
/** Most bytes of a subscribed connection between two messages. */
const HINT_BYTES = 64 * 1024
/** Most bytes of a reply with entries of the log. */
const LOG_BYTES = 16 * 1024 * 1024
/** How many times to read the marker, until it did not change in between. */
const STATE_TRIES = 20
/** How many members of a set to request at a time. */
const PAGE = 1000
/** Milliseconds for which a writer waits for a replica. */
const REPLICA_TIMEOUT = 1000
/** How often a writer tries again while its slot moves from one server to another, and the milliseconds in between. */
const MOVING_TRIES = 30
const MOVING_PAUSE = 100
/** How often a writer follows the set to another server. */
const MOST_MOVES = 5

/** The connections to one server. */
interface Opened {
  readonly commands: GuardedRedis
  readonly hints: GuardedRedis | undefined
  readonly log: GuardedRedis | undefined
}

export class RedisConnection {
  readonly keys: RedisKeys
  /** The log of changes; undefined without a listener. */
  readonly log: FollowedLog | undefined
  readonly #address: ReadAddress
  readonly #options: Required<ConnectionOptions>
  readonly #sentinels: Sentinels | undefined
  readonly #hints: GuardedRedis | undefined
  #commands: GuardedRedis
  /** Where a cluster has a key already that is moving. */
  #asked: Promise<GuardedRedis> | undefined
  #listener: ChangeListener | undefined
  #checking: Promise<void> | undefined
  #moves = 0
  #isClosed = false
  #isLost = false

  /**
   * Connects.
   *
   * @param listener receives changes; without it, nothing subscribes
   * @throws FST_ENDPOINT_REDIS_MISSING without ioredis, FST_ENDPOINT_REDIS_UNAVAILABLE, and what
   *   `readBoundedFile` throws
   */
  static async open (
    given: RedisAddress, { timeout = TIMEOUT, bytes = BYTES }: ConnectionOptions = {}, listener?: ChangeListener
  ): Promise<RedisConnection> {
    const address = await readFiles(given)
    const sentinels = address.kind === 'sentinel' ? new Sentinels(address, timeout) : undefined
    const options = { timeout, bytes }
    try {
      const opened = await connectToPrimary(address, sentinels, (place) => openAt(address, place, options, listener !== undefined))
      return new RedisConnection(address, options, opened, sentinels, listener)
    } catch (thrown) {
      sentinels?.close()
      throw thrown
    }
  }

  private constructor (
    address: ReadAddress, options: Required<ConnectionOptions>, { commands, hints, log }: Opened,
    sentinels: Sentinels | undefined, listener: ChangeListener | undefined
  ) {
    this.keys = redisKeys(address.key)
    this.#address = address
    this.#options = options
    this.#commands = commands
    this.#hints = hints
    this.#sentinels = sentinels
    this.#listener = listener
    this.log = log === undefined
      ? undefined
      : new FollowedLog(log, this.keys.log, {
        timeout: options.timeout,
        onNews: () => { this.#listener?.onNews() },
        onDenied: (reason) => { this.#listener?.onDenied(reason) },
        onDisconnect: () => { this.#handleLoss(log) }
      })
    this.#closeWith(commands)
    if (hints !== undefined) this.#closeWith(hints)
    hints?.redis.on('message', (channel: string, message: string) => {
      hints.incoming.resetBudget()
      this.#listener?.onHint(channel !== this.keys.channel, message)
    })
  }

  get isOpen (): boolean {
    return !this.#isClosed
  }

  /** Whether the server or the network ended one of the connections, and no reply was wrong or late. */
  get isLost (): boolean {
    return this.#isLost
  }

  /** Starts another exchange, with the full limit of bytes. */
  resetBudget (): void {
    this.#commands.incoming.resetBudget()
  }

  /**
   * The marker and the size of the set, at one moment. Not in a transaction: when its memory is full, Redis refuses to
   * queue even commands that only read.
   */
  async readState (): Promise<RedisState> {
    const { set } = this.keys
    for (let left = STATE_TRIES; left > 0; left--) {
      const [before, size, marker] = await Promise.all([this.#readMarker(), this.#ask((redis) => redis.scard(set)), this.#readMarker()])
      if (typeof size !== 'number') throw unavailable(this.#address, NO_REDIS)
      const [version, count, accepted, log] = marker
      // Each change has a new version, so nothing changed between the two.
      if (!Object.is(before[0], version)) continue
      const state = { version, count, accepted, size, log }
      return isMarked(state) ? state : { version: NaN, count: NaN, accepted: NaN, size, log: '' }
    }
    throw unavailable(this.#address, 'it is changed faster than it can be read')
  }

  async #readMarker (): Promise<[number, number, number, string]> {
    const marker: unknown = await this.#ask((redis) => redis.hmget(this.keys.state, 'version', 'count', 'accepted', 'log'))
    if (!Array.isArray(marker) || marker.length !== 4) throw unavailable(this.#address, NO_REDIS)
    const [version, count, accepted, log] = marker as unknown[]
    return [readNumber(version), readNumber(count), readNumber(accepted), isId(log) ? log : '']
  }

  /**
   * The members of the set, in pages. An entry that is a member all the time appears at least once. One that is added or
   * removed meanwhile may or may not appear.
   */
  async * members (): AsyncGenerator<string[]> {
    let cursor = '0'
    let server: GuardedRedis | undefined
    do {
      const { reply: [next, page], from } = await this.#askAnywhere((redis) => redis.sscan(this.keys.set, cursor, 'COUNT', PAGE))
      // A cursor of one server means another place on the next, so members in between would be missed.
      if (server !== undefined && from !== server) throw unavailable(this.#address, 'the set has moved to another server while it was read')
      server = from
      cursor = next
      yield page
    } while (cursor !== '0')
  }

  /** The version at which each of these entries was removed on purpose; NaN for the others. */
  async removals (entries: readonly string[]): Promise<number[]> {
    const found: number[] = []
    for (let start = 0; start < entries.length; start += PAGE) {
      const scores = await this.#ask((redis) => redis.zmscore(this.keys.removed, ...entries.slice(start, start + PAGE)))
      found.push(...scores.map(readNumber))
    }
    return found
  }

  /**
   * Checks that the subscribed connection still works: subscribes again, and waits for the reply. Behind Sentinel, it
   * begins to check that this server is still the primary; if another one is, it disconnects.
   */
  async probe (): Promise<void> {
    // Not awaited: sentinels that do not answer must not delay what the primary says.
    this.#checking ??= this.#checkPrimary().finally(() => { this.#checking = undefined })
    await this.#ask(() => this.#hints?.redis.subscribe(this.keys.channel) ?? Promise.resolve())
  }

  /** Runs a script on the keys of the set. */
  async run (script: string, args: readonly string[]): Promise<unknown> {
    const { set, state, removed, log, channel } = this.keys
    for (let left = MOVING_TRIES; ; left--) {
      try {
        return await this.#ask((redis) => redis.eval(script, 4, set, state, removed, log, channel, ...args))
      } catch (thrown) {
        // Some keys of the set have moved, and some have not: the script has not run.
        if (left === 0 || !/: TRYAGAIN /.test((thrown as Error).message)) throw thrown
        await pause(MOVING_PAUSE)
      }
    }
  }

  /**
   * Waits until a replica has what this connection has written.
   *
   * @returns false if there are replicas, or should be because there are sentinels, and none has confirmed it; true also
   *   if that is unknown, since the access list does not allow the question
   */
  async isReplicated (): Promise<boolean> {
    const { redis } = this.#commands
    try {
      const role: unknown = await this.#ask(() => redis.role())
      const replicas = Array.isArray(role) && role[0] === 'master' ? role[2] as unknown : undefined
      if (!Array.isArray(replicas) || replicas.length === 0) return this.#address.kind !== 'sentinel'
      return await this.#ask(() => redis.wait(1, Math.min(REPLICA_TIMEOUT, this.#options.timeout / 2))) > 0
    } catch (thrown) {
      return /: NOPERM /.test((thrown as Error).message)
    }
  }

  close (): void {
    this.#isClosed = true
    this.#listener = undefined
    this.#commands.close()
    this.#hints?.close()
    this.log?.close()
    this.#sentinels?.close()
    this.#asked?.then((asked) => { asked.close() }, () => {})
  }

  async #checkPrimary (): Promise<void> {
    if (this.#sentinels === undefined) return
    try {
      const now = await this.#sentinels.lead(async (place) => place)
      this.#listener?.onSentinels?.()
      const { place: { host, port } } = this.#commands
      if (now.host !== host || now.port !== port) this.#handleDisconnect()
    } catch (thrown) {
      // The primary answers.
      this.#listener?.onSentinels?.(thrown)
    }
  }

  async #ask<T> (command: (redis: Redis) => Promise<T>): Promise<T> {
    return (await this.#askAnywhere(command)).reply
  }

  /** Asks the server that has the key, and says which that was: in a cluster, a key may move. */
  async #askAnywhere<T> (command: (redis: Redis) => Promise<T>): Promise<{ reply: T, from: GuardedRedis }> {
    if (this.#isClosed) throw unavailable(this.#address, 'the connection is closed')
    const from = this.#commands
    try {
      return { reply: await command(from.redis), from }
    } catch (thrown) {
      const redirect = redirectOf(this.#address, from, thrown)
      if (redirect?.isAsk === true) return await this.#askThere(redirect.place, command)
      if (redirect !== undefined && this.#hints === undefined && this.#moves++ < MOST_MOVES) {
        await this.#moveTo(redirect.place)
        return await this.#askAnywhere(command)
      }
      // Redis rejected the command, and is ready for the next one. After any other error, a reply may still arrive.
      if (redirect !== undefined || !isReply(thrown)) this.#handleDisconnect()
      throw problemOf(this.#address, from.incoming) ?? unavailable(this.#address, thrown, from.place)
    }
  }

  /** MOVED, for a writer. A node that follows changes connects again, since messages may be lost. */
  async #moveTo (place: Place): Promise<void> {
    const former = this.#commands
    const { commands } = await follow(this.#address, place, (there) => openAt(this.#address, there, this.#options, false))
    this.#commands = commands
    this.#closeWith(commands)
    former.close()
    if (this.#isClosed) commands.close()
  }

  #closeWith (one: GuardedRedis): void {
    one.redis.once('close', () => { if (one === this.#commands || one === this.#hints) this.#handleLoss(one) })
    // It may have closed before a listener was added.
    if (one.redis.status === 'end') this.#handleLoss(one)
  }

  #handleLoss ({ incoming }: GuardedRedis): void {
    this.#isLost ||= !this.#isClosed && incoming.problem === undefined
    this.#handleDisconnect()
  }

  /** ASK: the next command, and only that, is for another server. */
  async #askThere<T> (place: Place, command: (redis: Redis) => Promise<T>): Promise<{ reply: T, from: GuardedRedis }> {
    const known = await this.#asked?.catch(() => undefined)
    if (known === undefined || known.redis.status !== 'ready' || textOf(known.place) !== textOf(place)) {
      known?.close()
      this.#asked = GuardedRedis.open(this.#address, place, { timeout: this.#options.timeout, limit: this.#options.bytes, shape: ANSWERS })
    }
    const from = await (this.#asked as Promise<GuardedRedis>)
    from.incoming.resetBudget()
    try {
      const [, reply] = await Promise.all([from.redis.asking(), command(from.redis)])
      return { reply, from }
    } catch (thrown) {
      if (!isReply(thrown)) from.close()
      throw problemOf(this.#address, from.incoming) ?? unavailable(this.#address, thrown, place)
    }
  }

  #handleDisconnect (): void {
    const listener = this.#listener
    this.close()
    listener?.onDisconnect()
  }
}

/** @throws Moved in a cluster, if the set is at another server */
async function openAt (
  address: ReadAddress, place: Place, { timeout, bytes }: Required<ConnectionOptions>, isFollowed: boolean
): Promise<Opened> {
  const opening = [
    GuardedRedis.open(address, place, { timeout, limit: bytes, shape: ANSWERS }),
    ...isFollowed
      ? [
          GuardedRedis.open(address, place, { timeout, limit: HINT_BYTES, shape: HINTS }),
          GuardedRedis.open(address, place, { timeout, limit: LOG_BYTES, shape: CHANGES, isWaiting: true })
        ]
      : []
  ] as const
  try {
    const [commands, hints, log] = await Promise.all(opening) as [GuardedRedis, GuardedRedis?, GuardedRedis?]
    await checkServer(address, commands)
    if (hints !== undefined) await subscribe(address, hints)
    return { commands, hints, log }
  } catch (thrown) {
    for (const one of await Promise.allSettled(opening)) if (one.status === 'fulfilled') one.value.close()
    throw thrown
  }
}

/** Whether the server has the set: a replica may be behind, and a sentinel may not know yet that this is one. */
async function checkServer (address: ReadAddress, commands: GuardedRedis): Promise<void> {
  try {
    if (address.kind === 'sentinel') {
      const role: unknown = await commands.redis.role()
      if (!Array.isArray(role) || role[0] !== 'master') throw new Error('it is not the primary (yet, or any more)')
    }
    if (address.kind === 'cluster') await commands.redis.scard(address.key)
  } catch (thrown) {
    const redirect = redirectOf(address, commands, thrown)
    if (redirect?.isAsk === true) return
    if (redirect !== undefined) throw new Moved(redirect.place)
    throw problemOf(address, commands.incoming) ?? unavailable(address, thrown, commands.place)
  }
}

async function subscribe (address: ReadAddress, hints: GuardedRedis): Promise<void> {
  const { set, state, channel } = redisKeys(address.key)
  const { database } = address
  try {
    await hints.redis.subscribe(channel)
  } catch (thrown) {
    throw problemOf(address, hints.incoming) ?? unavailable(address, thrown, hints.place)
  }
  // Redis sends these only if configured to, and an access list may forbid them.
  await hints.redis.subscribe(`__keyspace@${database}__:${set}`, `__keyspace@${database}__:${state}`).catch(() => {})
}
