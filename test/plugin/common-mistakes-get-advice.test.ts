import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { makeSite, startApp } from '../support/mutual-tls.js'

t.test('the error says what to write if the server does not come from serverFactory', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(endpoint, { endpoint: 'tcp:0' }), {
    code: 'FST_ENDPOINT_FOREIGN_SERVER',
    message: /write Fastify\(\{ serverFactory \}\)/
  })
})

t.test('the plugin rejects a server that was made before its app', async (t) => {
  let handler = (..._args: unknown[]): void => {}
  const server = serverFactory((...args: unknown[]) => { handler(...args) }, {})
  await Promise.resolve()
  const app = Fastify({
    serverFactory: (its) => {
      handler = its as typeof handler
      return server
    }
  })
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(endpoint, { endpoint: 'tcp:0' }), { code: 'FST_ENDPOINT_FOREIGN_SERVER' })
})

t.test('listen() says what to write if the plugin is missing', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await t.rejects(app.listen(), {
    code: 'FST_ENDPOINT_NOT_REGISTERED',
    message: /write `await app\.register\(endpoint\)`/
  })
  t.notOk(app.server.listening)
})

t.test('the plugin cannot be registered twice', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0' })
  await t.rejects(async () => await app.register(endpoint, { endpoint: 'tcp:0' }), {
    code: 'FST_ENDPOINT_ALREADY_REGISTERED',
    message: /give it a list of endpoint strings/
  })
})

t.test('two parts of the app that do not see each other cannot both register the plugin', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  for (const part of ['first', 'second']) {
    app.register(async (child) => { await child.register(endpoint, { endpoint: 'tcp:0' }) }, { prefix: part })
  }
  await t.rejects(async () => await app.ready(), { code: 'FST_ENDPOINT_ALREADY_REGISTERED' })
})

t.test('a wrong string fails the start before anything is opened', async (t) => {
  for (const [description, code] of [
    ['tpc:80', 'FST_ENDPOINT_UNKNOWN_TYPE'],
    ['tcp:80\\', 'FST_ENDPOINT_SYNTAX'],
    ['', 'FST_ENDPOINT_UNKNOWN_TYPE'],
    ['haproxy:unix:/run/app.sock:proxyFrom=10.0.0.0/8', 'FST_ENDPOINT_CONFLICTING_ARGUMENTS'],
    ['tls:443:privateKey=nowhere.key', 'FST_ENDPOINT_FILE_UNREADABLE']
  ] as const) {
    const app = Fastify({ serverFactory })
    t.teardown(() => app.close())
    app.register(endpoint, { endpoint: ['tcp:0', description] })
    await t.rejects(async () => await app.ready(), { code }, description)
    t.notOk(app.server.listening)
  }
})

t.test('the plugin rejects limits that are not positive whole numbers', async (t) => {
  for (const plugin of [{ maxConnections: 0 }, { maxHandshakes: 1.5 }, { maxConnections: -1 }, { maxHandshakes: NaN }]) {
    await t.rejects(startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin }), {
      code: 'FST_ENDPOINT_INVALID_OPTION',
      message: new RegExp(Object.keys(plugin)[0] as string)
    })
  }
  await t.resolves(startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin: { maxConnections: Infinity } }))
})

t.test('an app whose start failed can be closed, and leaves no watcher behind', async (t) => {
  const site = await makeSite(t)
  const app = Fastify({ serverFactory })
  app.register(endpoint, { endpoint: [site.endpoint(), 'tls:443:privateKey=nowhere.key'] })
  await t.rejects(async () => await app.ready(), { code: 'FST_ENDPOINT_FILE_UNREADABLE', argument: 'privateKey' })
  await t.resolves(app.close())
})
