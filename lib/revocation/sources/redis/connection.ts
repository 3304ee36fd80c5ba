/**
 * The connections to Redis, made by ioredis: one that is asked, and beside it one that hears of changes,
 * since Redis does not answer on a connection that listens.
 *
 * They live and die together, and none is made anew under the same object: who wants to go on opens another,
 * so that the password and the authorities are read again, which may have changed. An answer that does not
 * come within a time, or does not end within a size, ends them.
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
  /** Milliseconds in which each answer must have come (4000). */
  timeout?: number
  /** Bytes that may come between two calls of `resetBudget` (256 MiB). */
  bytes?: number
}

interface ChangeListener {
  /** Somebody says that the set has changed: in so far as it may have been done around the writer, `isForeign`. */
  onHint (isForeign: boolean): void
  /** The connections are gone. Called once, and not after `close`. */
  onDisconnect (): void
}

const TIMEOUT = 4000
const BYTES = 256 * 1024 * 1024
/** What a connection that only hears of changes may bring between two of them. */
const HINT_BYTES = 64 * 1024
/** Of the password, or of the authorities. */
const FILE_BYTES = 1024 * 1024
/** How often the marker is read, until nothing has changed meanwhile. */
const STATE_TRIES = 20
const NO_REDIS = 'it does not answer as Redis does'
/** How many members of a set are asked for at a time. */
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
   * @param listener hears of changes; without it there is one connection only
   * @throws FST_ENDPOINT_REDIS_MISSING without ioredis, FST_ENDPOINT_REDIS_UNAVAILABLE, and what
   *   `readBoundedFile` throws
   */
  static async open (
    given: RedisAddress, { timeout = TIMEOUT, bytes = BYTES }: ConnectionOptions = {}, listener?: ChangeListener
  ): Promise<RedisConnection> {
    const { Redis } = await import('ioredis').catch((thrown: unknown) => {
      throw located(
        new errors.FST_ENDPOINT_REDIS_MISSING(reasonOf(thrown)), {}, thrown
      )
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

  /** Starts another exchange, with the whole limit of bytes. */
  resetBudget (): void {
    this.#incoming.resetBudget()
  }

  /**
   * The marker and the size of the set, at one moment. Not in a transaction: Redis refuses to queue even
   * what only reads while it is full.
   */
  async readState (): Promise<RedisState> {
    const { set } = this.keys
    for (let left = STATE_TRIES; left > 0; left--) {
      const [before, size, marker] = await Promise.all([this.#readMarker(), this.#ask((redis) => redis.scard(set)), this.#readMarker()])
      if (typeof size !== 'number') throw unavailable(this.#address, NO_REDIS)
      const [version, count, accepted] = marker
      // The version is another with each change, so nothing was changed between the two.
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
   * The members of the set, page after page. Whoever was a member from the first page to the last is among
   * them, maybe more than once; who came or went meanwhile may be.
   */
  async * members (): AsyncGenerator<string[]> {
    let cursor = '0'
    do {
      const [next, page] = await this.#ask((redis) => redis.sscan(this.keys.set, cursor, 'COUNT', PAGE))
      cursor = next
      yield page
    } while (cursor !== '0')
  }

  /** Of each of these entries, the version at which it was taken out on purpose; NaN for the others. */
  async removals (entries: readonly string[]): Promise<number[]> {
    const found: number[] = []
    for (let start = 0; start < entries.length; start += PAGE) {
      const scores = await this.#ask((redis) => redis.zmscore(this.keys.removed, ...entries.slice(start, start + PAGE)))
      found.push(...scores.map(readNumber))
    }
    return found
  }

  /** Whether the connection that hears of changes is there still: asks for the same again, and waits for the answer. */
  async probe (): Promise<void> {
    await this.#ask(() => this.#hints?.subscribe(this.keys.channel) ?? Promise.resolve())
  }

  /** Runs a script on the keys of the set. */
  async run (script: string, args: readonly string[]): Promise<unknown> {
    const { set, state, removed, channel } = this.keys
    return await this.#ask((redis) => redis.eval(script, 3, set, state, removed, channel, ...args))
  }

  close (): void {
    this.#isClosed = true
    this.#listener = undefined
    this.#commands.disconnect()
    this.#hints?.disconnect()
  }

  async #subscribe (hints: Redis): Promise<void> {
    await hints.subscribe(this.keys.channel)
    // These come only if Redis was told to send them, and an access list may forbid them.
    const { database } = this.#address
    await hints.subscribe(`__keyspace@${database}__:${this.keys.set}`, `__keyspace@${database}__:${this.keys.state}`).catch(() => {})
  }

  async #ask<T> (command: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw unavailable(this.#address, 'the connection is closed')
    try {
      return await command(this.#commands)
    } catch (thrown) {
      // Redis itself has said no, and is ready for the next one. In the place of all else there may still come an answer.
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

/** Without a line break behind the password, which editors put there. */
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
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
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

/** Rejects with what was wrong, where ioredis says only that the connection is closed. */
async function connect (redis: Redis, timeout: number): Promise<void> {
  let cause: unknown
  redis.on('error', (error: unknown) => { cause = error })
  // Whoever takes a connection and does not shake hands.
  const timer = setTimeout(() => {
    cause ??= new Error(`no answer within ${timeout} ms`)
    redis.disconnect()
  }, timeout)
  try {
    const connecting = redis.connect()
    connecting.catch(() => {})
    // The socket is there now. Of its errors ioredis hears the first one only, and TLS may have two.
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

/** The cause is not put on it: ioredis writes the command with its arguments on an error, and AUTH has the password. */
function unavailable ({ name, password }: RedisAddress, thrown: unknown): Error {
  if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_ENDPOINT_')) return thrown
  // A server that does not know AUTH answers with what stood behind it.
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

/** Why a connection was ended by what came on it; undefined if none was. */
function problemOf (address: RedisAddress, incoming: readonly Incoming[]): Error | undefined {
  const ended = incoming.find(({ problem }) => problem !== undefined)
  if (ended === undefined) return undefined
  return ended.problem === 'foreign'
    ? unavailable(address, NO_REDIS)
    : new errors.FST_ENDPOINT_REDIS_TOO_LARGE(address.name, `its responses have more than ${ended.limit} bytes`)
}
