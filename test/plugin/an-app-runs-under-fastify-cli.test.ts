import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'

const ROOT = join(import.meta.dirname, '../..')
const CLI = createRequire(import.meta.url).resolve('fastify-cli/cli.js')

const APP = `
import endpoint, { serverFactory } from 'fastify-endpoint'

export const options = { serverFactory }

export default async function app (fastify, options) {
  await fastify.register(endpoint)
  fastify.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))
}
`

t.test('an app that exports options runs under fastify start -o of fastify-cli, as docs/app.md says', async (t) => {
  const site = await makeSite(t)
  writeFileSync(site.path('app.js'), APP)
  writeFileSync(site.path('package.json'), '{ "type": "module" }')
  mkdirSync(site.path('node_modules'))
  symlinkSync(ROOT, site.path('node_modules/fastify-endpoint'))
  symlinkSync(join(ROOT, 'node_modules/fastify'), site.path('node_modules/fastify'))
  t.match(readFileSync(join(ROOT, 'docs/app.md'), 'utf8'), 'fastify start -o app.js')

  const child = new Child(t, process.execPath, [CLI, 'start', '--log-level', 'info', '-o', 'app.js'], { cwd: site.folder, env: { ...process.env, ENDPOINT: site.endpoint() } })
  const [, port] = await child.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  t.match(child.output, 'listen() options ignored')
  t.match(await get(Number(port), asClient(site, site.alice)), { status: 200, body: '{"hello":"CN=alice"}' })
  await t.rejects(get(Number(port), asClient(site)))
  child.kill('SIGTERM')
  t.same(await child.ended, { status: 0, signal: null }, child.output)
})
