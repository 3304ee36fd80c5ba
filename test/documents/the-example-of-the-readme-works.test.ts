/** Follows README.md under "Mutual TLS in two minutes", step by step, in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { readBlocks } from '../support/documents.js'
import { installed } from '../support/installed.js'
import { hasProgram, run, type Run } from '../support/programs.js'

t.test('the example of the README serves a client, and rejects it once it is revoked', async (t) => {
  if (!hasProgram(t, 'openssl') || !hasProgram(t, 'curl')) return
  const own = 'test/documents/the-example-of-the-readme-works.test.ts'
  const [certificates, app, start, requests, output, ...others] = readBlocks().filter(({ document, runs }) => document === 'README.md' && runs.includes(own)).map(({ text }) => text)
  t.same(others, [])
  // Inside the folder that the package is installed into, so that the app finds it.
  const folder = mkdtempSync(join(installed(), 'readme-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const command = `'${process.execPath}' '${join(installed(), 'node_modules/fastify-endpoint/dist/bundle/fastify-endpoint.js')}'`
  const shell = (text = ''): string => `unset NODE_OPTIONS\ncd '${folder}'\n${text.replace('npx fastify-endpoint', command).replace('tls:8443', 'tls:0:interface=127.0.0.1').replace(/^node /m, `exec '${process.execPath}' `)}`
  const does = async (text?: string): Promise<Run> => await run('sh', ['-e', '-c', shell(text)])

  writeFileSync(join(folder, 'app.mjs'), app ?? '')
  t.match(await does(certificates), { status: 0 })
  const server = new Child(t, 'sh', ['-e', '-c', shell(start)])
  const [, port] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  const [first, revoke = '', second, ...more] = (requests ?? '').replaceAll(':8443', `:${port}`).trim().split('\n')
  t.same(more, [])
  const [served, revoked = '', rejected] = (output ?? '').split('\n') as [string, string, string]
  t.match(await does(first), { status: 0, stdout: served })
  t.match(await does(revoke.replace(/ && sleep \d+$/, '')), { status: 0, stdout: revoked.replace('…', '') })
  await server.prints(/"generation":2/)
  const { status, stderr } = await does(second)
  t.equal(status, 56)
  t.match(stderr, rejected.slice(rejected.indexOf('…') + 1).trim())
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})
