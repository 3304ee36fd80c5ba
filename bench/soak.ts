/**
 * Good clients, revoked ones and hostile ones at the same time, for minutes:
 *
 *     npm run bench:soak -- [--minutes 10]
 *
 * Good clients use HTTP/1, HTTP/2 and WebSockets, and must lose no request. Every second one more client is revoked; nothing
 * that it sends from then on may be served. Every five seconds the server's certificate is renewed. Meanwhile hostile clients
 * send chains of 111 certificates, garbage and broken HTTP/2, do not read their responses, and open floods of silent
 * connections. A row every 30 s shows what the server's process holds. The exit status is 1 if a good request was lost, or a
 * request of a revoked client was served.
 */
import { randomBytes } from 'node:crypto'
import { EventEmitter, once, setMaxListeners } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session, type IncomingHttpStatusHeader } from 'node:http2'
import { Agent, request, type RequestOptions } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { createAuthority, type Authority, type Issued } from '../test/support/pki.js'
import { identifyCertificate } from '../lib/x509/identity.js'
import { ServerSide } from './soak-side.js'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const DURATION = Number(values.minutes) * 60_000
/** Milliseconds between two rows. */
const ROW = 30_000
/** Entries of the list; the oldest go when it is full. */
const LISTED = 60
/** Milliseconds within which a revocation must be in force. */
const PATIENCE = 20_000

const ends = new AbortController()
const { signal } = ends
setMaxListeners(100, signal)
const counts = { good: 0, revoked: 0, refused: 0, served: 0, long: 0, garbage: 0, aborted: 0, silent: 0, renewals: 0 }
/** Good requests that were lost, and requests of revoked clients that were served, by what happened. */
const faults = new Map<string, number>()

function fault (text: string): void {
  // A request that the end of the soak cuts off is not lost.
  if (!signal.aborted) faults.set(text, (faults.get(text) ?? 0) + 1)
}

interface Site {
  readonly folder: string
  readonly port: number
  readonly root: Authority
  readonly server: Authority
}

function optionsOf (site: Site, { chain, key }: Pick<Issued, 'chain' | 'key'>): RequestOptions & { ca: string } {
  return { host: '127.0.0.1', port: site.port, servername: 'localhost', ca: site.server.certificate, cert: chain, key }
}

/** The first argument of an event; rejects if the emitter fails or closes before. */
async function next<T> (emitter: EventEmitter, event: string): Promise<T> {
  const controller = new AbortController()
  try {
    return await Promise.race([
      once(emitter, event, { signal: controller.signal }).then(([value]) => value as T),
      once(emitter, 'close', { signal: controller.signal }).then((): never => { throw new Error('closed') })
    ])
  } finally {
    controller.abort()
  }
}

async function ask (options: RequestOptions): Promise<number> {
  const outgoing = request({ path: '/', ...options })
  outgoing.end()
  const response = await next<IncomingMessage>(outgoing, 'response')
  await next(response.resume(), 'end')
  return response.statusCode ?? 0
}

async function askHttp2 (session: ClientHttp2Session): Promise<number> {
  const stream = session.request({ ':path': '/' })
  stream.end()
  const headers = await next<IncomingHttpStatusHeader>(stream, 'response')
  await next(stream.resume(), 'end')
  return headers[':status'] ?? 0
}

async function echo (socket: WebSocket): Promise<void> {
  // On a closed socket, `send` does nothing and reports nothing.
  if (socket.readyState !== WebSocket.OPEN) throw new Error('closed')
  const text = randomBytes(8).toString('hex')
  socket.send(text)
  if (String(await next(socket, 'message')) !== text) throw new Error('another answer')
}

async function openHttp2 (options: RequestOptions & { ca: string }): Promise<ClientHttp2Session> {
  const session = connectHttp2(`https://localhost:${options.port}`, { ...options, host: '127.0.0.1' } as object)
  session.on('error', () => {})
  await next(session, 'connect')
  return session
}

async function openSocket (options: RequestOptions): Promise<WebSocket> {
  const socket = new WebSocket(`wss://localhost:${options.port}/socket`, options as object)
  await next(socket, 'open')
  socket.on('error', () => {})
  return socket
}

/** Does something again and again until the end. */
async function repeat (milliseconds: number, action: () => Promise<unknown>, failed?: (error: Error) => void): Promise<void> {
  while (!signal.aborted) {
    await action().catch((error: Error) => {
      if (failed === undefined) throw error
      failed(error)
    })
    await pause(milliseconds, undefined, { signal }).catch(() => {})
  }
}

/** Does something as often as one connection should be used. */
async function often (action: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 200 && !signal.aborted; i++) {
    await action()
    await pause(10)
  }
}

/** Clients of one certificate that send requests on all protocols, each for a while on one connection. */
async function good (site: Site, leaf: Issued): Promise<void> {
  const options = optionsOf(site, leaf)
  const lost = (how: string) => (error: Error & { code?: string }): void => { fault(`good request lost, ${how}: ${error.code ?? error.message}`) }
  const check = (how: string) => (status: number): void => {
    if (status === 200) counts.good++
    else fault(`good request lost, ${how}: status ${status}`)
  }
  await Promise.all([
    repeat(100, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      await often(async () => { await ask({ ...options, agent }).then(check('HTTP/1'), lost('HTTP/1')) })
      agent.destroy()
    }),
    repeat(100, async () => {
      const session = await openHttp2(options)
      await often(async () => { await askHttp2(session).then(check('HTTP/2'), lost('HTTP/2')) })
      session.close()
    }, lost('HTTP/2 session')),
    repeat(100, async () => {
      const socket = await openSocket(options)
      await often(async () => { await echo(socket).then(() => { counts.good++ }, lost('WebSocket')) })
      socket.close()
    }, lost('WebSocket opening'))
  ])
}

const listed: string[] = []
/** Lists are written one after the other, so that the last one is the newest. */
let written = Promise.resolve()

/** Connects a client on all protocols, revokes it, and lets it try everything from the moment that this is in force. */
async function revokeOne (site: Site, issuer: Authority, server: ServerSide): Promise<void> {
  const leaf = await issuer.issue({ name: `client ${counts.revoked}`, usage: 'client' })
  const options = optionsOf(site, leaf)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const [session, socket] = await Promise.all([openHttp2(options), openSocket(options), ask({ ...options, agent })])
    listed.push(`tbs:${identifyCertificate(leaf.der).tbs}`)
    if (listed.length > LISTED) listed.shift()
    const text = `${listed.join('\n')}\n`
    await (written = written.then(() => replace(site, 'revoked.txt', text)))
    counts.revoked++
    const limit = Date.now() + PATIENCE
    while (await server.isRevoked(leaf.certificate) === false) {
      if (Date.now() > limit) return fault('a revocation was not in force in time')
      await pause(20)
    }
    const attempts: Record<string, () => Promise<unknown>> = {
      'HTTP/1, open': async () => await expectRefused(ask({ ...options, agent })),
      'HTTP/2, open': async () => await expectRefused(askHttp2(session)),
      'WebSocket, open': async () => await echo(socket),
      'HTTP/1, new': async () => await expectRefused(ask({ ...options, agent: false })),
      'HTTP/2, new': async () => await expectRefused(openHttp2(options).then(askHttp2)),
      'WebSocket, new': async () => await openSocket(options)
    }
    await Promise.all(Object.entries(attempts).map(async ([how, attempt]) => {
      await attempt().then(() => {
        counts.served++
        fault(`revoked client served, ${how}`)
      }, () => { counts.refused++ })
    }))
    session.destroy()
    socket.terminate()
  } catch (error) {
    fault(`a client that is not revoked yet was not let in: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`)
  } finally {
    agent.destroy()
  }
}

/** Any other status than 403 is service. */
async function expectRefused (answer: Promise<number>): Promise<void> {
  if (await answer === 403) throw new Error('refused')
}

async function replace ({ folder }: Pick<Site, 'folder'>, file: string, content: string): Promise<void> {
  await writeFile(join(folder, `.${file}`), content)
  await rename(join(folder, `.${file}`), join(folder, file))
}

async function renew (site: Site): Promise<void> {
  const { chain, key } = await issueServer(site.server)
  await replace(site, 'server.key', key)
  await replace(site, 'server.pem', chain)
  counts.renewals++
}

async function issueServer (authority: Authority): Promise<Issued> {
  return await authority.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
}

/** A TLS connection, until it ends in any way. */
async function knock (options: RequestOptions & { ca: string }, use: (socket: TLSSocket) => void = () => {}): Promise<void> {
  const socket = connect({ ...options, host: '127.0.0.1', port: Number(options.port) } as object)
  socket.on('error', () => {}).resume()
  socket.once('secureConnect', () => { use(socket) })
  await Promise.race([once(socket, 'close').catch(() => {}), pause(5000)])
  socket.destroy()
}

/** Bytes that are not TLS, or not TLS any more. */
async function garbage ({ port }: Site): Promise<void> {
  const socket = connectTcp({ host: '127.0.0.1', port })
  socket.on('error', () => {}).resume()
  socket.write(Buffer.concat([counts.garbage++ % 2 === 0 ? Buffer.of(22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3) : Buffer.alloc(0), randomBytes(600)]))
  await Promise.race([once(socket, 'close').catch(() => {}), pause(1000)])
  socket.destroy()
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** SETTINGS, then DATA on stream 0 (RFC 9113 section 6.1: a connection error). */
const BROKEN_HTTP2 = Buffer.concat([Buffer.from(PREFACE), Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0), Buffer.of(0, 0, 1, 0, 0, 0, 0, 0, 0, 0)])

async function silentFlood ({ port }: Site): Promise<void> {
  const sockets = Array.from({ length: 300 }, () => connectTcp({ host: '127.0.0.1', port }).on('error', () => {}))
  await pause(3000)
  for (const socket of sockets) socket.destroy()
  counts.silent += sockets.length
}

/** A leaf with 110 self-made authorities behind it, and one that is sent with its root. */
async function makeStrangers (): Promise<Array<Pick<Issued, 'chain' | 'key'>>> {
  const root = await createAuthority({ name: 'Foreign Root' })
  let issuer = root
  for (let i = 0; i < 110; i++) issuer = await createAuthority({ name: `Foreign ${i}`, issuer })
  const [deep, flat] = await Promise.all([issuer, root].map((authority) => authority.issue({ name: 'stranger', usage: 'client' }))) as [Issued, Issued]
  return [deep, { ...flat, chain: flat.certificate + root.certificate }]
}

const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-soak-'))
let server: ServerSide | undefined
try {
  const [root, serverRoot] = await Promise.all(['Soak Root', 'Soak Server Root'].map((name) => createAuthority({ name }))) as [Authority, Authority]
  const intermediate = await createAuthority({ name: 'Soak Intermediate', issuer: root })
  const own = await issueServer(serverRoot)
  await Promise.all(Object.entries({ 'ca.pem': root.certificate, 'server.pem': own.chain, 'server.key': own.key, 'revoked.txt': '# nobody\n' })
    .map(([file, content]) => writeFile(join(folder, file), content)))
  const clients = await Promise.all([root, root, intermediate, intermediate].map((issuer, index) => issuer.issue({ name: `good ${index}`, usage: 'client' })))
  const strangers = await makeStrangers()
  const side = server = new ServerSide(folder, (how) => { if (!signal.aborted) fault(`the server ended (${how})`) })
  const site: Site = { folder, port: await side.port(), root, server: serverRoot }
  const [first] = clients as [Issued]
  const started = Date.now()
  console.log('| minute | RSS, MB | heap, MB | external, MB | descriptors | connections | health | good requests | revoked | their requests refused | served | long chains | renewals |\n|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|')
  const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)
  const work = [
    ...clients.map((leaf) => good(site, leaf)),
    // Not awaited: it never rejects, and the next one is revoked a second later, however long the attempts take.
    repeat(1000, async () => { revokeOne(site, counts.revoked % 2 === 0 ? root : intermediate, side).catch(() => {}) }),
    repeat(5000, async () => { await renew(site) }),
    ...strangers.map((stranger) => repeat(150, async () => {
      await knock(optionsOf(site, stranger))
      counts.long++
    })),
    repeat(200, async () => { await garbage(site) }),
    repeat(500, async () => { await knock({ ...optionsOf(site, first), ALPNProtocols: ['h2'] } as never, (socket) => { socket.write(BROKEN_HTTP2) }) }),
    repeat(500, async () => {
      await knock(optionsOf(site, first), (socket) => {
        socket.pause().write('GET /big HTTP/1.1\r\nhost: localhost\r\n\r\n')
        setTimeout(() => { socket.end(); setTimeout(() => socket.destroy(), 50) }, 100)
      })
      counts.aborted++
    }),
    repeat(10_000, async () => { await silentFlood(site) }),
    repeat(ROW, async () => {
      const { rss, heap, external, descriptors, places, health } = await side.report()
      console.log(`| ${((Date.now() - started) / 60_000).toFixed(1)} | ${[megabytes(rss), megabytes(heap), megabytes(external), descriptors, places, health, counts.good, counts.revoked, counts.refused, counts.served, counts.long, counts.renewals].join(' | ')} |`)
    })
  ]
  await Promise.race([pause(DURATION), ...work])
  ends.abort()
  await Promise.race([Promise.all(work), pause(10_000)])
  await pause(1000)
  const { rss, descriptors, places } = await side.report()
  console.log(`\nNode.js ${process.version}, afterwards: RSS ${megabytes(rss)} MB, ${descriptors} descriptors, ${places} connections; ${counts.garbage} garbage connections, ${counts.aborted} responses not taken, ${counts.silent} silent connections`)
  for (const [text, number] of faults) console.log(`FAULT, ${number} times: ${text}`)
  if (faults.size === 0) console.log('no good request lost, no revoked one served')
  else process.exitCode = 1
} finally {
  ends.abort()
  await server?.stop()
  await rm(folder, { recursive: true })
}
process.exit()
