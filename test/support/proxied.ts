/** Apps behind a proxy, and clients that are their own proxy: they send the header themselves. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import type { ProxyProtocol } from '../../lib/index.js'
import { head, Peer } from './peer.js'
import type { Place } from './proxies.js'

/** What a route sees of a connection. */
export interface Seen {
  ip?: string
  remoteAddress?: string
  remotePort?: number
  remoteFamily?: string
  localAddress?: string
  localPort?: number
  localFamily?: string
  proxyProtocol?: ProxyProtocol
  client?: string
}

/** A route that answers with what it sees of the connection. */
export function seenRoute (app: FastifyInstance): void {
  app.get('/', async (request): Promise<unknown> => {
    const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, localFamily } = request.socket
    return {
      ip: request.ip,
      remoteAddress,
      remotePort,
      remoteFamily,
      localAddress,
      localPort,
      localFamily,
      proxyProtocol: request.proxyProtocol,
      client: request.clientCertificate?.subject
    }
  })
}

/** Sends a header and a request in one piece, and gives what the app saw. */
export async function seenBehind (t: Test, where: number | string, header: Buffer): Promise<Seen> {
  const peer = await Peer.connect(t, where)
  peer.send(header.toString('latin1') + head('/', 'connection: close'))
  return seenIn(await peer.closed)
}

/** What the app saw, from its answer. */
export function seenIn (answer: string): Seen {
  return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Seen
}

/** Sends a header, then shakes hands behind it. */
export async function connectTlsBehind (where: number | string, header: Buffer, options: ConnectionOptions): Promise<TLSSocket> {
  const raw = await connectBehind(where, header)
  const socket = connectTls({ ...options, socket: raw })
  await once(socket, 'secureConnect')
  return socket
}

/** Connects and sends a header. */
export async function connectBehind (where: number | string, header: Buffer): Promise<Socket> {
  const raw = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where)
  await once(raw, 'connect')
  raw.write(header)
  return raw
}

/** A client's request through a proxy, from an address of its own; gives what the app saw, and the port of the client. */
export async function seenThrough (t: Test, { host, port }: Place, localAddress: string, tls?: ConnectionOptions): Promise<Seen & { clientPort: number }> {
  const where = { host, port, localAddress }
  const socket = tls === undefined ? connect(where) : connectTls({ ...where, ...tls } as ConnectionOptions)
  const peer = new Peer(t, socket)
  await once(socket, tls === undefined ? 'connect' : 'secureConnect')
  const clientPort = socket.localPort as number
  peer.send(head('/', 'connection: close'))
  return { ...seenIn(await peer.closed), clientPort }
}
