import { connect as connectHttp2 } from 'node:http2'
import { once } from 'node:events'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyContextConfig, type FastifyInstance, type RouteOptions } from 'fastify'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import endpoint, { serverFactory } from '../../lib/index.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

interface Restricted {
  readonly config: FastifyContextConfig
}

const ADMIN: Restricted = { config: { endpoint: { allow: ['cn:admin'] } } }
const ALICE: Restricted = { config: { endpoint: { allow: ['cn:alice'] } } }

/** The status of each route for a client with the commonName alice, whose identity an onRequest hook puts on the request. */
async function statusesFor (app: FastifyInstance, ...requests: ReadonlyArray<readonly [method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST', url: string, headers?: Record<string, string>]>): Promise<number[]> {
  const answers: number[] = []
  for (const [method, url, headers = {}] of requests) answers.push((await app.inject({ method, url, headers })).statusCode)
  return answers
}

/** An app that is ready. */
async function appWith (t: Test, routes: (app: FastifyInstance) => unknown, options = {}): Promise<FastifyInstance> {
  const app = Fastify({ ...options, serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0' })
  app.addHook('onRequest', async (request) => {
    const identity = { commonName: 'alice', dns: [], uris: [], emails: [], ips: [], spiffeId: undefined, roles: [] }
    Object.defineProperty(request, 'clientIdentity', { value: identity })
  })
  await routes(app)
  return app
}

t.test('HEAD and OPTIONS routes, prefixes with and without a slash, constraints and several methods are protected', async (t) => {
  const app = await appWith(t, async (app) => {
    for (const [name, options] of [['admin', ADMIN], ['alice', ALICE]] as const) {
      app.get(`/${name}`, options, async () => 'yes')
      app.route({ method: ['OPTIONS', 'POST'], url: `/${name}`, ...options, handler: async () => 'yes' })
      app.get(`/${name}/by`, { ...options, constraints: { host: 'a.example.org' } }, async () => 'yes')
      app.get(`/${name}/by`, { ...options, constraints: { version: '1.0.0' } }, async () => 'yes')
      for (const slash of ['both', 'slash', 'no-slash'] as const) {
        await app.register(async (child) => { child.get('/', { ...options, prefixTrailingSlash: slash }, async () => 'yes') }, { prefix: `/${name}/${slash}` })
      }
    }
  })
  for (const [name, status] of [['admin', 403], ['alice', 200]] as const) {
    const statuses = await statusesFor(app,
      ['GET', `/${name}`], ['HEAD', `/${name}`], ['OPTIONS', `/${name}`], ['POST', `/${name}`],
      ['GET', `/${name}/by`, { host: 'a.example.org' }], ['GET', `/${name}/by`, { 'accept-version': '1.x' }], ['HEAD', `/${name}/by`, { host: 'a.example.org' }],
      ['GET', `/${name}/both`], ['GET', `/${name}/both/`], ['HEAD', `/${name}/both/`], ['GET', `/${name}/slash/`], ['GET', `/${name}/no-slash`], ['HEAD', `/${name}/no-slash`],
      ['GET', `/${name}/both?x`], ['GET', `//${name}`.slice(1)]
    )
    t.same(new Set(statuses), new Set([status]), name)
  }
})

t.test('HEAD routes that an app turns on or off, methods of its own and app.all are protected', async (t) => {
  for (const exposeHeadRoutes of [true, false]) {
    const app = await appWith(t, (app) => {
      app.addHttpMethod('PROPFIND', { hasBody: true })
      for (const [name, options] of [['admin', ADMIN], ['alice', ALICE]] as const) {
        app.get(`/${name}`, { ...options, exposeHeadRoute: !exposeHeadRoutes }, async () => 'yes')
        app.all(`/${name}/all`, options, async () => 'yes')
        app.route({ method: 'PROPFIND', url: `/${name}/own`, ...options, handler: async () => 'yes' })
        // A route of its own has a restriction of its own.
        if (exposeHeadRoutes) app.head(`/${name}`, options, async () => 'yes')
      }
    }, { exposeHeadRoutes })
    for (const [name, status] of [['admin', 403], ['alice', 200]] as const) {
      const statuses = await statusesFor(app, ['GET', `/${name}`], ['HEAD', `/${name}`], ['GET', `/${name}/all`], ['HEAD', `/${name}/all`], ['OPTIONS', `/${name}/all`], ['POST', `/${name}/all`])
      const own = await app.inject({ method: 'PROPFIND' as 'GET', url: `/${name}/own` })
      t.same(new Set([...statuses, own.statusCode]), new Set([status]), `${name}, exposeHeadRoutes: ${exposeHeadRoutes}`)
    }
  }
})

t.test('an address that the app rewrites, and a request that it injects into itself, are protected', async (t) => {
  const app = await appWith(t, (app) => {
    app.get('/admin', ADMIN, async () => 'yes')
    app.get('/alice', ALICE, async () => 'yes')
    app.get('/around', async (_request, reply) => {
      const { statusCode } = await app.inject('/admin')
      return await reply.code(statusCode).send()
    })
  }, { rewriteUrl: ({ url = '' }: { url?: string }) => url.replace('/public', '') })
  t.same(await statusesFor(app, ['GET', '/public/admin'], ['HEAD', '/public/admin'], ['GET', '/public/alice'], ['GET', '/around']), [403, 403, 200, 403])
})

t.test('an injected request without a certificate gets through no route that requires one', async (t) => {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0' })
  app.get('/alice', ALICE, async () => 'yes')
  app.get('/anybody', { config: { endpoint: { clientCertificate: 'required' } } }, async () => 'yes')
  for (const url of ['/alice', '/anybody']) {
    const { statusCode, body } = await app.inject(url)
    t.match({ statusCode, body }, { statusCode: 403, body: /FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED/ })
  }
})

t.test('other spellings of a path that Fastify treats as equal are protected', async (t) => {
  const app = await appWith(t, (app) => { app.get('/Admin/:id', ADMIN, async () => 'yes') }, { routerOptions: { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true } })
  t.same(await statusesFor(app, ['GET', '/admin/1'], ['GET', '/ADMIN/1/'], ['GET', '//admin//1'], ['HEAD', '/%41dmin/1']), [403, 403, 403, 403])
})

t.test('routes in child scopes, and routes from before the plugin, are protected', async (t) => {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  app.get('/before', ADMIN, async () => 'yes')
  app.register(async (child) => { child.get('/child-before', ADMIN, async () => 'yes') })
  await app.register(endpoint, { endpoint: 'tcp:0' })
  app.register(async (child) => { child.register(async (child) => { child.get('/child', ADMIN, async () => 'yes') }) })
  t.same(await statusesFor(app, ['GET', '/before'], ['GET', '/child-before'], ['GET', '/child']), [403, 403, 403])
})

t.test('a wrong restriction in a child scope fails the start', async (t) => {
  const app = appWith(t, (app) => { app.register(async (child) => { child.get('/', { config: { endpoint: { alow: ['cn:admin'] } } as object }, async () => 'yes') }) })
  await t.rejects(app, { code: 'FST_ENDPOINT_INVALID_ROUTE', message: /did you mean allow\?/ })
})

t.test('a route that an onRoute hook changes is protected', async (t) => {
  let hook = (_route: RouteOptions): void => {}
  const afterwards: Array<() => void> = []
  const answers = async (_request: unknown, reply: { send (text: string): void }): Promise<void> => { reply.send('yes') }
  const HOOKS: Record<string, (route: RouteOptions) => void> = {
    'gives the restriction': (route) => { route.config = { ...route.config, ...ADMIN.config } },
    'puts it in a config that is there': (route) => { Object.assign(route.config ??= {} as object, ADMIN.config) },
    'replaces another one': (route) => { route.config = ADMIN.config },
    'takes the hooks of the route away': (route) => {
      route.config = ADMIN.config
      route.preParsing = []
    },
    'empties the hooks of the route': (route) => {
      route.config = ADMIN.config
      if (Array.isArray(route.preParsing)) route.preParsing.length = 0
    },
    'puts a hook before ours that answers': (route) => {
      route.config = ADMIN.config
      route.preParsing = [answers as never, ...[route.preParsing ?? []].flat()]
      route.preParsing = answers as never
    },
    'takes the hooks away when the route has been registered': (route) => {
      route.config = ADMIN.config
      afterwards.push(() => {
        route.preParsing = []
        route.config = {} as never
      })
    },
    'takes the hooks onRequest of the route away': (route) => {
      route.config = ADMIN.config
      route.onRequest = []
    },
    'empties the hooks onRequest of the route': (route) => {
      if (Array.isArray(route.onRequest)) route.onRequest.length = 0
      route.config = ADMIN.config
      if (Array.isArray(route.onRequest)) route.onRequest.length = 0
    },
    'puts a hook onRequest before ours that answers': (route) => {
      route.config = ADMIN.config
      route.onRequest = [answers as never, ...[route.onRequest ?? []].flat()]
    },
    'puts a hook onRequest that answers into the list': (route) => {
      route.config = ADMIN.config
      if (Array.isArray(route.onRequest)) route.onRequest.unshift(answers as never)
      afterwards.push(() => { if (Array.isArray(route.onRequest)) route.onRequest.splice(0, 1, answers as never) })
    },
    'gives the restriction to the route for GET, and registers another one meanwhile': (route) => {
      if (route.method !== 'GET' || route.url.startsWith('/meanwhile')) return
      application?.get(`/meanwhile${route.url}`, async () => 'yes')
      route.config = ADMIN.config
    },
    'changes the list of patterns': (route) => { (route.config?.endpoint as unknown as { allow: string[] }).allow[0] = 'cn:admin' }
  }
  let application: FastifyInstance | undefined
  const app = await appWith(t, async (app) => {
    application = app
    app.addHook('onRoute', (route) => { hook(route) })
    for (const [index, [, chosen]] of Object.entries(HOOKS).entries()) {
      hook = chosen
      app.get(`/${index}`, { config: { endpoint: { allow: ['cn:alice'] } } }, async () => 'yes')
    }
    hook = ({ config = {} as never, method }) => { if (method === 'GET') Object.assign(config, ADMIN.config) }
    await app.register(async (child) => { child.get('/', { config: {} }, async () => 'yes') }, { prefix: '/only' })
    for (const action of afterwards) action()
    hook = () => {}
  })
  for (const [index, what] of Object.keys(HOOKS).entries()) t.same(await statusesFor(app, ['GET', `/${index}`], ['HEAD', `/${index}`]), [403, 403], what)
  t.same(await statusesFor(app, ['GET', '/only'], ['HEAD', '/only'], ['GET', '/only/'], ['HEAD', '/only/']), [403, 403, 403, 403])
})

t.test('an onRoute hook that drops the restriction does not open the route, and one that redefines it fails', async (t) => {
  const app = await appWith(t, (app) => {
    app.addHook('onRoute', (route) => {
      if (route.url === '/redefined') Object.defineProperty(route, 'config', { value: {} })
      route.config = {} as never
    })
    for (const [path, options] of [['/admin', ADMIN], ['/alice', ALICE]] as const) app.get(path, options, async () => 'yes')
    t.throws(() => app.get('/redefined', ADMIN, async () => 'yes'), TypeError)
  })
  t.same(await statusesFor(app, ['GET', '/admin'], ['GET', '/alice']), [403, 200])
})

t.test('an onRoute hook that adds a wrong restriction fails the call that registers the route', async (t) => {
  await appWith(t, (app) => {
    app.addHook('onRoute', (route) => { route.config = { endpoint: { allow: [] } } as never })
    t.throws(() => app.get('/', ALICE, async () => 'yes'), { code: 'FST_ENDPOINT_INVALID_ROUTE' })
  })
})

t.test('if one config object changes between two routes, each route keeps the restriction that it was declared with', async (t) => {
  const app = await appWith(t, (app) => {
    const demand = { allow: ['cn:admin'] as [string] }
    app.get('/admin', { config: { endpoint: demand } }, async () => 'yes')
    demand.allow[0] = 'cn:alice'
    app.get('/alice', { config: { endpoint: demand } }, async () => 'yes')
    demand.allow[0] = 'cn:nobody'
  })
  t.same(await statusesFor(app, ['GET', '/admin'], ['HEAD', '/admin'], ['GET', '/alice']), [403, 403, 200])
})

t.test('a route that copies the options of another route is protected', async (t) => {
  const app = await appWith(t, (app) => {
    const copies: RouteOptions[] = []
    app.addHook('onRoute', (route) => { if (route.method === 'GET' && !route.url.startsWith('/copy')) copies.push({ ...route, url: `/copy${route.url}` }) })
    for (const [path, options] of [['/admin', ADMIN], ['/alice', ALICE]] as const) app.get(path, options, async () => 'yes')
    for (const copy of copies) app.route(copy)
  })
  t.same(await statusesFor(app, ['GET', '/copy/admin'], ['HEAD', '/copy/admin'], ['GET', '/copy/alice']), [403, 403, 200])
})

t.test('a hook that changes the config of a request does not open the route', async (t) => {
  const app = await appWith(t, (app) => {
    app.addHook('onRequest', async ({ routeOptions: { config } }) => { Object.assign(config, { endpoint: ALICE.config.endpoint }) })
    app.addHook('preParsing', async ({ routeOptions: { config } }) => { Object.assign(config, { endpoint: undefined }) })
    app.get('/', ADMIN, async () => 'yes')
  })
  t.same(await statusesFor(app, ['GET', '/']), [403])
})

t.test('a request is rejected before its body is read', async (t) => {
  const app = await appWith(t, (app) => {
    app.addContentTypeParser('application/x-own', async () => { throw new Error('it was read') })
    app.post('/', ADMIN, async () => 'yes')
  })
  t.same(await statusesFor(app, ['POST', '/', { 'content-type': 'application/x-own', 'content-length': '3' }]), [403])
})

t.test('upgrades to WebSocket and HTTP/2 requests are protected', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, async (app) => {
    await app.register(websocket)
    app.register(async (app) => {
      for (const [path, options] of [['/admin', ADMIN], ['/alice', ALICE]] as const) {
        app.get(path, { ...options, websocket: true }, (socket) => { socket.send('yours') })
        app.post(path, options, async () => 'yes')
      }
    })
  })
  const open = (path: string): WebSocket => {
    const { alice, ca } = site
    const socket = new WebSocket(`wss://localhost:${port}${path}`, { ca: ca.certificate, family: 4, cert: alice.chain, key: alice.key })
    t.teardown(() => { socket.terminate() })
    return socket
  }
  t.match(await once(open('/admin'), 'error'), [{ message: /403/ }])
  t.equal(String((await once(open('/alice'), 'message'))[0]), 'yours')
  t.equal((await get(port, asClient(site, site.alice), '/admin')).status, 403, 'also without an upgrade')

  const session = connectHttp2(`https://localhost:${port}`, { ...asClient(site, site.alice), host: '127.0.0.1', port })
  const statuses: unknown[] = []
  for (const path of ['/admin', '/alice']) {
    const stream = session.request({ ':path': path, ':method': 'POST' }).end()
    stream.resume()
    const [headers] = await once(stream, 'response')
    statuses.push(headers[':status'])
    await once(stream, 'close')
  }
  session.destroy()
  t.same(statuses, [403, 200])
})
