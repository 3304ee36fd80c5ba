import { connect } from 'node:http2'
import { once } from 'node:events'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

function routes (app: FastifyInstance): void {
  app.get('/', async ({ endpoint }) => ({ index: app.endpoint.listeners.findIndex((listener) => listener === endpoint), verify: endpoint?.verify ?? null }))
}

t.test('a request names the endpoint that it arrived at', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, [`${site.endpoint()}:alpn=h2+http/1.1`, 'tcp:0:interface=127.0.0.1', `${site.endpoint()}:verify=optional`], routes)
  const [, plain, optional] = app.endpoint.listeners.map(({ address }) => (address as { port: number }).port)
  t.same(JSON.parse((await get(port, asClient(site, site.alice))).body), { index: 0, verify: 'required' })
  t.same(await (await fetch(`http://127.0.0.1:${plain}/`)).json(), { index: 1, verify: 'none' })
  t.same(JSON.parse((await get(optional as number, asClient(site))).body), { index: 2, verify: 'optional' })

  const session = connect(`https://localhost:${port}`, { ...asClient(site, site.alice), host: '127.0.0.1', port })
  const stream = session.request({ ':path': '/' }).setEncoding('utf8')
  const [body] = await once(stream, 'data')
  t.same(JSON.parse(body), { index: 0, verify: 'required' }, 'of HTTP/2')
  session.destroy()
})

t.test('an injected request has no endpoint', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1', routes)
  t.same((await app.inject('/')).json(), { index: -1, verify: null })
})
