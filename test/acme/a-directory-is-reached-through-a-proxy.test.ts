/** HTTPS_PROXY and NO_PROXY, as curl and other ACME clients take them: with acmeCa, and without a way around the proxy. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { FakeDirectory, SingleOrders } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'

/** A proxy that tunnels (RFC 9110 section 9.3.6), and what it was asked. */
async function startProxy (t: Test, status = 200): Promise<{ url: string, asked: string[] }> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(502).end()
  })
  proxy.on('connection', (socket: Socket) => { sockets.add(socket) })
  proxy.on('connect', ({ url = '' }, client: Socket) => {
    asked.push(`CONNECT ${url}`)
    if (status !== 200) {
      client.end(`HTTP/1.1 ${status} Refused\r\n\r\n`)
      return
    }
    const onward = connect(Number(url.split(':')[1]), url.split(':')[0], () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      onward.pipe(client).pipe(onward)
    })
    sockets.add(onward)
    for (const socket of [client, onward]) socket.on('error', () => { client.destroy(); onward.destroy() })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
}

/** Workers copy the environment when they start. */
function setEnvironment (t: Test, values: Record<string, string>): void {
  const names = ['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'ALL_PROXY', 'all_proxy']
  const before = names.map((name) => [name, process.env[name]] as const)
  for (const name of names) delete process.env[name]
  Object.assign(process.env, values)
  t.teardown(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
}

/** A directory that is reached through the proxy of an environment variable. */
async function startBehindProxy (t: Test, variable: 'HTTPS_PROXY' | 'https_proxy') {
  const directory = await FakeDirectory.start(t)
  // Node 26 takes no IP address as the name of a server behind a tunnel.
  directory.host = 'localhost'
  const proxy = await startProxy(t)
  setEnvironment(t, { [variable]: proxy.url })
  return { directory, proxy, settings: directory.settings(makeShortFolder(t)) }
}

t.test('everything goes through the tunnel of the proxy, and acmeCa verifies the directory behind it', async (t) => {
  const { directory, proxy, settings } = await startBehindProxy(t, 'HTTPS_PROXY')
  const orders = new SingleOrders(t, settings, directory.authority.certificate)
  t.same((await orders.order(settings)).names, ['example.org'])
  t.same([...new Set(proxy.asked)], [`CONNECT ${new URL(directory.url).host}`])
})

t.test('other roots than acmeCa are not trusted behind a proxy', async (t) => {
  const { directory, settings } = await startBehindProxy(t, 'https_proxy')
  const other = await FakeDirectory.start(t)
  const failure = await new SingleOrders(t, settings, other.authority.certificate).failure(settings)
  t.match(failure, { code: 'FST_ENDPOINT_ACME_FAILED', message: /no connection \((UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|CERT_SIGNATURE_FAILURE)\)/ })
  t.equal(directory.calls.length, 0)
})

t.test('hosts of NO_PROXY are reached without it', async (t) => {
  const directory = await FakeDirectory.start(t)
  const proxy = await startProxy(t)
  setEnvironment(t, { HTTPS_PROXY: proxy.url, NO_PROXY: 'localhost,127.0.0.1' })
  const settings = directory.settings(makeShortFolder(t))
  t.ok(await new SingleOrders(t, settings, directory.authority.certificate).order(settings))
  t.same(proxy.asked, [])
})

t.test('a proxy that refuses is no reason to go around it', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.host = 'localhost'
  setEnvironment(t, { HTTPS_PROXY: (await startProxy(t, 407)).url })
  const settings = directory.settings(makeShortFolder(t))
  t.match((await new SingleOrders(t, settings, directory.authority.certificate).failure(settings)).message, /status 407/)
  t.equal(directory.calls.length, 0)
})
