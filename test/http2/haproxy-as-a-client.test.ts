/** HAProxy with a certificate of its own, which speaks HTTP/2 to us for its clients. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ask } from '../support/inherited.js'
import { LogCapture } from '../support/log.js'
import { makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { freePlace, HAPROXY_DEFAULTS, hasHaproxy, startHaproxy, untilServer, type Place } from '../support/proxies.js'
import { makeShortFolder } from '../support/unix-sockets.js'

interface Balanced {
  readonly place: Place
  /** The socket of HAProxy's runtime API. */
  readonly api: string
  readonly log: LogCapture
  revoke (): Promise<void>
}

async function startBalanced (t: Test, check: string, options = ''): Promise<Balanced> {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async (request) => ({ hello: request.clientCertificate?.subject, version: request.raw.httpVersion }))
  }, { logger: log.logger })
  await writeFile(site.path('balancer.pem'), site.mallory.chain + site.mallory.key)
  const api = join(makeShortFolder(t), 'api')
  const place = await freePlace()
  await startHaproxy(t, `
global
  stats socket ${api}
${HAPROXY_DEFAULTS}
listen app
  mode http
  ${options}
  bind ${place.host}:${place.port}
  server app1 127.0.0.1:${port} ssl crt ${site.path('balancer.pem')} ca-file ${site.path('ca.pem')} alpn h2 check inter 50ms ${check}
`)
  return { place, api, log, revoke: () => putInForce(app, () => site.revoke('mallory.pem')) }
}

for (const { name, check, options, good } of [
  { name: 'that asks', check: 'check-alpn http/1.1', options: 'option httpchk GET /', good: 'L7OK' },
  { name: 'that only shakes hands, with TLS 1.2', check: 'ssl-max-ver TLSv1.2', good: 'L6OK' }
]) {
  t.test(`a balancer is served, until its certificate is revoked and its check fails: one ${name}`, async (t) => {
    if (!hasHaproxy(t)) return
    const { place, api, log, revoke } = await startBalanced(t, check, options)
    await untilServer(api, (state) => state.status === 'UP' && state.check === good)
    t.match(await ask(place), { status: 200, body: '{"hello":"CN=mallory","version":"2.0"}' })
    await revoke()
    const { check: found } = await untilServer(api, ({ status }) => status === 'DOWN')
    t.notMatch(found, 'OK')
    t.match(await ask(place), { status: 503 }, 'also on the session that it had open')
    t.match(await log.line('client refused'), { reason: 'certificate_revoked', alerted: true })
  })
}

t.test('with TLS 1.3 a check that only shakes hands has passed before it is refused, and the requests fail', async (t) => {
  if (!hasHaproxy(t)) return
  const { place, api, log, revoke } = await startBalanced(t, 'ssl-min-ver TLSv1.3')
  await untilServer(api, ({ check }) => check === 'L6OK')
  await revoke()
  while (log.about('client refused').length < 3) await once(log, 'line')
  t.match(await untilServer(api, ({ check }) => !check.startsWith('*')), { status: 'UP', check: 'L6OK' })
  t.match(await ask(place), { status: 502 })
})
