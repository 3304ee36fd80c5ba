/** HAProxy with its own certificate speaks HTTP/2 to the app for its clients: the configuration of docs/deploying.md. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ask } from '../support/inherited.js'
import { LogCapture } from '../support/log.js'
import { makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { freePlace, hasHaproxy, startHaproxy, untilServer, type Place } from '../support/proxies.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/deploying.md'), 'utf8')
const CONFIGURATION = /\n```\n(defaults\n[^`]*option httpchk[^`]*)```\n/.exec(DOCUMENT)?.[1] as string

interface Balanced {
  readonly place: Place
  /** The socket of HAProxy's runtime API. */
  readonly api: string
  readonly log: LogCapture
  revoke (): Promise<void>
}

/** @param changes differences from the document: pairs of old and new text */
async function startBalanced (t: Test, changes: ReadonlyArray<[text: string, other: string]>): Promise<Balanced> {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async (request) => ({ hello: request.clientCertificate?.subject, version: request.raw.httpVersion }))
  }, { logger: log.logger })
  await writeFile(site.path('balancer.pem'), site.mallory.chain + site.mallory.key)
  const api = join(makeShortFolder(t), 'api')
  const place = await freePlace()
  const all = [
    [':80\n', `${place.host}:${place.port}\n`],
    ['127.0.0.1:8443', `127.0.0.1:${port}`],
    ['crt balancer.pem ca-file ca.pem', `crt ${site.path('balancer.pem')} ca-file ${site.path('ca.pem')}`],
    // HAProxy gives a check, with its handshake, no longer than the interval.
    [' check ', ' check inter 500ms '],
    ...changes
  ] as const
  let configuration = CONFIGURATION
  for (const [text, other] of all) {
    t.ok(configuration.includes(text), `the configuration says ${text.trim()}`)
    configuration = configuration.replace(text, other)
  }
  await startHaproxy(t, `global\n  stats socket ${api}\n${configuration}`)
  return { place, api, log, revoke: () => putInForce(app, () => site.revoke('mallory.pem')) }
}

/** A check that sends no request. */
const SHAKING: ReadonlyArray<[string, string]> = [['option httpchk GET /\n', ''], [' check-alpn http/1.1', '']]

for (const { name, changes, good } of [
  { name: 'that sends a request, as in the document', changes: [], good: 'L7OK' },
  { name: 'that only makes a handshake, with TLS 1.2', changes: [...SHAKING, [' check ', ' ssl-max-ver TLSv1.2 check ']], good: 'L6OK' }
] as Array<{ name: string, changes: Array<[string, string]>, good: string }>) {
  t.test(`a balancer with a check ${name} is served until its certificate is revoked, and then the check fails`, async (t) => {
    if (!hasHaproxy(t)) return
    const { place, api, log, revoke } = await startBalanced(t, changes)
    await untilServer(api, (state) => state.status === 'UP' && state.check === good)
    t.match(await ask(place), { status: 200, body: '{"hello":"CN=mallory","version":"2.0"}' })
    await revoke()
    const { check: found } = await untilServer(api, ({ status }) => status === 'DOWN')
    t.notMatch(found, 'OK')
    t.match(await ask(place), { status: 503 }, 'also on its open session')
    t.match(await log.line('client rejected'), { reason: 'certificate_revoked', alerted: true })
  })
}

t.test('with TLS 1.3, a check that only shakes hands passes before the refusal, and the requests fail', async (t) => {
  if (!hasHaproxy(t)) return
  const { place, api, log, revoke } = await startBalanced(t, SHAKING)
  await untilServer(api, ({ check }) => check === 'L6OK')
  await revoke()
  while (log.about('client rejected').length < 3) await once(log, 'line')
  t.match(await untilServer(api, ({ check }) => !check.startsWith('*')), { status: 'UP', check: 'L6OK' })
  t.match(await ask(place), { status: 502 })
})
