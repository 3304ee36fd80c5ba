import t, { type Test } from 'tap'
import Fastify, { type FastifyListenOptions } from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { INFO, LogCapture, type LogLine } from '../support/log.js'

const IGNORED = 'listen() options ignored: the endpoints decide where the app listens'
const ENDPOINT = 'tcp:0:interface=127.0.0.1'

async function linesAfter (t: Test, options?: FastifyListenOptions): Promise<LogLine[]> {
  const log = new LogCapture()
  const app = Fastify({ serverFactory, logger: log.logger })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: ENDPOINT })
  await (options === undefined ? app.listen() : app.listen(options))
  return log.about('ignored')
}

t.test('a port, host or path that is given to listen() is ignored, with one line in the log', async (t) => {
  for (const given of [{ port: 3000 }, { host: '0.0.0.0' }, { port: 3000, host: '::1' }, { path: '/run/app.sock' }]) {
    t.match(await linesAfter(t, { ...given }), [{ level: INFO, msg: IGNORED, ignored: given, endpoints: [ENDPOINT] }])
    t.equal((await linesAfter(t, { ...given })).length, 1)
  }
})

t.test('listen() without an address logs nothing about it', async (t) => {
  t.same(await linesAfter(t), [])
  t.same(await linesAfter(t, {}), [])
  t.same(await linesAfter(t, { listenTextResolver: (address) => `here: ${address}` }), [])
})
