/**
 * An app behind mutual TLS with its own folder, and clients of it.
 */
import { once } from 'node:events'
import { appendFile, writeFile } from 'node:fs/promises'
import { request, type RequestOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory, type EndpointOptions } from '../../lib/index.js'
import { createAuthority, type Authority, type Issued } from './pki.js'
import { makeTestFolder } from './test-folder.js'
import { PATIENCE } from './until.js'

/** A folder with a CA, a server, the clients alice and mallory, and an empty list of revoked certificates. */
export interface Site {
  readonly folder: string
  readonly ca: Authority
  readonly server: Issued
  readonly alice: Issued
  readonly mallory: Issued
  /** Path of a file in the folder. */
  path (file: string): string
  /** The endpoint string of this site on a free port of loopback, with arguments in addition. */
  endpoint (extra?: string): string
  /** The same on a transport instead of a port. */
  over (transport: string, extra?: string): string
  /** Writes PEM files: name.pem with the chain and name.key. */
  write (name: string, leaf: Issued): Promise<void>
  /** Adds a line to the list. */
  revoke (line: string): Promise<void>
}

export async function makeSite (t: Test, ca?: Authority): Promise<Site> {
  const folder = makeTestFolder(t, { 'revoked.txt': '# nobody yet\n' })
  const path = (file: string): string => join(folder, file)
  ca ??= await createAuthority({ name: 'Test CA' })
  const [server, alice, mallory] = await Promise.all([
    ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1', '::1'] }),
    ca.issue({ name: 'alice', usage: 'client' }),
    ca.issue({ name: 'mallory', usage: 'client' })
  ])
  const write = async (name: string, leaf: Issued): Promise<void> => {
    await writeFile(path(`${name}.pem`), leaf.chain)
    await writeFile(path(`${name}.key`), leaf.key)
  }
  await Promise.all([writeFile(path('ca.pem'), ca.certificate), write('server', server), write('alice', alice), write('mallory', mallory)])
  const named = (file: string): string => quoteEndpointArgument(path(file))
  const on = (where: string, extra = `:authorities=${named('ca.pem')}:revokedFile=${named('revoked.txt')}`): string =>
    `tls:${where}:privateKey=${named('server.key')}:certKey=${named('server.pem')}${extra}`
  return {
    folder,
    ca,
    server,
    alice,
    mallory,
    path,
    write,
    endpoint: (extra) => on('0:interface=127.0.0.1', extra),
    over: (transport, extra) => on(`transport=${quoteEndpointArgument(transport)}`, extra),
    revoke: (line) => appendFile(path('revoked.txt'), `${line}\n`)
  }
}

export interface RunningApp {
  readonly app: FastifyInstance
  readonly port: number
}

/** Starts an app on an endpoint string; it is closed when the test ends. */
export async function startApp (
  t: Test,
  description: string | readonly string[],
  routes: (app: FastifyInstance) => void | Promise<void> = helloRoute,
  options: FastifyServerOptions & { plugin?: EndpointOptions } = {}
): Promise<RunningApp> {
  const { plugin, ...server } = options
  const app = Fastify({ forceCloseConnections: true, pluginTimeout: PATIENCE, ...server, serverFactory } as FastifyServerOptions & { serverFactory: typeof serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: description, ...plugin })
  await routes(app)
  await app.listen()
  return { app, port: (app.server.address() as AddressInfo | null)?.port ?? 0 }
}

/** A route that answers with the client's subject. */
export function helloRoute (app: FastifyInstance): void {
  app.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))
}

/** Changes the list and puts it in force. When this resolves, all connections that it rejects are closed. */
export async function putInForce (app: FastifyInstance, action: () => Promise<unknown>): Promise<void> {
  await action()
  await app.endpoint.reload()
}

export interface Answer {
  status: number
  body: string
  headers: Record<string, string | string[] | undefined>
}

/** TLS options of a client of a site. */
export function asClient (site: Site, leaf?: { chain: string, key: string }): ConnectionOptions {
  return { ca: site.ca.certificate, servername: 'localhost', ...(leaf === undefined ? {} : { cert: leaf.chain, key: leaf.key }) }
}

/** One GET with a connection of its own (unless an agent is given); rejects where the connection fails. */
export async function get (port: number, options: RequestOptions, path = '/'): Promise<Answer> {
  const outgoing = request({ host: '127.0.0.1', port, path, agent: false, ...options })
  outgoing.end()
  const [response] = await once(outgoing, 'response')
  response.setEncoding('utf8')
  let body = ''
  for await (const chunk of response) body += chunk
  return { status: response.statusCode, body, headers: response.headers }
}

/** A TLS connection whose handshake is done as far as the client can tell. */
export async function connectTls (port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** All that a client receives after it has sent `text`, until the connection ends; never rejects. */
export async function bytesFor (port: number, options: ConnectionOptions, text: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk) => { received += chunk }).on('error', () => {})
  socket.once('secureConnect', () => { socket.write(text) })
  await once(socket, 'close').catch(() => {})
  return received
}

/** The ticket of a full handshake, after one request that was answered. */
export async function takeTicket (port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  const ticket = once(socket, 'session')
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [[session]] = await Promise.all([ticket as Promise<[Buffer]>, once(socket, 'data')])
  socket.destroy()
  return session
}
