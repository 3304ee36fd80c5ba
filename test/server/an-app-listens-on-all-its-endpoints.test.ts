import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { holdLookup } from '../support/resolver.js'
import { getOverUnix, makeShortFolder } from '../support/unix-sockets.js'

t.test('an app listens on all endpoints of a list, each of its own kind', async (t) => {
  const site = await makeSite(t)
  const path = join(makeShortFolder(t), 's')
  const { app } = await startApp(t, ['tcp:0:interface=127.0.0.1', `unix:${path}`, site.endpoint()])
  const [tcp, unix, tls] = app.endpoint.listeners.map(({ address }) => address) as [AddressInfo, string, AddressInfo]
  t.equal(unix, path)
  t.equal((await fetch(`http://127.0.0.1:${tcp.port}/`)).status, 200)
  t.equal(await getOverUnix(path), 200)
  t.equal((await get(tls.port, asClient(site, site.alice))).body, '{"hello":"CN=alice"}')
  await t.rejects(get(tls.port, asClient(site)), 'the gate of one endpoint is not that of another')
  await app.close()
  for (const { port } of [tcp, tls]) await t.rejects(fetch(`http://127.0.0.1:${port}/`))
  t.notOk(existsSync(path))
})

t.test('if one endpoint cannot be opened, none stays open, and the error names it', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { blocker.close() })
  await once(blocker, 'listening')
  const taken = `tcp:${(blocker.address() as AddressInfo).port}:interface=127.0.0.1`
  const path = join(makeShortFolder(t), 's')
  await t.rejects(startApp(t, [`unix:${path}`, taken]), { code: 'FST_ENDPOINT_ADDRESS_IN_USE', endpoint: taken })
  t.notOk(existsSync(path))
  t.notOk(existsSync(`${path}.lock`))
})

t.test('a client that has already connected to one endpoint does not delay the error', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const lookup = holdLookup(t, 'no..host')
  const starting = startApp(t, [`unix:${path}`, 'tcp:0:interface=no..host'])
  const failure = t.rejects(starting, { code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE' })
  await lookup.asked
  const client = await Peer.connect(t, path)
  lookup.release()
  await failure
  await client.closed
  t.notOk(existsSync(path))
})
