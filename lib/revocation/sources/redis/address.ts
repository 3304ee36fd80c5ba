/**
 * The line of a list that names a set in Redis:
 *
 *     redis://127.0.0.1/0?key=revoked
 *     rediss://gate@redis.example.org:6380/2?key=revoked&passwordFile=redis.password&ca=redis-ca.pem
 *
 * Host, port (6379), database (0), user and password are at the usual places of a Redis URL. Keep a password in a file of
 * its own, since many can read a list. Paths are relative to the folder of the list. Messages repeat nothing of the line
 * but the names of its parameters, since it may contain a password.
 */
import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { errors, located, type ErrorLocation } from '../../../errors.js'

export interface RedisAddress {
  /** The name for messages, without user and password. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly database: number
  readonly isTls: boolean
  /** The key of the set. */
  readonly key: string
  readonly user?: string
  readonly password?: string
  /** Absolute path of a file with the password. */
  readonly passwordFile?: string
  /** Absolute path of the authorities for the server's certificate, as PEM (those of the system). */
  readonly authoritiesFile?: string
}

const FORM = 'redis://host:port/database?key=NAME, or rediss:// for TLS'
const PARAMETERS = ['key', 'passwordFile', 'ca']
const LONGEST_KEY = 512

/** Whether a line names a set in Redis. */
function isRedisAddress (line: string): boolean {
  return /^rediss?:/i.test(line)
}

/**
 * Reads such a line.
 *
 * @param folder the folder for its relative paths
 * @param what names the line in messages
 * @throws FST_ENDPOINT_REDIS_ADDRESS
 */
export function parseRedisAddress (
  line: string, folder: string, what = 'The address of Redis', location: ErrorLocation = {}
): RedisAddress {
  const wrong = (problem: string): Error => located(new errors.FST_ENDPOINT_REDIS_ADDRESS(what, problem), location)
  const url = isRedisAddress(line) && URL.canParse(line) ? new URL(line) : undefined
  if (url === undefined || url.hostname === '') throw wrong(`write ${FORM}`)
  if (url.hash !== '') throw wrong('write # as %23')
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw wrong(`it has a parameter that is none of ${PARAMETERS.join(', ')}; write & and = in a value as %26 and %3D`)
    }
    if (url.searchParams.getAll(name).length > 1) throw wrong(`${name}= is given twice`)
  }
  const isTls = url.protocol === 'rediss:'
  const database = /^\/?$/.test(url.pathname) ? '0' : /^\/([0-9]{1,5})$/.exec(url.pathname)?.[1]
  if (database === undefined) throw wrong('the path must be the number of a database, for example /0')
  const key = url.searchParams.get('key') ?? ''
  if (key === '' || key.length > LONGEST_KEY) throw wrong(`key= must name the set, with at most ${LONGEST_KEY} characters`)
  const passwordFile = url.searchParams.get('passwordFile')
  const ca = url.searchParams.get('ca')
  if (passwordFile === '' || ca === '') throw wrong('passwordFile= and ca= must name a file, or be left out')
  if (passwordFile !== null && url.password !== '') throw wrong('give the password once: in the address, or better with passwordFile=')
  if (ca !== null && !isTls) throw wrong('ca= is for rediss://, which is TLS')
  const host = decode(url.hostname.replace(/^\[(.*)\]$/, '$1'))
  const user = decode(url.username)
  const password = decode(url.password)
  if (host === undefined || user === undefined || password === undefined) {
    throw wrong('a % must be followed by two hexadecimal digits; write % itself as %25')
  }
  const port = url.port === '' ? 6379 : Number(url.port)
  return {
    name: `${url.protocol}//${isIPv6(host) ? `[${host}]` : url.hostname}:${port}/${database}?key=${encodeURIComponent(key)}`,
    host,
    port,
    database: Number(database),
    isTls,
    key,
    ...(user !== '' && { user }),
    ...(password !== '' && { password }),
    ...(passwordFile !== null && { passwordFile: resolve(folder, passwordFile) }),
    ...(ca !== null && { authoritiesFile: resolve(folder, ca) })
  }
}

function decode (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
