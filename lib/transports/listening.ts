/**
 * Shared by the transports: opens a net.Server with coded errors, and closes it.
 */
import { createServer, type AddressInfo, type ListenOptions, type Server, type ServerOpts, type Socket } from 'node:net'
import { errors, located, reasonOf } from '../errors.js'

/** What a unix socket needs of its folder. */
export const FOLDER_ADVICE = 'the folder must exist and be writable for the user of this process'

/** What occupies the address, as far as the system reports it. */
const ANOTHER = 'another listener (for a unix socket, perhaps a leftover file: remove it if nothing listens there)'

/** Options of all transports. */
export interface TransportOptions {
  /** Socket options that the app gave to Fastify for its HTTP server (`http: { keepAlive: … }`). */
  readonly sockets: Pick<ServerOpts, 'noDelay' | 'keepAlive' | 'keepAliveInitialDelay' | 'highWaterMark' | 'allowHalfOpen'>
  /** Called with each raw socket. */
  onSocket (socket: Socket): void
}

/** An open port, path or descriptor. */
export interface Transport {
  /** As `net.Server.address()` answers: a path for unix sockets, null where Node cannot tell. */
  readonly address: AddressInfo | string | null
  /** Stops accepting connections; resolves when the open ones have ended. */
  close (): Promise<void>
  ref (): void
  unref (): void
  /** Passes on a connection that existed before. Called when all endpoints of the app are open. */
  begin? (): void
  /** Resolves when no further connection is possible. Absent if the transport can always accept one. */
  readonly spent?: Promise<void>
}

/** Opens a net.Server. `listen` may wrap the call, for a transport that must prepare the moment of binding. */
export async function openServer (
  description: string,
  where: ListenOptions,
  options: TransportOptions,
  listen: (server: Server, where: ListenOptions) => void = (server, where) => { server.listen(where) }
): Promise<Transport> {
  return await startServer(options, (server) => listen(server, where))
    .catch((error) => { throw listenError(description, where, error) })
}

/**
 * Makes a net.Server and waits until it listens.
 * @throws the error of the operating system, without a code of ours
 */
export async function startServer ({ sockets, onSocket }: TransportOptions, listen: (server: Server) => void): Promise<Transport> {
  const server = createServer(sockets, onSocket)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.removeListener('error', reject)
      resolve()
    })
    listen(server)
  })
  // A failed accept (no descriptors left) is reported here. The next one may succeed.
  server.on('error', () => {})
  return {
    address: server.address(),
    close: () => new Promise((resolve) => { server.close(() => resolve()) }),
    ref: () => { server.ref() },
    unref: () => { server.unref() }
  }
}

/**
 * The error for an address that another endpoint of the app uses, with what to write instead.
 * @param cause the error of the system
 */
export function ownAddressError (endpoint: string, other: string, advice: string, cause: unknown): Error {
  const owner = other === endpoint ? 'another endpoint of this app, which has the same string' : `another endpoint of this app, "${other}"`
  return located(new errors.FST_ENDPOINT_ADDRESS_IN_USE(endpoint, 'its place', `${owner}: ${advice}`), { endpoint }, cause)
}

/** The coded error for an error of the operating system or the resolver. */
export function listenError (endpoint: string, where: ListenOptions, error: NodeJS.ErrnoException): Error {
  const place = where.path ?? `${where.host} port ${where.port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return located(new errors.FST_ENDPOINT_ADDRESS_IN_USE(endpoint, place, ANOTHER), { endpoint }, error)
    case 'EACCES':
    case 'EPERM':
      return located(new errors.FST_ENDPOINT_ADDRESS_FORBIDDEN(endpoint, place, advise(where)), { endpoint }, error)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return located(new errors.FST_ENDPOINT_ADDRESS_UNAVAILABLE(endpoint, place), { endpoint, argument: 'interface' }, error)
    default:
      return located(new errors.FST_ENDPOINT_LISTEN(endpoint, place, reasonOf(error)), { endpoint }, error)
  }
}

function advise (where: ListenOptions): string {
  return where.path === undefined
    ? 'ports below 1024 need a privilege (CAP_NET_BIND_SERVICE), or a socket from systemd'
    // libuv also reports EACCES for a missing folder.
    : FOLDER_ADVICE
}
