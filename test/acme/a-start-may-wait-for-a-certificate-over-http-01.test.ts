/** http-01 with a real directory that validates, an account that is bound, and listen() that waits. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { curl, startOrderingApp as start } from '../support/acme-app.js'
import { startPebble } from '../support/pebble.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const isPossible = hasProgram(t, 'pebble') && hasProgram(t, 'curl')
t.test('over http-01, with a bound account, and a start that waits', { skip: !isPossible }, async (t) => {
  const pebble = await startPebble(t, { bindings: { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' } })
  const folder = makeShortFolder(t)
  const root = join(folder, 'root.pem')
  await writeFile(root, await pebble.root())
  await writeFile(join(folder, 'eab.txt'), 'kid-1\nzWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n')
  const text = `tls:${pebble.tlsPort}:interface=127.0.0.1:${pebble.arguments('example.org', join(folder, 'store'))}:acmeEab=${folder}/eab.txt:acmeChallenge=http-01:acmeWait=60`
  const { log } = await start(t, [text, `tcp:${pebble.httpPort}:interface=127.0.0.1`])
  t.equal(await curl(pebble, root, 'example.org'), 'hello', 'listen() has waited for it')
  t.match(await log.line('challenges are outstanding'), { challenges: ['http-01'] })
  t.notMatch(JSON.stringify(log.lines), /zWNDZM6eQGHWpSRTPal5/)
})

t.test('a start that waits in vain rejects with the words of the directory', async (t) => {
  const folder = makeShortFolder(t)
  const text = `tls:0:interface=127.0.0.1:acme=example.org:acmeTerms=agreed:acmeStore=${folder}/store:acmeDirectory=https\\://127.0.0.1\\:1/dir:acmeWait=3`
  await t.rejects(start(t, [text]), { code: 'FST_ENDPOINT_ACME_FAILED', message: /no connection \(ECONNREFUSED\)|there is no certificate after 3 s/ })
})

t.test('an app that is closed while it waits does not wait on', async (t) => {
  const folder = makeShortFolder(t)
  const text = `tls:0:interface=127.0.0.1:acme=example.org:acmeTerms=agreed:acmeStore=${folder}/store:acmeDirectory=https\\://127.0.0.1\\:1/dir:acmeWait=86400`
  const app = Fastify({ serverFactory })
  await app.register(endpoint, { endpoint: text })
  const listening = app.listen()
  await until('it waits', () => (app.endpoint.listeners[0]?.address ?? undefined) !== undefined)
  await app.close()
  await t.rejects(listening, { code: 'FST_ENDPOINT_CLOSED' })
})
