import { once } from 'node:events'
import { Agent } from 'node:https'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { renewals } from '../support/renewal.js'

t.test('a renewed server certificate ends no connection and no request', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const streamed = deferred()
  const { port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', async () => 'here')
    app.get('/slow', async () => await streamed.promise)
  }, { logger: log.logger })
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...asClient(site, site.alice) })
  t.teardown(() => agent.destroy())
  t.equal((await get(port, { agent })).body, 'here')
  const [socket] = Object.values(agent.freeSockets).flat()
  const slow = get(port, asClient(site, site.alice), '/slow')
  while (log.about('incoming request').length < 2) await once(log, 'line')

  const next = await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.key'), next.key)
  await writeFile(site.path('server.pem'), next.chain)
  await renewals(log, 1)

  t.equal((await get(port, { agent })).body, 'here')
  t.equal(Object.values(agent.freeSockets).flat()[0], socket, 'on the same connection')
  streamed.resolve('in the end')
  t.equal((await slow).body, 'in the end')
})

function deferred (): { promise: Promise<string>, resolve: (value: string) => void } {
  let resolve: (value: string) => void = () => {}
  const promise = new Promise<string>((_resolve) => { resolve = _resolve })
  return { promise, resolve }
}
