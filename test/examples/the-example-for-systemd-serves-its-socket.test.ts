import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { Child } from '../support/children.js'
import { handOver } from '../support/inherited.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'
import { hasProgram, PYTHON, run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const ROOT = join(import.meta.dirname, '../..')
const unit = (name: string): string => join(ROOT, 'examples/systemd', name)

/** How systemd itself reads unit files: its complaints, and the value of ENDPOINT. */
async function readBySystemd (...files: string[]): Promise<{ complaints: string[], endpoint: string | undefined }> {
  const env = { ...process.env, SYSTEMD_LOG_LEVEL: 'debug' }
  const quiet = await run('systemd-analyze', ['verify', ...files])
  const { stdout, stderr } = await run('systemd-analyze', ['verify', ...files], { env })
  return {
    // The app is not installed here, and node may be elsewhere.
    complaints: quiet.stderr.split('\n').filter((line) => line !== '' && !/Command \/usr\/bin\/node is not executable/.test(line)),
    endpoint: /Environment: ENDPOINT=(.*)/.exec(stdout + stderr)?.[1]
  }
}

t.test('systemd accepts the units of the example, and keeps the backslashes in them', async (t) => {
  if (!hasProgram(t, 'systemd')) return
  const { complaints, endpoint } = await readBySystemd(unit('example.socket'), unit('example.service'))
  t.same(complaints, [])
  t.match(parseEndpoint(endpoint as string), {
    type: 'tls',
    transport: { type: 'systemd', domain: 'INET', name: 'https' },
    privateKey: '/etc/example/server.key',
    revokedFile: '/etc/example/revoked.txt'
  })
})

t.test('systemd drops a whole line that has single backslashes', async (t) => {
  if (!hasProgram(t, 'systemd')) return
  const folder = makeShortFolder(t)
  await cp(unit('example.socket'), join(folder, 'example.socket'))
  const single = (await readFile(unit('example.service'), 'utf8')).replaceAll('\\\\', '\\')
  await writeFile(join(folder, 'example.service'), single)
  const { complaints, endpoint } = await readBySystemd(join(folder, 'example.socket'), join(folder, 'example.service'))
  t.match(complaints, [/Invalid syntax, ignoring: ENDPOINT=/])
  t.equal(endpoint, undefined)
})

t.test('the example serves the socket of systemd, and reports when it is ready', async (t) => {
  if (!hasProgram(t, 'systemd') || !hasProgram(t, 'python')) return
  const site = await makeSite(t)
  const endpoint = (await readBySystemd(unit('example.socket'), unit('example.service'))).endpoint?.replaceAll('/etc/example/', `${site.folder}/`)
  const notify = join(makeShortFolder(t), 'notify')
  // It does what systemd does after `systemctl daemon-reload && systemctl enable --now`, which need a machine of their own.
  const manager = new Child(t, PYTHON, [join(ROOT, 'test/support/notified.py'), notify])
  await manager.prints(/bound/)
  const { child, ports: [port] } = await handOver(t, ['tcp'], [
    'systemd-socket-activate', '--fdname=https', `--setenv=ENDPOINT=${endpoint}`, `--setenv=NOTIFY_SOCKET=${notify}`, process.execPath, join(ROOT, 'dist/examples/systemd/server.js')
  ])
  await child.prints(/Listening on .* as 3/)
  t.match(await get(port as number, asClient(site, site.alice)), { status: 200, body: '{"hello":"CN=alice"}' })
  await t.rejects(get(port as number, asClient(site)), 'no client without a certificate')
  t.ok(await manager.prints(/^READY=1$/m))
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
})

t.test('in an EnvironmentFile=, quotes keep the backslashes, and a single backslash without quotes is lost', async (t) => {
  if (!hasProgram(t, 'systemd')) return
  const folder = makeTestFolder(t, {
    'environment.d': { 'a.conf': 'QUOTED=\'unix:/run/a\\:b\'\nTWICE=unix:/run/a\\\\:b\nBARE=unix:/run/a\\:b\n' }
  })
  // The one program that shows what systemd's reader of such files makes of them; a shell would read its answer.
  const { stdout } = await run('/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator', [], { env: { PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: folder } })
  const shown = await run('bash', ['-c', `${stdout}\nprintf '%s\\n' "$QUOTED" "$TWICE" "$BARE"`])
  t.same(shown.stdout.trim().split('\n'), ['unix:/run/a\\:b', 'unix:/run/a\\:b', 'unix:/run/a:b'])
})
