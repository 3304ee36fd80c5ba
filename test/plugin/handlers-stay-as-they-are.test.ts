/** The check of the client before a handler is invisible to the handler and to other plugins. */
import Fastify, { type FastifyInstance, type RouteHandlerMethod, type RouteOptions } from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'

t.test('a plugin that is registered later sees the handler of a route as it was declared', async (t) => {
  const site = await makeSite(t)
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: site.endpoint() })
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push({ ...route })
    const { handler } = route
    route.handler = handler
    t.equal(route.handler, handler, 'a guarded handler is not guarded again')
  })
  const described = Object.assign(async function showAccount () { return {} }, { summary: 'the account' })
  app.get('/account', { config: { rateLimit: 5 } as object }, described)
  for (const { method, handler, config } of routes) {
    t.match({ ...handler, name: handler.name, length: handler.length }, { name: 'showAccount', length: 0, summary: 'the account' }, String(method))
    t.equal(handler.constructor, described.constructor, 'an async function')
    t.match(config, { rateLimit: 5 })
  }
  t.same(routes.map(({ method }) => method).sort(), ['GET', 'HEAD'])
})

t.test('a handler has its app as this, and can answer in each way that Fastify supports', async (t) => {
  const site = await makeSite(t)
  const app = Fastify({ serverFactory, forceCloseConnections: true }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  app.setErrorHandler((error, _request, reply) => { reply.code(500).send(`failed: ${(error as Error).message}`) })
  const handlers: Record<string, RouteHandlerMethod> = {
    this: async function () { return (this as FastifyInstance & { tenant?: string }).tenant ?? 'no tenant' },
    value: () => 'a value',
    send: (_request, reply) => { reply.send('sent') },
    returned: (_request, reply) => reply.send('sent and returned'),
    throws: () => { throw new Error('thrown') },
    rejects: async () => { throw new Error('rejected') },
    hijacked: (_request, reply) => {
      reply.hijack()
      reply.raw.end('hijacked')
    }
  }
  await app.register(endpoint, { endpoint: site.endpoint() })
  await app.register(async (child) => {
    child.decorate('tenant', 'the child')
    for (const [name, handler] of Object.entries(handlers)) child.get(`/${name}`, handler)
    child.setNotFoundHandler(handlers['this'] as RouteHandlerMethod)
  }, { prefix: '/child' })
  await app.listen()
  const { port } = app.server.address() as { port: number }
  const answers: Record<string, string> = {}
  for (const name of [...Object.keys(handlers), 'unknown']) {
    const { status, body } = await get(port, asClient(site, site.alice), `/child/${name}`)
    answers[name] = `${status} ${body}`
    if (name !== 'hijacked') t.equal((await app.inject(`/child/${name}`)).body, body, `injected: ${name}`)
  }
  t.strictSame(answers, {
    this: '200 the child',
    value: '200 a value',
    send: '200 sent',
    returned: '200 sent and returned',
    throws: '500 failed: thrown',
    rejects: '500 failed: rejected',
    hijacked: '200 hijacked',
    unknown: '200 the child'
  })
})
