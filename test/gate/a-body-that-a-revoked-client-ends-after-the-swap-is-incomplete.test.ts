/**
 * A request that ends after the swap must not count as complete: an app would act on a part of it, or store it. The end
 * may arrive in the same chunk as the rest, or as trailers.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import type { Duplex, Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { asClient, connectTls, get, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { DATA, END_STREAM, frame, HEADERS, openRaw, POST, request } from '../support/raw-http2.js'

/** More than are cut in one turn. */
const CLIENTS = 40
const SWAPPED = 'fastify-endpoint:revocation:swapped'
const HEAD = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\n'
/** A header of its own name and value, without Huffman coding (RFC 7541 section 6.2.2). */
const TRAILERS = frame(HEADERS, END_STREAM | 0x4, 1, Buffer.concat([Buffer.of(0, 3), Buffer.from('x-t'), Buffer.of(4), Buffer.from('evil')]))

interface Way {
  readonly isHttp2: boolean
  readonly before: string | Buffer
  readonly after: string | Buffer
}

const WAYS: Record<string, Way> = {
  'a body of known length': { isHttp2: false, before: `${HEAD}content-length: 11\r\n\r\nbefore`, after: 'after' },
  'a last chunk with trailers': { isHttp2: false, before: `${HEAD}transfer-encoding: chunked\r\n\r\n6\r\nbefore\r\n`, after: '5\r\nafter\r\n0\r\nx-t: evil\r\n\r\n' },
  'the end of a stream': { isHttp2: true, before: stream(1, 'before'), after: frame(DATA, END_STREAM, 1, Buffer.from('after')) },
  'trailers of a stream': { isHttp2: true, before: stream(1, 'before'), after: TRAILERS },
  'data, and new streams behind it': { isHttp2: true, before: stream(1, 'before'), after: Buffer.concat([frame(DATA, 0, 1, Buffer.from('after')), stream(3, 'x'), stream(5, 'y'), frame(DATA, END_STREAM, 3, Buffer.alloc(5000))]) }
}

function stream (id: number, text: string): Buffer {
  return Buffer.concat([request(id, '/', POST), frame(DATA, 0, id, Buffer.from(text))])
}

/** What an app has seen of all requests, by how often. */
type Seen = Record<string, number>

function watch (app: FastifyInstance, seen: Seen, onData: () => void): void {
  const note = (what: string): void => { seen[what] = (seen[what] ?? 0) + 1 }
  app.addContentTypeParser('*', (_request, payload, done) => { done(null, payload) })
  app.post('/', (request, reply) => {
    reply.hijack()
    const raw = request.raw as IncomingMessage | Http2ServerRequest
    let isAborted = false
    ;(raw as Readable).on('aborted', () => { isAborted = true }).on('error', () => {})
      .on('data', (data: Buffer) => {
        note(data.toString())
        onData()
      })
      .on('end', () => { if (!isAborted) note('end') })
    if ('stream' in raw) raw.stream.on('trailers', () => { note('trailers') })
  })
  app.server.on('session', (session: ServerHttp2Session) => { session.on('stream', () => { note('stream') }) })
}

async function open (t: Test, port: number, options: ReturnType<typeof asClient>, isHttp2: boolean): Promise<Duplex> {
  const socket = isHttp2 ? await openRaw(t, port, options) : await connectTls(port, options)
  return socket.on('error', () => {}).once('end', () => { socket.destroy() }).resume()
}

for (const [name, { isHttp2, before, after }] of Object.entries(WAYS)) {
  t.test(`a revoked client completes nothing after the swap: ${name}`, async (t) => {
    const site = await makeSite(t)
    const seen: Seen = {}
    let onData = (): void => {}
    const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
      app.get('/', async () => 'good')
      watch(app, seen, () => { onData() })
    })
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => open(t, port, asClient(site, site.mallory), isHttp2)))
    const begun = new Promise<void>((resolve) => { onData = () => { if (seen['before'] === CLIENTS) resolve() } })
    for (const client of clients) client.write(before)
    await begun

    const closed = Promise.all(clients.map((client) => new Promise((resolve) => { client.once('close', resolve) })))
    const write = (): void => {
      unsubscribe(SWAPPED, write)
      for (const client of clients) client.write(after)
    }
    subscribe(SWAPPED, write)
    await putInForce(app, () => site.revoke('mallory.pem'))
    await closed
    t.same(seen, { before: CLIENTS, ...(isHttp2 && { stream: CLIENTS }) })
    t.match(await get(port, asClient(site, site.alice)), { status: 200, body: 'good' }, 'the process continues')
  })
}
