/** Follows docs/getting-started.md step by step, with the shell, in a folder of its own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { readBlocks } from '../support/documents.js'
import { installed } from '../support/installed.js'
import { hasProgram, run, type Run } from '../support/programs.js'

t.test('a user who follows the page is served, and is rejected after the revocation', async (t) => {
  if (!hasProgram(t, 'openssl') || !hasProgram(t, 'curl')) return
  const [install, app, certificates, check, start, visit, revoke, undo, ...others] = readBlocks().filter(({ document }) => document === 'docs/getting-started.md').map(({ text }) => text)
  t.same(others, [])
  t.match(install, /npm install fastify fastify-endpoint$/m)
  // Inside the one that the package is installed into.
  const folder = mkdtempSync(join(installed(), 'stranger-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const command = `'${process.execPath}' '${join(installed(), 'node_modules/fastify-endpoint/dist/bundle/fastify-endpoint.js')}'`
  const shell = (text = ''): string => `cd '${folder}'\n${text.replaceAll('npx fastify-endpoint', command).replace('tls:8443', 'tls:0').replace(/^node /m, `exec '${process.execPath}' `)}`
  const does = async (text?: string): Promise<Run> => await run('sh', ['-e', '-c', shell(text)])

  writeFileSync(join(folder, 'app.js'), app ?? '')
  t.match(await does(certificates), { status: 0 })
  t.match(await does(check), { status: 0, stdout: /^ {2}good$/m }, 'without a warning')
  const server = new Child(t, 'sh', ['-e', '-c', shell(`${check}${start}`)])
  const [, port] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  const [alice = '', mallory = ''] = (visit ?? '').replaceAll(':8443', `:${port}`).trim().split('\n')
  t.match(await does(alice), { status: 0, stdout: '{"hello":"CN=alice"}' })
  t.match(await does(mallory), { status: 0, stdout: '{"hello":"CN=mallory"}' })
  t.match((await does(mallory.replace(/--cert .*\.key /, ''))).stderr, /alert certificate required/)
  t.match(await does(revoke), { status: 0, stdout: /^CN=mallory is revoked by "revoked\.txt" line 3: tbs:/ })
  await server.prints(/"generation":2/)
  t.match((await does(mallory)).stderr, /alert certificate revoked/)
  await server.prints(/certificate_revoked.*CN=mallory/)
  t.match(await does(alice), { status: 0, stdout: '{"hello":"CN=alice"}' })

  t.match(await does(undo), { status: 0, stdout: /^CN=mallory is no longer revoked by "revoked\.txt" line 3: tbs:/ })
  await server.prints(/"generation":\d+,"revoked":0,/)
  t.match(await does(mallory), { status: 0, stdout: '{"hello":"CN=mallory"}' }, 'un-revoked')
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})
