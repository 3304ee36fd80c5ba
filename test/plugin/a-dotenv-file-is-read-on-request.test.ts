import Fastify from 'fastify'
import { join } from 'node:path'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('the plugin reads a .env file if the app asks for it, and keeps its backslashes', async (t) => {
  const folder = makeTestFolder(t, {
    plain: 'DOTENV_ENDPOINT=tcp:0:interface=\\127.0.0.1\n',
    quoted: 'DOTENV_ENDPOINT="tcp6:0:interface=\\:\\:1"\n',
    cut: 'DOTENV_ENDPOINT=tcp:0:interface=127.0.0.1#:backlog=7\n'
  })
  for (const [file, description] of [
    ['plain', 'tcp:0:interface=\\127.0.0.1'],
    ['quoted', 'tcp6:0:interface=\\:\\:1'],
    ['cut', 'tcp:0:interface=127.0.0.1']
  ] as const) {
    const app = Fastify({ serverFactory })
    t.teardown(() => app.close())
    await app.register(endpoint, { env: 'DOTENV_ENDPOINT', dotenv: { path: join(folder, file) } })
    t.equal(app.endpoint.listeners[0]?.description, description)
  }
})

t.test('the plugin reads no .env file unless the app asks for it', async (t) => {
  const folder = makeTestFolder(t, { '.env': 'DOTENV_ENDPOINT=tcp:0\n' })
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => { process.chdir(before) })
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(endpoint, { env: 'DOTENV_ENDPOINT' }), { code: 'FST_ENDPOINT_MISSING' })
  const other = Fastify({ serverFactory })
  t.teardown(() => other.close())
  await other.register(endpoint, { env: 'DOTENV_ENDPOINT', dotenv: true })
  t.equal(other.endpoint.listeners[0]?.description, 'tcp:0')
})
