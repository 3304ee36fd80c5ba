import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { ask, handOver } from '../support/inherited.js'
import { hasProgram, run } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/inetd')
const SERVER = join(ROOT, 'dist/examples/inetd/server.js')
const document = readFileSync(join(ROOT, 'docs/deploying.md'), 'utf8')

t.test('systemd accepts the units of the example, which the documents show', async (t) => {
  if (!hasProgram(t, 'systemd')) return
  const units = ['example.socket', 'example@.service'].map((name) => join(EXAMPLE, name)) as [string, string]
  for (const unit of units) t.ok(document.includes(`\n\`\`\`ini\n${readFileSync(unit, 'utf8')}\`\`\`\n`), unit)
  const { stderr } = await run('systemd-analyze', ['verify', ...units])
  // The app is not installed here, and node may be elsewhere.
  t.same(stderr.split('\n').filter((line) => line !== '' && !/Command \/usr\/bin\/node is not executable/.test(line)), [])
})

t.test('the example answers requests on standard input, and exits when it ends', async (t) => {
  const { status, stdout } = await run(process.execPath, [SERVER], { input: 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2), env: { ...process.env, ENDPOINT: '' } })
  t.equal(status, 0)
  t.equal(stdout.match(/HTTP\/1\.1 200 OK\r\n/g)?.length, 2)
})

t.test('under systemd-socket-activate --accept --inetd, each connection has a process of its own', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], ['systemd-socket-activate', '--accept', '--inetd', '--setenv=ENDPOINT=stdio', process.execPath, SERVER])
  await child.prints(/Listening on .* as 3/)
  const answers = await Promise.all([1, 2].map(() => ask({ port: port as number })))
  t.match(answers, [{ status: 200 }, { status: 200 }])
  const seen = answers.map(({ body }) => JSON.parse(body) as { hello: string, process: number })
  t.same(seen.map(({ hello }) => hello), ['127.0.0.1', '127.0.0.1'])
  t.equal(new Set(seen.map((each) => each.process)).size, 2)
  for (const each of seen) await child.prints(new RegExp(`Child ${each.process} died with code 0`))
})

t.test('under socat, each connection has a process of its own, as the documents say', async (t) => {
  if (!hasProgram(t, 'socat')) return
  const [, options] = /socat TCP-LISTEN:8080,(\S+) EXEC:'node app\.js'/.exec(document) as unknown as [string, string]
  const path = join(makeShortFolder(t), 's')
  // A path in the place of the port, which would not be known to be free.
  const child = new Child(t, 'socat', ['-d', '-d', `UNIX-LISTEN:${path},${options.replace(',reuseaddr', '')}`, `EXEC:'${process.execPath} ${SERVER}'`], { env: { ...process.env, ENDPOINT: 'stdio' } })
  await child.prints(/listening on/)
  const answers = await Promise.all([1, 2].map(() => ask({ socketPath: path })))
  t.equal(new Set(answers.map(({ body }) => JSON.parse(body).process)).size, 2)
})
