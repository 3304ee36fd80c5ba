import { X509Certificate } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { startProgram } from '../support/children.js'
import { helloRoute, makeSite } from '../support/mutual-tls.js'

async function build (description: string): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  await app.register(endpoint, { endpoint: description })
  helloRoute(app)
  app.get('/enrolled', { config: { endpoint: { clientCertificate: 'required' } } }, async (request) => request.clientCertificate?.subject)
  return app
}

t.test('an injected request has no socket and passes the gate', async (t) => {
  const site = await makeSite(t)
  for (const description of ['tcp:0', site.endpoint()]) {
    const app = await build(description)
    t.teardown(() => app.close())
    const response = await app.inject('/')
    t.equal(response.statusCode, 200)
    t.same(response.json(), { hello: 'anonymous' })
    t.notOk(app.server.listening)
  }
})

t.test('a test can inject a client certificate', async (t) => {
  const site = await makeSite(t)
  const app = await build('tcp:0')
  t.teardown(() => app.close())
  app.addHook('onRequest', async (request) => {
    Object.defineProperty(request, 'clientCertificate', { value: new X509Certificate(site.alice.certificate) })
  })
  t.same((await app.inject('/')).json(), { hello: 'CN=alice' })
  const enrolled = await app.inject('/enrolled')
  t.equal(enrolled.statusCode, 200)
  t.equal(enrolled.body, 'CN=alice')
})

t.test('an app that only injects exits by itself, even if it watches a list', async (t) => {
  const site = await makeSite(t)
  for (const description of ['tcp:0', site.endpoint()]) {
    const child = startProgram(t, 'inject', [description])
    t.same(await child.ended, { status: 0, signal: null }, child.output)
    t.match(child.output, 'answered 200')
  }
})
