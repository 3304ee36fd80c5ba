import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { untilConnected } from '../support/closing.js'
import { asClient, connectTls, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { HUGE, Looks } from '../support/taking.js'

async function startHuge (t: Test, endpoint: string): Promise<RunningApp> {
  return await startApp(t, endpoint, (app) => { app.get('/', async () => HUGE) }, { forceCloseConnections: false })
}

/** A client that sends a request, reads the first bytes of the answer, and stops reading. */
async function openUnread (t: Test, ways: { port: number, tls?: object }): Promise<Socket> {
  const socket = ways.tls === undefined ? connect({ port: ways.port, host: '127.0.0.1', allowHalfOpen: true }) : await connectTls(ways.port, { ...ways.tls, allowHalfOpen: true } as object)
  t.teardown(() => { socket.destroy() })
  socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'readable')
  return socket
}

/** Checks until no more data moves: the buffers of the kernel are full. */
async function settle (looks: Looks): Promise<void> {
  for (let look = 0; look < 20; look++) await looks.after(look / 100)
}

t.test('a client that stays connected and reads nothing is closed after two minutes', async (t) => {
  const site = await makeSite(t)
  for (const [endpoint, tls] of [['tcp:0:interface=127.0.0.1', undefined], [site.endpoint(), asClient(site, site.alice)]] as const) {
    const { app, port } = await startHuge(t, endpoint)
    await openUnread(t, { port, ...(tls === undefined ? {} : { tls }) })
    const looks = new Looks(app)
    await settle(looks)
    t.equal(await looks.after(119), 1)
    t.equal(await looks.after(121), 0)
  }
})

t.test('a client that has ended its half and reads nothing is closed after ten seconds', async (t) => {
  const site = await makeSite(t)
  for (const [endpoint, tls] of [['tcp:0:interface=127.0.0.1', undefined], [site.endpoint(), asClient(site, site.alice)]] as const) {
    const { app, port } = await startHuge(t, endpoint)
    const client = await openUnread(t, { port, ...(tls === undefined ? {} : { tls }) })
    client.end()
    await once(client, 'finish')
    const looks = new Looks(app)
    await settle(looks)
    // In Node 22, a TLS client that ends its half also resets the connection, so it is closed at once.
    if (tls === undefined) t.equal(await looks.after(9), 1)
    t.equal(await looks.after(11), 0)
  }
})

t.test('close() waits ten seconds for a client that reads nothing', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startHuge(t, site.endpoint())
  await openUnread(t, { port, tls: asClient(site, site.alice) })
  const looks = new Looks(app)
  await settle(looks)
  const closed = app.close()
  t.equal(await looks.after(9), 1)
  t.equal(await looks.after(11), 0)
  await closed
})

t.test('if too much data waits for clients that read nothing, the clients with most of it are closed first', async (t) => {
  const { app, port } = await startHuge(t, 'tcp:0:interface=127.0.0.1')
  await openUnread(t, { port })
  await openUnread(t, { port })
  const looks = new Looks(app)
  await settle(looks)
  // An eighth of it is enough for one and a half.
  const memory = 12 * HUGE.length
  t.equal(await looks.after(1, memory), 2, 'one second does not count as a stall')
  t.equal(await looks.after(3, 100 * memory), 2, 'there is memory for both')
  t.equal(await looks.after(3, memory), 1, 'there is memory for one')
})

t.test('a client that reads a little now and then is never closed', async (t) => {
  const { app, port } = await startHuge(t, 'tcp:0:interface=127.0.0.1')
  const client = await openUnread(t, { port })
  const looks = new Looks(app)
  await settle(looks)
  let taken = 0
  for (let minutes = 1; taken < HUGE.length; minutes++) {
    // A piece of a few megabytes: the kernel of this server hands on more when much of its buffer is free.
    for (let piece = 0; piece < 5_000_000 && taken < HUGE.length;) {
      const bytes = client.read() as Buffer | null
      if (bytes === null) await once(client, 'readable')
      else { piece += bytes.length; taken += bytes.length }
    }
    t.equal(await looks.after(minutes * 100), 1)
  }
})

t.test('a slow request, an idle connection and a tunnel are not closed, since no data waits for them', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', () => new Promise(() => {}))
    app.get('/done', async () => 'done')
    app.server.on('upgrade', (_request, socket) => { socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: none\r\n\r\n') })
  })
  for (const lines of ['GET / HTTP/1.1', 'GET /done HTTP/1.1', 'GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: none']) {
    const socket = await connectTls(port, asClient(site, site.alice))
    t.teardown(() => { socket.destroy() })
    socket.write(`${lines}\r\nhost: localhost\r\n\r\n`)
    if (lines !== 'GET / HTTP/1.1') await once(socket, 'data')
  }
  await untilConnected(app, 3)
  const looks = new Looks(app)
  for (let hours = 0; hours < 24; hours++) t.equal(await looks.after(hours * 3600), 3)
})
