/** Pebble validates both types of challenges where the app does not open the port itself: behind HAProxy, and on inherited sockets. */
import { request } from 'node:https'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { AcmeStore } from '../../lib/acme/store.js'
import { parseEndpoint } from '../../lib/index.js'
import type { AcmeArguments, TlsEndpoint } from '../../types/endpoint.js'
import { startOrderingApp } from '../support/acme-app.js'
import { handOver, counted } from '../support/inherited.js'
import { freePort } from '../support/loopback.js'
import { type RunningPebble, startPebble } from '../support/pebble.js'
import { hasProgram } from '../support/programs.js'
import { HAPROXY_DEFAULTS, startHaproxy } from '../support/proxies.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const isPossible = hasProgram(t, 'pebble')
// They mostly wait.
t.jobs = 3

/** Waits until a client of Pebble's root is answered. */
async function untilVerified (port: number, servername: string, ca: string, endpoint: string): Promise<void> {
  const store = new AcmeStore((parseEndpoint(`tls:443:${endpoint}`) as TlsEndpoint).acme as AcmeArguments)
  const verified = (): Promise<boolean> => new Promise((resolve) => {
    request({ port, host: '127.0.0.1', servername, ca, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => { resolve(false) }).end()
  })
  await until(`${servername} has its certificate`, async () => {
    if (await verified()) return true
    const { problem } = await store.peekState() ?? {}
    if (problem !== undefined) throw new Error(problem)
    return false
  })
}

interface Orders {
  readonly alpn: string
  readonly http: string
}

/** The arguments of both orders: one is validated at the port for TLS, the other one at the port for HTTP. */
function orders (t: Test, pebble: RunningPebble): Orders {
  // With a store for each, neither waits for the other one's lease.
  const folder = makeShortFolder(t)
  return {
    alpn: `${pebble.arguments('alpn.example.org', join(folder, 'alpn'))}:acmeChallenge=tls-alpn-01`,
    http: `${pebble.arguments('http.example.org', join(folder, 'http'))}:acmeChallenge=http-01`
  }
}

async function provesBoth (t: Test, pebble: RunningPebble, { alpn, http }: Orders, otherPort: number): Promise<void> {
  const ca = await pebble.root()
  await untilVerified(pebble.tlsPort, 'alpn.example.org', ca, alpn)
  await untilVerified(otherPort, 'http.example.org', ca, http)
  t.equal(pebble.child.output.match(/Issued certificate serial/g)?.length, 2)
  t.equal(pebble.child.output.match(/set VALID by completed challenge/g)?.length, 2)
}

t.test('behind HAProxy', { skip: !isPossible || !hasProgram(t, 'haproxy'), buffered: true }, async (t) => {
  const pebble = await startPebble(t)
  const [tls, plain, other] = await Promise.all([freePort(), freePort(), freePort()]) as [number, number, number]
  await startHaproxy(t, `${HAPROXY_DEFAULTS}
listen tls
  mode tcp
  bind 127.0.0.1:${pebble.tlsPort}
  server app 127.0.0.1:${tls} send-proxy-v2
listen plain
  mode tcp
  bind 127.0.0.1:${pebble.httpPort}
  server app 127.0.0.1:${plain} send-proxy
`)
  const { alpn, http } = orders(t, pebble)
  await startOrderingApp(t, [
    `haproxy:tls:${tls}:interface=127.0.0.1:${alpn}`, `tls:${other}:interface=127.0.0.1:${http}`, `haproxy:tcp:${plain}:interface=127.0.0.1`
  ])
  await provesBoth(t, pebble, { alpn, http }, other)
})

for (const [what, transports] of [
  ['descriptors', ['fd:3', 'fd:4', 'fd:5']],
  ['sockets of systemd', ['systemd:INET:index=0', 'systemd:INET:index=1', 'systemd:INET:index=2']]
] as Array<[string, [string, string, string]]>) {
  t.test(`on inherited ${what}`, { skip: !isPossible, buffered: true }, async (t) => {
    const pebble = await startPebble(t)
    const { alpn, http } = orders(t, pebble)
    const [tls, other, plain] = transports.map((text, index) => index < 2 ? text.replaceAll(':', '\\:') : text) as [string, string, string]
    const { ports } = await handOver(t, [`tcp=${pebble.tlsPort}`, 'tcp', `tcp=${pebble.httpPort}`], counted(
      'heir', `tls:transport=${tls}:${alpn}`, `tls:transport=${other}:${http}`, plain
    ))
    await provesBoth(t, pebble, { alpn, http }, ports[1] as number)
  })
}
