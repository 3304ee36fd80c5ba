/**
 * One connection to one Redis server or sentinel, made by ioredis. It never reconnects, and what it receives is checked
 * before ioredis sees it.
 *
 * ioredis' own clients for Sentinel and Cluster open connections that cannot be checked so, and follow any address that a
 * server names. So this file and primary.ts decide which server to connect to.
 */
import { type ConnectionOptions as TlsOptions, connect as connectSecure } from 'node:tls'
import { connect as connectPlain, isIP, type NetConnectOpts } from 'node:net'
import type { Redis } from 'ioredis'
import { errors, located, reasonOf } from '../../../errors.js'
import { readBoundedFile } from '../../../files.js'
import { quotePath } from '../../../text/printable.js'
import { checkHost, lookupWithin, type Reach } from '../reach.js'
import { type RedisAddress, type RedisHost, textOf } from './address.js'
import { Incoming } from './incoming.js'
import type { ReplyShape } from './replies.js'

/** An address, with the content of the files that it names. */
export interface ReadAddress extends RedisAddress {
  /** The authorities for the certificates of the servers, as PEM. */
  readonly authorities?: string
  readonly sentinelPassword?: string
}

/** Where to connect. */
export interface Place extends RedisHost {
  readonly isSentinel?: boolean
  /** Where it may lead, if the list does not name it (anywhere). */
  readonly reach?: Reach
}

export interface GuardOptions {
  /** Milliseconds within which it must connect, and each reply must arrive. */
  readonly timeout: number
  /** Most bytes received between two calls of `resetBudget`. */
  readonly limit: number
  readonly shape: ReplyShape
  /** Whether replies to its commands may wait, so that the caller must limit the time for them (false). */
  readonly isWaiting?: boolean
}

/** Most bytes of the file with the password, or with the authorities. */
const FILE_BYTES = 1024 * 1024
export const NO_REDIS = 'it does not answer as Redis does'

export class GuardedRedis {
  readonly redis: Redis
  readonly incoming: Incoming
  readonly place: RedisHost
  /** The IP address of the server. */
  readonly remoteAddress: string
  #isClosed = false

  private constructor (redis: Redis, incoming: Incoming, place: RedisHost) {
    this.redis = redis
    this.incoming = incoming
    this.place = place
    this.remoteAddress = redis.stream.remoteAddress ?? ''
  }

  /**
   * Connects, and authenticates.
   *
   * @throws FST_ENDPOINT_REDIS_MISSING without ioredis; FST_ENDPOINT_REDIS_UNAVAILABLE, FST_ENDPOINT_REDIS_TOO_LARGE
   */
  static async open (address: ReadAddress, place: Place, options: GuardOptions): Promise<GuardedRedis> {
    const { Redis, AbstractConnector } = await import('ioredis').catch((thrown: unknown) => {
      throw located(new errors.FST_ENDPOINT_REDIS_MISSING(reasonOf(thrown)), {}, thrown)
    })
    const { isTls } = address
    class Connector extends AbstractConnector {
      constructor () {
        super(0)
      }

      override async connect (): Promise<ReturnType<typeof connectPlain>> {
        checkHost(place.reach, place.host)
        const target: NetConnectOpts = {
          host: place.host,
          port: place.port,
          ...(place.reach !== undefined && { lookup: lookupWithin(place.reach) })
        }
        this.stream = isTls ? connectSecure({ ...target, ...tlsOptions(address, place) }) : connectPlain(target)
        // ioredis handles only the first error of a socket, and TLS may emit two.
        this.stream.on('error', (error: Error) => { this.firstError ??= error })
        return this.stream
      }
    }
    const redis = new Redis({ ...loginOf(address, place), ...settings(options.timeout), ...(isTls && { tls: {} }), Connector })
    const incoming = new Incoming(redis, options.limit, options.shape)
    try {
      await connect(redis, options.timeout)
      // Its timer would keep the process alive.
      if (options.isWaiting === true) delete redis.options.commandTimeout
      return new GuardedRedis(redis, incoming, place)
    } catch (thrown) {
      redis.disconnect()
      throw problemOf(address, incoming) ?? unavailable(address, thrown, place)
    }
  }

  close (): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // Each call adds a listener to the socket.
    this.redis.disconnect()
  }
}

/**
 * Reads the files that an address names, since they may have changed.
 *
 * @throws as `readBoundedFile`
 */
export async function readFiles (address: RedisAddress): Promise<ReadAddress> {
  const { passwordFile, authoritiesFile, sentinelPasswordFile } = address
  const password = passwordFile === undefined ? undefined : await readPassword(passwordFile, 'passwordFile')
  const sentinelPassword = sentinelPasswordFile === undefined
    ? undefined
    : await readPassword(sentinelPasswordFile, 'sentinelPasswordFile')
  const authorities = authoritiesFile === undefined ? undefined : await readText(authoritiesFile, 'ca')
  return {
    ...address,
    ...(password !== undefined && { password }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(authorities !== undefined && { authorities })
  }
}

/** Removes the line break that editors add after the password. */
async function readPassword (path: string, argument: string): Promise<string> {
  return (await readText(path, argument)).replace(/\r?\n$/, '')
}

async function readText (path: string, argument: string): Promise<string> {
  return (await readBoundedFile(
    path, { what: `${argument} ${quotePath(path)}`, limit: FILE_BYTES, empty: 'refuse' }
  )).bytes.toString('utf8')
}

/** The user and the password to log in with. A sentinel never gets the password of the set. */
function loginOf ({ user, password, database, sentinelUser, sentinelPassword }: ReadAddress, { isSentinel }: Place) {
  const [username, secret] = isSentinel === true ? [sentinelUser, sentinelPassword] : [user, password]
  return {
    db: isSentinel === true ? 0 : database,
    ...(username !== undefined && { username }),
    ...(secret !== undefined && { password: secret })
  }
}

/**
 * The certificate of a sentinel must be for its host in the list. `serverName` is for Redis servers only, so that a
 * sentinel's certificate does not make it one.
 */
function tlsOptions ({ authorities, serverName }: ReadAddress, { host, isSentinel }: Place): TlsOptions {
  const name = isSentinel === true || serverName === undefined ? host : serverName
  return {
    // Even if NODE_TLS_REJECT_UNAUTHORIZED is 0.
    rejectUnauthorized: true,
    ...(isIP(name) === 0 && { servername: name }),
    ...(authorities !== undefined && { ca: authorities })
  }
}

function settings (timeout: number) {
  return {
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
    await redis.connect()
  } catch (thrown) {
    throw cause ?? thrown
  } finally {
    clearTimeout(timer)
  }
}

/** Whether it is an error that Redis has answered with. After it, Redis is ready for the next command. */
export function isReply (thrown: unknown): thrown is Error {
  return thrown instanceof Error && thrown.name === 'ReplyError'
}

/**
 * Has no cause: ioredis adds the command with its arguments to an error, and AUTH contains the password.
 *
 * @param place the server, if it is not the only one of the address
 */
export function unavailable (address: ReadAddress, thrown: unknown, place?: RedisHost): Error {
  if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('FST_ENDPOINT_')) return thrown
  const reason = reasonFor(address, thrown)
  return new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(
    address.name, place === undefined || address.kind === 'server' ? reason : `${textOf(place)}: ${reason}`
  )
}

/** What is wrong, of an error of `unavailable`. */
export function reasonIn ({ name }: ReadAddress, thrown: unknown): string {
  return reasonOf(thrown).replace(`${name} cannot be read or written: `, '')
}

function reasonFor ({ password, sentinelPassword }: ReadAddress, thrown: unknown): string {
  // A server without AUTH repeats its arguments in the error.
  const reason = (typeof thrown === 'string' ? thrown : explain(thrown)).replace(/,? with args beginning with.*$/, '')
  return [password, sentinelPassword].reduce<string>((text, secret) => (
    secret === undefined || secret === '' ? text : text.replaceAll(secret, '…')
  ), reason)
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
  if (/^READONLY/.test(reason)) return 'it is a replica, which cannot be written: name the primary, or use redis-sentinel://'
  if (/^MOVED /.test(reason)) return 'it belongs to a cluster: write redis-cluster:// or rediss-cluster://'
  return reason
}

/** Why received bytes ended a connection; undefined if they did not. */
export function problemOf (address: ReadAddress, ...incoming: readonly Incoming[]): Error | undefined {
  const ended = incoming.find(({ problem }) => problem !== undefined)
  if (ended === undefined) return undefined
  return ended.problem === 'foreign'
    ? unavailable(address, NO_REDIS)
    : new errors.FST_ENDPOINT_REDIS_TOO_LARGE(address.name, `its responses have more than ${ended.limit} bytes`)
}
