import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify, { type FastifyServerOptions } from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { logsToStandardOutput } from '../../lib/plugin/standard-output.js'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { makeTestFolder } from '../support/test-folder.js'

for (const [title, logger] of Object.entries({ 'its default destination': true, 'process.stdout': { stream: process.stdout } })) {
  t.test(`a log on standard output, by ${title}, is refused before it spoils an answer`, async (t) => {
    const app = Fastify({ logger, serverFactory } as FastifyServerOptions & { serverFactory: typeof serverFactory })
    t.teardown(() => app.close())
    await t.rejects(async () => await app.register(endpoint, { endpoint: 'stdio' }), {
      code: 'FST_ENDPOINT_STDIO_LOGGER',
      message: 'The log goes to standard output, where "stdio" sends its responses: send it elsewhere, for example with Fastify({ logger: { stream: process.stderr } })',
      endpoint: 'stdio'
    })
  })
}

t.test('an app may log to another destination, or not log at all', async (t) => {
  for (const logger of [false, { stream: { write () {} } }, { file: join(makeTestFolder(t), 'log') }]) {
    const app = Fastify({ logger, serverFactory } as FastifyServerOptions & { serverFactory: typeof serverFactory })
    t.teardown(() => app.close())
    await app.register(endpoint, { endpoint: 'stdio' })
  }
})

t.test('a log on standard error is refused where that is the same file as standard output, as under inetd', async (t) => {
  const [node, ...args] = compiled('one-connection') as [string, ...string[]]
  const folder = makeTestFolder(t, { request: '' })
  const child = new Child(t, 'sh', ['-c', 'exec "$@" < request > answer 2>&1', 'sh', node, ...args], { cwd: folder })
  t.match(await child.ended, { status: 1 })
  t.match(await readFile(join(folder, 'answer'), 'utf8'), 'FST_ENDPOINT_STDIO_LOGGER')
})

t.test('each destination of a logger is checked, including those of its parent', async (t) => {
  const stream = Symbol('pino.stream')
  const other = createWriteStream(join(makeTestFolder(t), 'log'))
  t.teardown(() => { other.destroy() })
  t.ok(logsToStandardOutput({ [stream]: { streams: [{ stream: other }, { stream: { fd: 1 } }] } }))
  t.notOk(logsToStandardOutput({ [stream]: { streams: [{ stream: other }, { stream: {} }] } }))
  t.ok(logsToStandardOutput(Object.create({ [stream]: { fd: 1 } })))
  t.notOk(logsToStandardOutput({ [stream]: { fd: 2_000_000_000 } }), 'a descriptor that is not open')
  t.notOk(logsToStandardOutput({}), 'a logger that is not pino')
})
