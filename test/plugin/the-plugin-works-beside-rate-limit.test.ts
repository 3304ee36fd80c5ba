import rateLimit from '@fastify/rate-limit'
import { request } from 'node:http'
import { once } from 'node:events'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

async function statusFrom (localAddress: string, port: number): Promise<number> {
  const outgoing = request({ host: '127.0.0.1', port, localAddress, agent: false }).end()
  const [response] = await once(outgoing, 'response')
  response.resume()
  return response.statusCode
}

t.test('@fastify/rate-limit counts each client by its own address', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', async (app) => {
    await app.register(rateLimit, { max: 1, timeWindow: 60_000 })
    app.get('/', async (request) => request.ip)
  })
  t.equal(await statusFrom('127.0.0.1', port), 200)
  t.equal(await statusFrom('127.0.0.1', port), 429)
  // All of 127.0.0.0/8 is loopback on Linux; elsewhere only the first is there.
  if (process.platform === 'linux') t.equal(await statusFrom('127.0.0.2', port), 200)
})

t.test('@fastify/rate-limit sees the address of the client over TLS too', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(), async (app) => {
    await app.register(rateLimit, { max: 1, timeWindow: 60_000 })
    app.get('/', async (request) => request.ip)
  })
  t.match(await get(port, asClient(site, site.alice)), { status: 200, body: '127.0.0.1' })
  t.equal((await get(port, asClient(site, site.mallory))).status, 429)
})
