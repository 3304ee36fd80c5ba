/**
 * Finds endpoints of an app that need the same place, and says what to write instead. Used for the system's "address
 * in use", which does not say so, and for `check`.
 */
import { realpathSync } from 'node:fs'
import { isIP } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { unwrap } from '../description/index.js'
import { quotePath } from '../text/printable.js'
import type { Endpoint, SslEndpoint, SystemdEndpoint, Tcp6Endpoint, TcpEndpoint, TlsEndpoint } from '../../types/endpoint.js'

interface Port {
  readonly port: number
  /** An address as in a URL; a host name unchanged. */
  readonly host: string
  /** Whether it also accepts IPv4. */
  readonly isDual: boolean
  readonly isShared: boolean
  /** What to write to accept IPv6 only. */
  readonly advice: string
}

interface Path {
  readonly path: string
  /** The lock file of the socket. */
  readonly lock: string | undefined
}

/** An address, path or descriptor that cannot be opened twice. */
type Place = { readonly tcp: Port } | { readonly unix: Path } | { readonly descriptors: readonly string[] }

/**
 * Why two endpoints cannot both be opened, and what to write: the end of a sentence about either of them.
 * @returns undefined if no conflict is known. Host names are not resolved
 */
export function conflictBetween (one: Endpoint, other: Endpoint): string | undefined {
  const [a, b] = [placeOf(one), placeOf(other)]
  if ('tcp' in a && 'tcp' in b) return conflictOfPorts(a.tcp, b.tcp)
  if ('unix' in a && 'unix' in b) return conflictOfPaths(a.unix, b.unix) ?? conflictOfPaths(b.unix, a.unix)
  if (!('descriptors' in a && 'descriptors' in b)) return undefined
  const shared = a.descriptors.find((descriptor) => b.descriptors.includes(descriptor))
  return shared === undefined ? undefined : `only one endpoint can listen on ${shared}: give each its own`
}

function placeOf (described: Endpoint): Place {
  const endpoint = unwrap(described)
  switch (endpoint.type) {
    case 'unix': return {
      unix: {
        path: realPath(endpoint.address),
        lock: endpoint.lockfile && !isAbstract(endpoint.address)
          ? `${realPath(endpoint.address)}.lock`
          : undefined
      }
    }
    case 'fd': return { descriptors: [`descriptor ${endpoint.fileno}`] }
    case 'stdio': return { descriptors: ['descriptor 0', 'descriptor 1'] }
    case 'systemd': return { descriptors: [descriptorOf(endpoint)] }
    case 'tls':
      if (endpoint.transport !== undefined) return placeOf(endpoint.transport)
      return { tcp: portOf({ ...endpoint, port: endpoint.port as number }) }
    default: return { tcp: portOf(endpoint) }
  }
}

/** sd_listen_fds(3): the first one is 3. */
function descriptorOf ({ domain, index, name }: SystemdEndpoint): string {
  return index === undefined ? `the descriptor of ${domain} that is named ${name}` : `descriptor ${3 + index}`
}

function portOf (endpoint: TcpEndpoint | Tcp6Endpoint | SslEndpoint | (TlsEndpoint & { port: number })): Port {
  const { type, port } = endpoint
  const host = hostOf(endpoint.interface, type === 'tcp6')
  return {
    port,
    host,
    isDual: host === ANY_IPV6 && !(type === 'tcp6' && endpoint.ipv6Only),
    isShared: type === 'tcp' && endpoint.reusePort,
    advice: type === 'tls'
      ? `transport=tcp6\\:${port}\\:ipv6Only=1 instead of port and interface`
      : type === 'ssl' ? 'another port' : 'ipv6Only=1'
  }
}

const ANY_IPV4 = '0.0.0.0'
const ANY_IPV6 = '::'

/** An address in canonical form. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) counts as IPv4. */
function hostOf (host: string, isIPv6: boolean): string {
  if (host === '') return ANY_IPV4
  if (host.toLowerCase() === 'localhost') return isIPv6 ? '::1' : '127.0.0.1'
  if (isIP(host) !== 6 || host.includes('%')) return host.toLowerCase()
  const spelled = new URL(`http://[${host}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(spelled)
  if (mapped === null) return spelled
  return mapped.slice(1).flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]).join('.')
}

function conflictOfPorts (a: Port, b: Port): string | undefined {
  if (a.port !== b.port || a.port === 0 || (a.isShared && b.isShared)) return undefined
  if (a.host === b.host) return 'give each endpoint a port of its own'
  const [v4, v6] = isIP(a.host) === 6 ? [b, a] : [a, b]
  if (v6.isDual && isIP(v4.host) !== 6) return `${where(v6)} also takes IPv4: write ${v6.advice} there`
  const [any, one] = [ANY_IPV4, ANY_IPV6].includes(a.host) ? [a, b] : [b, a]
  const isAny = (any.host === ANY_IPV4 && isIP(one.host) === 4) || (any.host === ANY_IPV6 && isIP(one.host) === 6)
  return isAny ? `${where(any)} takes every address: give it an interface of its own, or remove the other endpoint` : undefined
}

function where ({ host, port }: Port): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

function conflictOfPaths (a: Path, b: Path): string | undefined {
  if (a.path === b.path) return 'give each endpoint a path of its own'
  return a.lock === b.path ? `${quotePath(b.path)} is the lock of the other endpoint: choose another path, or write lockfile=0` : undefined
}

/** A name of the abstract namespace is not a path. */
function isAbstract (address: string): boolean {
  return address.startsWith('\0')
}

function realPath (address: string): string {
  if (isAbstract(address)) return address
  const path = resolve(address)
  try {
    return join(realpathSync(dirname(path)), basename(path))
  } catch {
    // Its folder is missing.
    return path
  }
}
