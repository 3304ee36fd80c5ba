/** The endpoint string replaces the options of Fastify for its own server. */
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { makeSite, type Site } from '../support/mutual-tls.js'

function make (t: Test, options: object): FastifyInstance {
  const app = Fastify({ ...options, serverFactory } as FastifyServerOptions) as unknown as FastifyInstance
  t.teardown(() => app.close())
  return app
}

async function start (t: Test, options: object, text: string | string[]): Promise<void> {
  await make(t, options).register(endpoint, { endpoint: text })
}

t.test('the plugin rejects credentials in https', async (t) => {
  for (const https of [{ key: 'KEY', cert: 'CERT' }, { allowHTTP1: true, ca: 'CA' }]) {
    t.throws(() => make(t, { https }), { code: 'FST_ENDPOINT_SERVER_OPTION', message: `Fastify's option https (${Object.keys(https).filter((name) => name !== 'allowHTTP1').join(', ')}) has no effect: the endpoint string names the files. Write them there, as in tls:8443:privateKey=` })
  }
})

t.test('the plugin rejects https if no endpoint uses TLS, and http2 if none offers HTTP/2', async (t) => {
  const site = await makeSite(t)
  const tcp = 'tcp:0:interface=127.0.0.1'
  await t.rejects(start(t, { https: {} }, tcp), { code: 'FST_ENDPOINT_SERVER_OPTION', message: /option https has no effect: .*Write a tls: endpoint/ })
  for (const text of [tcp, site.endpoint()]) {
    await t.rejects(start(t, { http2: true }, text), { code: 'FST_ENDPOINT_SERVER_OPTION', message: /option http2 has no effect: .*Write alpn=h2\+http\/1\.1 into a tls: endpoint/ })
  }
})

t.test('the plugin accepts these options if an endpoint does what they say', async (t) => {
  const site = await makeSite(t)
  const h2 = (site: Site): string => `${site.endpoint()}:alpn=h2+http/1.1`
  await t.resolves(start(t, { https: {} }, site.endpoint()))
  await t.resolves(start(t, { https: true }, ['tcp:0:interface=127.0.0.1', site.endpoint()]))
  await t.resolves(start(t, { https: null }, 'tcp:0:interface=127.0.0.1'))
  await t.resolves(start(t, { http2: false }, site.endpoint()))
  await t.resolves(start(t, { http2: true }, h2(site)))
  await t.resolves(start(t, { http2: true, https: { allowHTTP1: true } }, h2(site)))
})
