/**
 * A listening socket that this process has inherited, by the number of its descriptor.
 *
 * The program that opened it has decided where it listens and which clients may connect: nothing is bound or
 * removed here.
 */
import type { Stats } from 'node:fs'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { statOf } from '../descriptors.js'
import { errors, located, reasonOf } from '../errors.js'
import type { SystemdEndpoint } from '../../types/endpoint.js'
import { startServer, type Transport, type TransportOptions } from './listening.js'

/** An inherited socket that Node can serve. */
export interface Inherited {
  readonly fileno: number
  readonly domain: SystemdEndpoint['domain']
  /** Holds the descriptor. It is neither read nor written. */
  readonly socket: Socket
}

/**
 * Node always sets a backlog, so the original one is lost. This is systemd's default: as much as the kernel allows
 * (net.core.somaxconn).
 */
export const BACKLOG = 0x7fffffff

// State of the module, since descriptors belong to the process: all its apps share the numbers, and Node closes a
// descriptor with its server. Anything else may get the number then.
const inherited = new Map<number, Inherited>()
const claimed = new Set<number>()

/**
 * Checks a descriptor, and claims it if it is a socket that can listen. Any other stays untouched.
 *
 * Node cannot tell whether a unix socket is bound, or connected, before it listens; and of one of TCP
 * that is bound and does not listen yet, it makes one that does.
 * @throws FST_ENDPOINT_DESCRIPTOR_INVALID, FST_ENDPOINT_INHERITED_IN_WORKER
 */
export function inherit (fileno: number, endpoint: string): Inherited {
  refuseInWorker(endpoint)
  const known = inherited.get(fileno)
  if (known !== undefined) return known
  const stats = statOf(fileno)
  if (stats === undefined) throw invalid(endpoint, fileno, 'is not open: the program that starts the process must pass it on')
  if (!stats.isSocket()) throw invalid(endpoint, fileno, `is ${kindOf(stats)}, not a socket`)
  const socket = socketOf(fileno, endpoint)
  if (socket.remoteAddress !== undefined) {
    throw invalid(
      endpoint, fileno,
      'is a connection, not a socket that accepts connections: with systemd write Accept=no, or use stdio to serve one connection'
    )
  }
  const address = socket.address()
  if ('port' in address && address.port === 0) throw invalid(endpoint, fileno, 'is a socket that is not bound to any port')
  const domain = !('family' in address) ? 'UNIX' : address.family === 'IPv6' ? 'INET6' : 'INET'
  const taken = { fileno, domain, socket } as const
  inherited.set(fileno, taken)
  return taken
}

/**
 * Listens on an inherited socket. This works once: closing it closes the descriptor.
 * @throws FST_ENDPOINT_DESCRIPTOR_TAKEN, FST_ENDPOINT_DESCRIPTOR_INVALID
 */
export async function openInherited ({ fileno, socket }: Inherited, endpoint: string, options: TransportOptions): Promise<Transport> {
  claim(fileno, endpoint)
  return await startServer(options, (server) => { server.listen(socket, BACKLOG) })
    .catch((error) => { throw unfit(endpoint, fileno, error) })
}

/**
 * Makes sure that an endpoint is the only one on its descriptor.
 * @throws FST_ENDPOINT_DESCRIPTOR_TAKEN
 */
export function claim (fileno: number, endpoint: string): void {
  if (claimed.has(fileno)) throw located(new errors.FST_ENDPOINT_DESCRIPTOR_TAKEN(endpoint, fileno), { endpoint })
  claimed.add(fileno)
}

/** A thread could close a descriptor that another thread uses, and the number could then be reused for something else. */
export function refuseInWorker (endpoint: string): void {
  if (!isMainThread) throw located(new errors.FST_ENDPOINT_INHERITED_IN_WORKER(endpoint), { endpoint })
}

export function invalid (endpoint: string, fileno: number, reason: string, cause?: unknown): Error {
  return located(new errors.FST_ENDPOINT_DESCRIPTOR_INVALID(endpoint, fileno, reason), { endpoint }, cause)
}

/** The error for a socket that the system does not allow to listen. */
export function unfit (endpoint: string, fileno: number, error: unknown): Error {
  return invalid(endpoint, fileno, `is not a socket that can listen; perhaps it is a connection (${reasonOf(error)})`, error)
}

function socketOf (fileno: number, endpoint: string): Socket {
  try {
    return new Socket({ fd: fileno, readable: false, writable: false })
  } catch (error) {
    throw invalid(
      endpoint, fileno,
      'is not a stream socket, which HTTP needs (with systemd ListenStream=, not ListenDatagram= or ListenSequentialPacket=)',
      error
    )
  }
}

function kindOf (stats: Stats): string {
  if (stats.isFile()) return 'a file'
  if (stats.isDirectory()) return 'a folder'
  return stats.isFIFO() ? 'a pipe' : 'a device, or something of Node.js itself'
}
