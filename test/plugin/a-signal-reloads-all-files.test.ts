import { writeFile } from 'node:fs/promises'
import t from 'tap'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { renewals, serverSerial } from '../support/renewal.js'

t.test('a signal reloads all files, and a closed app no longer listens for it', async (t) => {
  const site = await makeSite(t)
  const listeners = process.listenerCount('SIGUSR2')
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger, plugin: { reloadSignal: 'SIGUSR2' } })
  t.equal(process.listenerCount('SIGUSR2'), listeners + 1)
  const next = await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.key'), next.key)
  await writeFile(site.path('server.pem'), next.chain)
  process.kill(process.pid, 'SIGUSR2')
  await log.line('reloading all endpoint files')
  await renewals(log, 1)
  t.equal(await serverSerial(port, site), next.x509.serialNumber)

  await writeFile(site.path('server.key'), 'nothing')
  process.kill(process.pid, 'SIGUSR2')
  t.match((await log.line('some endpoint files could not be reloaded'))['err'], { code: 'FST_ENDPOINT_KEY_INVALID' })

  await app.close()
  t.equal(process.listenerCount('SIGUSR2'), listeners)
})

t.test('the plugin rejects a signal that a process cannot listen for', async (t) => {
  for (const reloadSignal of ['SIGKILL', 'SIGSTOP', 'HUP', 'toString'] as NodeJS.Signals[]) {
    const app = Fastify({ serverFactory })
    await t.rejects(async () => await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1', reloadSignal }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /reloadSignal/ })
    t.notOk(app.server.listening)
  }
})
