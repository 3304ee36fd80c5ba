/**
 * The connections to Redis, made by ioredis: one for commands, and one that subscribes to changes, since Redis accepts no
 * other commands on a subscribed connection.
 *
 * They are closed together, and an object never reconnects. To continue, open a new one, which reads the password and
 * the authorities again, since they may have changed. A reply that is late or too large closes both.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { errors, located, reasonOf } from '../../../errors.js'
import { readBoundedFile } from '../../../files.js'
import type { RedisAddress } from './address.js'
import { Incoming } from './incoming.js'
import { isMarked, readNumber, type RedisKeys, redisKeys, type RedisState } from './keys.js'
import { ANSWERS, HINTS } from './replies.js'
import { quotePath } from '../../../text/printable.js'

export interface ConnectionOptions {
  /** Milliseconds within which each reply must arrive (4000). */
  timeout?: number
  /** Most bytes received between two calls of `resetBudget` (256 MiB). */
  bytes?: number
}

interface ChangeListener {
  /** A message: the set has changed. `isForeign` if the change may not be the writer's. */
  onHint (isForeign: boolean): void
  /** The connections are gone. Called once, and not after `close`. */
  onDisconnect (): void
}

const TIMEOUT = 4000
const BYTES = 256 * 1024 * 1024
/** Most bytes of a subscribed connection between two messages. */
const HINT_BYTES = 64 * 1024
/** Most bytes of the file with the password, or with the authorities. */
const FILE_BYTES = 1024 * 1024
/** How many times to read the marker, until it did not change in between. */
const STATE_TRIES = 20
const NO_REDIS = 'it does not answer as Redis does'
/** How many members of a set to request at a time. */
const PAGE = 1000

export class RedisConnection {
  readonly keys: RedisKeys
  readonly #address: RedisAddress
  readonly #commands: Redis
  readonly #hints: Redis | undefined
  readonly #incoming: Incoming
  #listener: ChangeListener | undefined
  #isClosed = false

  /**
   * Connects.
   *
   * @param listener receives changes; without it, there is only one connection
   * @throws FST_ENDPOINT_REDIS_MISSING without ioredis, FST_ENDPOINT_REDIS_UNAVAILABLE, and what
   *   `readBoundedFile` throws
   */
  static async open (
    given: RedisAddress, { timeout = TIMEOUT, bytes = BYTES }: ConnectionOptions = {}, listener?: ChangeListener
  ): Promise<RedisConnection> {
    const { Redis } = await import('ioredis').catch((thrown: unknown) => {
      throw located(new errors.FST_ENDPOINT_REDIS_MISSING(reasonOf(thrown)), {}, thrown)
    })
    const address = await withPassword(given)
    const options = await optionsFor(address, timeout)
    const opened: Redis[] = []
    const incoming: Incoming[] = []
    try {
      for (const [limit, shape] of listener === undefined
        ? [[bytes, ANSWERS] as const]
        : [[bytes, ANSWERS] as const, [HINT_BYTES, HINTS] as const]) {
        const redis = new Redis(options)
        opened.push(redis)
        incoming.push(new Incoming(redis, limit, shape))
      }
      await Promise.all(opened.map((redis) => connect(redis, timeout)))
      const [commands, hints] = opened as [Redis, Redis | undefined]
      const connection = new RedisConnection(address, commands, hints, incoming as [Incoming, Incoming | undefined], listener)
      if (hints !== undefined) await connection.#subscribe(hints)
      return connection
    } catch (thrown) {
      for (const redis of opened) redis.disconnect()
      throw problemOf(address, incoming) ?? unavailable(address, thrown)
    }
  }

  private constructor (
    address: RedisAddress, commands: Redis, hints: Redis | undefined,
    [incoming, hinting]: [Incoming, Incoming | undefined], listener?: ChangeListener
  ) {
    this.keys = redisKeys(address.key)
    this.#address = address
    this.#commands = commands
    this.#hints = hints
    this.#incoming = incoming
    this.#listener = listener
    commands.once('close', () => { this.#handleDisconnect() })
    hints?.once('close', () => { this.#handleDisconnect() })
    hints?.on('message', (channel: string) => {
      hinting?.resetBudget()
      this.#listener?.onHint(channel !== this.keys.channel)
    })
  }

  get isOpen (): boolean {
    return !this.#isClosed
  }

  /** Starts another exchange, with the full limit of bytes. */
  resetBudget (): void {
    this.#incoming.resetBudget()
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
      const [version, count, accepted] = marker
      // Each change has a new version, so nothing changed between the two.
      if (!Object.is(before[0], version)) continue
      const state = { version, count, accepted, size }
      return isMarked(state) ? state : { version: NaN, count: NaN, accepted: NaN, size }
    }
    throw unavailable(this.#address, 'it is changed faster than it can be read')
  }

  async #readMarker (): Promise<[number, number, number]> {
    const marker: unknown = await this.#ask((redis) => redis.hmget(this.keys.state, 'version', 'count', 'accepted'))
    if (!Array.isArray(marker) || marker.length !== 3) throw unavailable(this.#address, NO_REDIS)
    return marker.map(readNumber) as [number, number, number]
  }

  /**
   * The members of the set, in pages. An entry that is a member all the time appears at least once. One that is added or
   * removed meanwhile may or may not appear.
   */
  async * members (): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const [next, page] = await this.#ask((redis) => redis.sscan(this.keys.set, cursor, 'COUNT', PAGE))
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

  /** Checks that the subscribed connection still works: subscribes again, and waits for the reply. */
  async probe (): Promise<void> {
    await this.#ask(() => this.#hints?.subscribe(this.keys.channel) ?? Promise.resolve())
  }

  /** Runs a script on the keys of the set. */
  async run (script: string, args: readonly string[]): Promise<unknown> {
    const { set, state, removed, log, channel } = this.keys
    return await this.#ask((redis) => redis.eval(script, 4, set, state, removed, log, channel, ...args))
  }

  close (): void {
    this.#isClosed = true
    this.#listener = undefined
    this.#commands.disconnect()
    this.#hints?.disconnect()
  }

  async #subscribe (hints: Redis): Promise<void> {
    await hints.subscribe(this.keys.channel)
    // Redis sends these only if configured to, and an access list may forbid them.
    const { database } = this.#address
    await hints.subscribe(`__keyspace@${database}__:${this.keys.set}`, `__keyspace@${database}__:${this.keys.state}`).catch(() => {})
  }

  async #ask<T> (command: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw unavailable(this.#address, 'the connection is closed')
    try {
      return await command(this.#commands)
    } catch (thrown) {
      // Redis rejected the command, and is ready for the next one. After any other error, a reply may still arrive.
      if (!isReply(thrown)) this.#handleDisconnect()
      throw problemOf(this.#address, [this.#incoming]) ?? unavailable(this.#address, thrown)
    }
  }

  #handleDisconnect (): void {
    const listener = this.#listener
    this.close()
    listener?.onDisconnect()
  }
}

/** Removes the line break that editors add after the password. */
async function withPassword (address: RedisAddress): Promise<RedisAddress> {
  const { passwordFile } = address
  return passwordFile === undefined
    ? address
    : { ...address, password: (await readText(passwordFile, 'passwordFile')).replace(/\r?\n$/, '') }
}

async function readText (path: string, argument: string): Promise<string> {
  return (await readBoundedFile(
    path, { what: `${argument} ${quotePath(path)}`, limit: FILE_BYTES, empty: 'refuse' }
  )).bytes.toString('utf8')
}

async function optionsFor ({ host, port, database, isTls, user, password, authoritiesFile }: RedisAddress, timeout: number) {
  return {
    host,
    port,
    db: database,
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    // Even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
    ...(isTls && {
      tls: {
        rejectUnauthorized: true,
        ...(authoritiesFile !== undefined && {
          ca: await readText(
            authoritiesFile, 'ca'
          )
        })
      }
    }),
    lazyConnect: true,
    protocol: 2 as const,
    connectTimeout: timeout,
    commandTimeout: timeout,
    keepAlive: 10_000,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
    disableClientInfo: true
  }
}

/** Rejects with the real reason, where ioredis only reports that the connection is closed. */
async function connect (redis: Redis, timeout: number): Promise<void> {
  let cause: unknown
  redis.on('error', (error: unknown) => { cause = error })
  // For a server that accepts the connection, but does not complete the TLS handshake.
  const timer = setTimeout(() => {
    cause ??= new Error(`no answer within ${timeout} ms`)
    redis.disconnect()
  }, timeout)
  try {
    const connecting = redis.connect()
    connecting.catch(() => {})
    // The socket exists now. ioredis handles only its first error, and TLS may emit two.
    await turn()
    redis.stream?.on('error', () => {})
    await connecting
  } catch (thrown) {
    throw cause ?? thrown
  } finally {
    clearTimeout(timer)
  }
}

function isReply (thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'ReplyError'
}

/** Has no cause: ioredis adds the command with its arguments to an error, and AUTH contains the password. */
function unavailable ({ name, password }: RedisAddress, thrown: unknown): Error {
  if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_ENDPOINT_')) return thrown
  // A server without AUTH repeats its arguments in the error.
  const reason = (typeof thrown === 'string' ? thrown : explain(thrown)).replace(/,? with args beginning with.*$/, '')
  return new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(name, password === undefined || password === ''
    ? reason
    : reason.replaceAll(password, '…'))
}

const LONGEST_REASON = 200

function explain (thrown: unknown): string {
  const reason = (reasonOf(thrown) || (thrown as NodeJS.ErrnoException).code || 'it cannot be reached').replace(
    /[^\x20-\x7e]+/g, ' '
  ).slice(0, LONGEST_REASON)
  if (/^Command timed out/.test(reason)) return 'it does not answer in time'
  if (/^(?:NOAUTH|WRONGPASS)/.test(reason)) return `${reason}; give the user in the address, and the password with passwordFile=`
  if (/^WRONGTYPE/.test(reason)) return 'the key, or one beside it, holds something other than a set of this package: choose another key='
  if (/^NOPERM/.test(reason)) return `${reason}; docs/fleets.md has the access list that it needs`
  return reason
}

/** Why received bytes ended a connection; undefined if they did not. */
function problemOf (address: RedisAddress, incoming: readonly Incoming[]): Error | undefined {
  const ended = incoming.find(({ problem }) => problem !== undefined)
  if (ended === undefined) return undefined
  return ended.problem === 'foreign'
    ? unavailable(address, NO_REDIS)
    : new errors.FST_ENDPOINT_REDIS_TOO_LARGE(address.name, `its responses have more than ${ended.limit} bytes`)
}
