/**
 * No hook checks what a client sends within a request or after an upgrade. Closing the connections takes several turns
 * of the event loop, in which clients with open connections keep sending.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Duplex, Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { openSession } from '../support/http2-client.js'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

/** More than are cut in one turn. */
const CLIENTS = 60
const SWAPPED = 'fastify-endpoint:revocation:swapped'

type Options = ReturnType<typeof asClient>

/** What a client writes to, once the app has it. */
type Open = (port: number, options: Options) => Promise<Duplex>

async function upgraded (port: number, options: Options): Promise<Duplex> {
  const socket = await connectTls(port, options)
  socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
  await once(socket, 'data')
  return socket
}

async function posting (port: number, options: Options): Promise<Duplex> {
  const socket = await connectTls(port, options)
  socket.on('error', () => {}).write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n')
  return socket
}

async function streaming (port: number, options: Options): Promise<Duplex> {
  const session = await openSession(port, { ...options, ALPNProtocols: ['h2'] })
  return session.on('error', () => {}).request({ ':method': 'POST', 'content-type': 'application/octet-stream' }).on('error', () => {})
}

const WAYS: Record<string, Open> = { 'upgraded socket': upgraded, 'body of HTTP/1': posting, 'stream of HTTP/2': streaming }

for (const [way, open] of Object.entries(WAYS)) {
  t.test(`an app reads nothing that a revoked client sends after the swap, and everything that a good client sends: ${way}`, async (t) => {
    const site = await makeSite(t)
    const received = { before: 0, after: 0 }
    let read = (): void => {}
    const take = (readable: Readable): void => {
      readable.on('error', () => {}).on('data', (data: Buffer) => {
        received[data.toString() as keyof typeof received]++
        read()
      })
    }
    const until = async (isReached: () => boolean): Promise<void> => {
      await new Promise<void>((resolve) => {
        read = () => { if (isReached()) resolve() }
        read()
      })
    }
    const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app: FastifyInstance) => {
      app.addContentTypeParser('application/octet-stream', (_request, payload, done) => { done(null, payload) })
      app.post('/', (request, reply) => {
        reply.hijack()
        take(request.body as Readable)
      })
      app.server.on('upgrade', (_request, socket) => {
        take(socket)
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
      })
    })
    const revoked = await Promise.all(Array.from({ length: CLIENTS }, () => open(port, asClient(site, site.mallory))))
    const good = await open(port, asClient(site, site.alice))
    t.teardown(() => good.destroy())
    for (const socket of [...revoked, good]) socket.write('before')
    await until(() => received.before === CLIENTS + 1)

    const closed = Promise.all(revoked.map((socket) => new Promise((resolve) => { socket.once('close', resolve).resume() })))
    const write = (): void => { for (const socket of [...revoked, good]) socket.write('after') }
    subscribe(SWAPPED, write)
    t.teardown(() => unsubscribe(SWAPPED, write))
    await putInForce(app, () => site.revoke('mallory.pem'))
    unsubscribe(SWAPPED, write)
    await closed
    await until(() => received.after > 0)
    t.same(received, { before: CLIENTS + 1, after: 1 })
  })
}
