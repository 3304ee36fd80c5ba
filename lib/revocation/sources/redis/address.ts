/**
 * The line of a list that names a set in Redis:
 *
 *     redis://127.0.0.1/0?key=revoked
 *     rediss://gate@redis.example.org:6380/2?key=revoked&passwordFile=redis.password&ca=redis-ca.pem
 *     rediss-sentinel://gate@s1.example.org,s2.example.org,s3.example.org/0?master=main&key=revoked&ca=redis-ca.pem
 *     redis-cluster://10.0.0.1:7000,10.0.0.2:7000/?key={revoked}
 *
 * Host, port, database (0), user and password are at the usual places of a Redis URL; with Sentinel and Cluster, there may
 * be several hosts. Keep a password in a file of its own, since many users can read a list. Paths are relative to the folder
 * of the list. Messages repeat only the names of its parameters, since the line may contain a password.
 */
import { isIP, isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { errors, located, type ErrorLocation } from '../../../errors.js'

export interface RedisHost {
  /** A name, or an IP address without brackets. */
  readonly host: string
  readonly port: number
}

export interface RedisAddress {
  /** The name for messages, without user and password. */
  readonly name: string
  /** What the hosts are: the one server of the set, sentinels that know it, or some servers of a cluster. */
  readonly kind: 'server' | 'sentinel' | 'cluster'
  /** At least one; exactly one for `server`. */
  readonly hosts: readonly [RedisHost, ...RedisHost[]]
  readonly database: number
  readonly isTls: boolean
  /** The key of the set. */
  readonly key: string
  readonly user?: string
  readonly password?: string
  /** Absolute path of a file with the password. */
  readonly passwordFile?: string
  /** Absolute path of the authorities for the certificates of the servers, as PEM (those of Node.js). */
  readonly authoritiesFile?: string
  /** The name that the certificates of Redis servers, but not of sentinels, must be for (the host's). */
  readonly serverName?: string
  /** What the sentinels call the primary and its replicas; only for `sentinel`. */
  readonly master?: string
  readonly sentinelUser?: string
  /** Absolute path of a file with the password for the sentinels. */
  readonly sentinelPasswordFile?: string
}

const FORMS = {
  server: 'redis://host:port/database?key=NAME, or rediss:// for TLS',
  sentinel: 'redis-sentinel://host:port,host:port/database?master=NAME&key=NAME, or rediss-sentinel:// for TLS',
  cluster: 'redis-cluster://host:port,host:port/?key={NAME}, or rediss-cluster:// for TLS'
} as const
const PARAMETERS = ['key', 'passwordFile', 'ca', 'serverName']
const SENTINEL_PARAMETERS = ['master', 'sentinelUser', 'sentinelPasswordFile']
const LONGEST_KEY = 512
const LONGEST_MASTER = 255
/** Each is asked in turn, so they also bound how long a connection may take. */
const MOST_HOSTS = 16
const REDIS_PORT = 6379
const SENTINEL_PORT = 26379

/** Scheme, user and password, hosts, path, query, fragment. An @ in a password leaves the last one as the separator. */
const ADDRESS = /^(redis(s?)(?:-sentinel|-cluster)?):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/i
const HOST = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]{1,5}))?$/
/** A name of DNS or of a hosts file, or an IPv4 address. */
export const NAME = /^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?$/i
/** What is hashed instead of a whole key: the first braces, unless they are empty. */
const HASH_TAG = /^[^{]*\{[^}]+\}/

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
  const kind = kindOfLine(line)
  const [, word = '', secure = '', credentials = '', places = '', path = '', query = '', hash] = ADDRESS.exec(line) ?? []
  if (places === '') throw wrong(`write ${FORMS[kind]}`)
  if (hash !== undefined) throw wrong('write # as %23')
  const isTls = secure !== ''
  const scheme = word.toLowerCase()
  const { parameters, problem } = readParameters(query, kind)
  if (problem !== undefined) throw wrong(problem)
  const { key = '', passwordFile, ca, serverName, master = '', sentinelUser, sentinelPasswordFile } = parameters
  const hosts = readHosts(places, kind)
  if (typeof hosts === 'string') throw wrong(hosts)
  const database = /^\/?$/.test(path) ? '0' : /^\/([0-9]{1,5})$/.exec(path)?.[1]
  if (database === undefined) throw wrong('the path must be the number of a database, for example /0')
  const colon = `${credentials}:`.indexOf(':')
  const user = decode(credentials.slice(0, colon))
  const password = decode(credentials.slice(colon + 1))
  if (user === undefined || password === undefined) {
    throw wrong('a % must be followed by two hexadecimal digits; write % itself as %25')
  }
  const files = Object.entries({ passwordFile, ca, sentinelPasswordFile }).find(([, file]) => file === '')
  if (files !== undefined) throw wrong(`${files[0]}= must name a file, or be left out`)
  if (passwordFile !== undefined && password !== '') {
    throw wrong('give the password once: in the address, or better with passwordFile=')
  }
  const reason = problemOfKey(key, kind) ?? problemOfTls({ isTls, kind, scheme, ca, serverName }) ??
    (kind === 'sentinel' ? problemOfSentinel(master, sentinelUser, sentinelPasswordFile) : undefined) ??
    (kind === 'cluster' && database !== '0' ? 'a cluster has only database 0: write /0, or leave it out' : undefined)
  if (reason !== undefined) throw wrong(reason)
  const named = hosts.map(textOf).join(',')
  const prefix = kind === 'sentinel' ? `master=${encodeURIComponent(master)}&` : ''
  return {
    name: `${scheme}://${named}/${database}?${prefix}key=${encodeURIComponent(key)}`,
    kind,
    hosts,
    database: Number(database),
    isTls,
    key,
    ...(user !== '' && { user }),
    ...(password !== '' && { password }),
    ...(passwordFile !== undefined && { passwordFile: resolve(folder, passwordFile) }),
    ...(ca !== undefined && { authoritiesFile: resolve(folder, ca) }),
    ...(serverName !== undefined && { serverName }),
    ...(kind === 'sentinel' && { master }),
    ...(sentinelUser !== undefined && { sentinelUser }),
    ...(sentinelPasswordFile !== undefined && { sentinelPasswordFile: resolve(folder, sentinelPasswordFile) })
  }
}

function kindOfLine (line: string): RedisAddress['kind'] {
  return /^rediss?-sentinel:/i.test(line) ? 'sentinel' : /^rediss?-cluster:/i.test(line) ? 'cluster' : 'server'
}

/** A host with its port, as in a URL. */
export function textOf ({ host, port }: RedisHost): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}

function readParameters (query: string, kind: RedisAddress['kind']): { parameters: Record<string, string>, problem?: string } {
  const known = kind === 'sentinel' ? [...SENTINEL_PARAMETERS, ...PARAMETERS] : PARAMETERS
  const parameters: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) {
      return {
        parameters,
        problem: SENTINEL_PARAMETERS.includes(name)
          ? `${name}= is for redis-sentinel:// and rediss-sentinel://`
          : `it has an unknown parameter: the parameters are ${known.join(', ')}. In a value, write & and = as %26 and %3D`
      }
    }
    if (Object.hasOwn(parameters, name)) return { parameters, problem: `${name}= is given twice` }
    parameters[name] = value
  }
  return { parameters }
}

/** @returns the hosts, or what is wrong with them */
function readHosts (text: string, kind: RedisAddress['kind']): RedisAddress['hosts'] | string {
  const places = text.split(',')
  if (kind === 'server' && places.length > 1) {
    return 'it allows only one host; for several, write redis-sentinel:// or redis-cluster://'
  }
  if (places.length > MOST_HOSTS) return `it has more than ${MOST_HOSTS} hosts: name only some of them`
  const hosts: RedisHost[] = []
  for (const [index, place] of places.entries()) {
    const which = places.length > 1 ? `its host ${index + 1}` : 'its host'
    const [, written = '', digits] = HOST.exec(place) ?? []
    const host = written.startsWith('[') ? ipv6In(written.slice(1, -1)) : decode(written)
    if (host === undefined || (!isIPv6(host) && !NAME.test(host))) {
      return `${which} must be a name or an IP address, as in ${FORMS[kind]}; write IPv6 in brackets, and no spaces`
    }
    const port = digits === undefined ? (kind === 'sentinel' ? SENTINEL_PORT : REDIS_PORT) : Number(digits)
    if (port < 1 || port > 65535) return `${which} must have a port from 1 to 65535`
    if (hosts.some((other) => other.host === host && other.port === port)) return `${which} is given twice`
    hosts.push({ host, port })
  }
  return hosts as [RedisHost, ...RedisHost[]]
}

function ipv6In (text: string): string | undefined {
  const address = decode(text)
  return address !== undefined && isIPv6(address) ? address : undefined
}

function problemOfKey (key: string, kind: RedisAddress['kind']): string | undefined {
  if (key === '' || key.length > LONGEST_KEY) return `key= must name the set, with at most ${LONGEST_KEY} characters`
  if (kind !== 'cluster' || HASH_TAG.test(key)) return undefined
  return 'in a cluster, all keys of a set must be on one server: put a part of key= into braces, for example key={revoked}'
}

interface TlsParts {
  readonly isTls: boolean
  readonly kind: RedisAddress['kind']
  readonly scheme: string
  readonly ca: string | undefined
  readonly serverName: string | undefined
}

function problemOfTls ({ isTls, kind, scheme, ca, serverName }: TlsParts): string | undefined {
  if (!isTls && (ca !== undefined || serverName !== undefined)) {
    return `${ca === undefined ? 'serverName' : 'ca'}= is for ${scheme.replace('redis', 'rediss')}://, which is TLS`
  }
  if (serverName !== undefined && (!NAME.test(serverName) || isIP(serverName) !== 0)) {
    return 'serverName= must be a DNS name in the certificates of the Redis servers'
  }
  // Otherwise, an attacker who makes a sentinel name another server would only need a certificate of a public
  // authority.
  if (isTls && kind !== 'server' && ca === undefined && serverName === undefined) {
    return 'only a certificate proves which servers it leads to: set ca= to your own CA, serverName=, or both'
  }
  return undefined
}

function problemOfSentinel (master: string, user: string | undefined, passwordFile: string | undefined): string | undefined {
  if (master === '' || master.length > LONGEST_MASTER || /[^\x21-\x7e]/.test(master)) {
    return `master= must be the sentinels' name of the primary, with at most ${LONGEST_MASTER} printable characters`
  }
  if (user === '') return 'sentinelUser= must name a user, or be left out'
  return user !== undefined && passwordFile === undefined ? 'give the password of sentinelUser= with sentinelPasswordFile=' : undefined
}

function decode (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
