import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { hasProgram, run } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const ROOT = join(import.meta.dirname, '../..')
const isPossible = hasProgram(t, 'pebble') && hasProgram(t, 'curl') && hasProgram(t, 'openssl')

t.test('the example orders a certificate, and serves the request that it prints', { skip: !isPossible }, async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env
  const server = new Child(t, process.execPath, ['dist/examples/acme/server.js', makeShortFolder(t)], { cwd: ROOT, env: { ...env, ENDPOINT: '' } })
  const [command] = await server.prints(/^curl .*$/m)
  const { stdout, stderr } = await run('sh', ['-c', command.replace('curl ', 'curl -sS ')])
  t.equal(stdout, '{"hello":"world"}', stderr)
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})
