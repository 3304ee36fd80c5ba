import { join } from 'node:path'
import t from 'tap'
import { compiled, handOver } from '../support/inherited.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('an app with TLS on systemd sockets identifies its clients by certificate', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const path = join(makeShortFolder(t), 's')
  const { child, ports: [port] } = await handOver(t, ['tcp'], [
    'systemd-socket-activate', '--fdname=https:local', `--listen=${path}`, ...compiled('heir', site.over('systemd:INET:name=https'), site.over('fd:4'))
  ])
  await child.prints(/Listening on .*s as 4/)
  for (const where of [{ port: port as number }, { socketPath: path }]) {
    t.equal((await get(port as number, { ...asClient(site, site.alice), ...where })).status, 200)
    await t.rejects(get(port as number, { ...asClient(site, site.mallory), ...where }), 'a revoked client')
    await t.rejects(get(port as number, { ...asClient(site), ...where }), 'one without a certificate')
  }
  const [line] = await child.prints(/^\{"listening".*$/m)
  t.match(JSON.parse(line), { listening: `https://127.0.0.1:${port}`, addresses: [{ port }, null] })
})
