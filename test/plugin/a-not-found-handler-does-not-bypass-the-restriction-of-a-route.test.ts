import Fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'

const identityOf = (name: string): object => ({ commonName: name, dns: [], uris: [], emails: [], ips: [], spiffeId: undefined, roles: [] })
const ADMIN = { config: { endpoint: { allow: ['cn:admin'] } } } as const
const SECRET: RouteHandlerMethod = async () => 'secret'

/** An app in which the header "as" names the client. */
async function appWith (t: Test, routes: (app: FastifyInstance) => unknown): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0' })
  app.addHook('onRequest', async (request) => {
    const { as } = request.headers
    if (as !== undefined) Object.defineProperty(request, 'clientIdentity', { value: identityOf(String(as)) })
  })
  await routes(app)
  return app
}

async function answer (app: FastifyInstance, method: 'GET' | 'POST' | 'DELETE' | 'HEAD', url: string, as?: string): Promise<string> {
  const { statusCode, body } = await app.inject({ method, url, ...as !== undefined && { headers: { as } } })
  return `${statusCode} ${body}`
}

t.test('an unknown path or method gets the same answer beside a route with a restriction as anywhere else', async (t) => {
  const app = await appWith(t, (app) => {
    app.register(async (scope) => {
      scope.get('/admin', { ...ADMIN, exposeHeadRoute: false }, SECRET)
      scope.setNotFoundHandler((_request, reply) => reply.code(404).send('no such thing'))
    }, { prefix: '/scope' })
  })
  for (const as of [undefined, 'alice', 'admin']) {
    for (const [method, url] of [['POST', '/scope/admin'], ['GET', '/scope/admin/'], ['GET', '/scope/other'], ['DELETE', '/scope']] as const) {
      t.equal(await answer(app, method, url, as), '404 no such thing', `${method} ${url} as ${as ?? 'nobody'}`)
    }
    t.equal((await answer(app, 'HEAD', '/scope/admin', as)).slice(0, 3), '404')
    t.match(await answer(app, 'POST', '/elsewhere', as), /^404 .*Route POST:\/elsewhere not found/)
  }
  t.equal(await answer(app, 'GET', '/scope/admin', 'admin'), '200 secret')
})

t.test('reply.callNotFound() of a route with a restriction is reached by its clients only', async (t) => {
  const app = await appWith(t, (app) => {
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('no such thing'))
    app.get('/admin', ADMIN, (_request, reply) => { reply.callNotFound() })
  })
  t.equal(await answer(app, 'GET', '/admin', 'admin'), '404 no such thing')
  t.match(await answer(app, 'GET', '/admin', 'alice'), /^403 .*FST_ENDPOINT_CLIENT_NOT_ALLOWED/)
  t.match(await answer(app, 'GET', '/admin'), /^403 .*FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED/)
})

t.test('a restriction in the options of a not-found handler applies, also in a scope and after reply.callNotFound()', async (t) => {
  const seen: string[] = []
  const options = { ...ADMIN, preValidation: async () => { seen.push('the hook of the app') } }
  const app = await appWith(t, (app) => {
    app.setNotFoundHandler(options, SECRET)
    app.register(async (scope) => {
      scope.setNotFoundHandler({ ...ADMIN } as object, SECRET)
      scope.get('/open', (_request, reply) => { reply.callNotFound() })
    }, { prefix: '/scope' })
  })
  for (const url of ['/', '/a', '/scope', '/scope/a', '/scope/open']) {
    t.equal(await answer(app, 'GET', url, 'admin'), '200 secret', url)
    t.match(await answer(app, 'GET', url, 'alice'), /^403 .*FST_ENDPOINT_CLIENT_NOT_ALLOWED/, url)
    t.match(await answer(app, 'POST', url), /^403 .*FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED/, url)
  }
  t.equal(seen.length, 2, 'other hooks of the handler run only if the client may')
})

t.test('a wrong restriction of a not-found handler is an error', async (t) => {
  await appWith(t, (app) => {
    const set = (options: object): void => { app.setNotFoundHandler(options, SECRET) }
    t.throws(() => { set({ config: { endpoint: { allow: ['admin'] } } }) }, { code: 'FST_ENDPOINT_INVALID_ROUTE', message: /config\.endpoint of the route any "\/\*" has "admin" in allow/ })
    t.throws(() => { set({ config: { allow: ['cn:admin'] } }) }, { code: 'FST_ENDPOINT_ROUTE_CONFIG' })
    t.throws(() => { set({ endpoint: { allow: ['cn:admin'] } }) }, { code: 'FST_ENDPOINT_ROUTE_CONFIG' })
    set({ config: { endpoint: undefined, other: 1 } })
  })
})
