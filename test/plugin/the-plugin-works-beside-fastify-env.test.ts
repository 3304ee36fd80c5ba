import fastifyEnv from '@fastify/env'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'

const ENV = { data: { NAME: 'mine' }, schema: { type: 'object', properties: { NAME: { type: 'string' } } } }

t.test('the @fastify/env of the app works unchanged, whether it is registered before or after the plugin', async (t) => {
  process.env['BESIDE_ENDPOINT'] = 'tcp:0'
  t.teardown(() => { delete process.env['BESIDE_ENDPOINT'] })
  for (const order of ['before', 'after'] as const) {
    const app = Fastify({ serverFactory }) as unknown as FastifyInstance & { config: unknown, getEnvs: () => unknown }
    t.teardown(() => app.close())
    if (order === 'before') await app.register(fastifyEnv, { ...ENV })
    await app.register(endpoint, { env: 'BESIDE_ENDPOINT' })
    if (order === 'after') await app.register(fastifyEnv, { ...ENV })
    app.get('/', async (request) => (request as unknown as { getEnvs: () => unknown }).getEnvs())
    await app.ready()
    t.same(app.config, { NAME: 'mine' }, order)
    t.same(app.getEnvs(), { NAME: 'mine' }, order)
    t.same((await app.inject('/')).json(), { NAME: 'mine' }, `${order}, on the request`)
    t.equal(app.endpoint.listeners[0]?.description, 'tcp:0')
  }
})

t.test('without @fastify/env, the app has none of its decorators', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { fallback: 'tcp:0' })
  for (const name of ['config', 'getEnvs', 'fastifyEndpointEnvironment']) t.notOk(app.hasDecorator(name), name)
  t.notOk(app.hasRequestDecorator('getEnvs'))
})
