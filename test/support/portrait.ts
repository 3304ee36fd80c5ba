/** What an app can see of a socket or of a server, as values that can be compared. */
import { X509Certificate } from 'node:crypto'

export type Portrait = Record<string, unknown>

/** Properties that always differ: addresses, counters, and those of streams rather than of TLS. */
const VOLATILE = new Set(['remotePort', 'localPort', 'bytesRead', 'bytesWritten', 'constructor', 'domain'])

/** Own properties of a socket. HTTP/2 shows a proxy, which lists only inherited ones. */
const OWN = ['alpnProtocol', 'authorizationError', 'authorized', 'encrypted', 'secureConnecting', 'server', 'servername', 'timeout']

/** Calls that neither end the connection nor print anything, with arguments. */
const CALLS: ReadonlyArray<readonly [method: string, ...args: unknown[]]> = [
  ['getPeerCertificate'], ['getPeerCertificate', true], ['getPeerX509Certificate'], ['getCertificate'], ['getX509Certificate'],
  ['getCipher'], ['getProtocol'], ['isSessionReused'], ['getSession'], ['getTLSTicket'], ['getEphemeralKeyInfo'], ['getSharedSigalgs'],
  ['getFinished'], ['getPeerFinished'], ['exportKeyingMaterial', 32, 'test', Buffer.alloc(1)], ['setMaxSendFragment', 16_384],
  ['disableRenegotiation'], ['address']
]

/** The names, public and inherited, that an object of a server's side of TLS has. */
function namesOf (of: object): string[] {
  const names = new Set<string>()
  for (let level = of; level !== Object.prototype && level !== null; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) if (!name.startsWith('_') && !VOLATILE.has(name)) names.add(name)
  }
  return [...names].sort()
}

/** A socket: its properties by their values, its methods by what they give. */
export function portraitOfSocket (socket: object): Portrait {
  const read = socket as Record<string, unknown>
  const portrait: Portrait = {}
  for (const name of new Set([...namesOf(socket), ...OWN])) portrait[name] = outcomeOf(() => read[name])
  for (const [method, ...args] of CALLS) {
    portrait[`${method}(${args[0] === true ? 'true' : ''})`] = outcomeOf(() => (read[method] as (...args: unknown[]) => unknown).apply(socket, args))
  }
  return portrait
}

/** HTTP/2 forbids some of them: then the code of the error. */
function outcomeOf (look: () => unknown): unknown {
  try {
    return shown(look())
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? (thrown as Error).message
  }
}

/** A server: which properties and methods it has. */
export function portraitOfServer (server: object): Portrait {
  return Object.fromEntries(namesOf(server).map((name) => [name, typeof (server as Record<string, unknown>)[name]]))
}

/** The names that two portraits do not have in common, or not with the same value. */
export function differences (one: Portrait, other: Portrait): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => !isSame(one[name], other[name])).sort()
}

function isSame (one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Secrets by their length; certificates as they are; everything else that has members by its type. */
function shown (value: unknown): unknown {
  if (value instanceof X509Certificate) return value.fingerprint256
  if (Buffer.isBuffer(value)) return value.length > 0 ? 'bytes' : 'no bytes'
  if (typeof value === 'function') return 'function'
  if (Array.isArray(value)) return value
  if (typeof value !== 'object' || value === null) return value ?? String(value)
  if ('raw' in value) return certificate(value)
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return Object.keys(value).length > 12 ? 'object' : plain(value as Portrait)
  return (value.constructor as { name: string }).name
}

function plain (value: Portrait): Portrait {
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, ['string', 'number', 'boolean'].includes(typeof value[key]) && key !== 'port' ? value[key] : typeof value[key]]))
}

/**
 * A certificate in Node's form, without what is undefined, in order of the alphabet: Node 24 leaves those properties
 * there, which are missing on Node 20.
 */
export function certificate (value: object): Portrait {
  const entries = Object.entries(value).filter(([, part]) => part !== undefined).sort(([one], [other]) => one < other ? -1 : 1)
  return Object.fromEntries(entries.map(([key, part]) => [key, key === 'issuerCertificate' ? part === value ? 'itself' : certificate(part) : part]))
}
