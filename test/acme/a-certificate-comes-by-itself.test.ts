/** From nothing to a certificate that curl verifies, with a real directory that validates and rejects nonces. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Registry } from 'prom-client'
import t from 'tap'
import { curl, startOrderingApp as start } from '../support/acme-app.js'
import { runMain } from '../support/command-line.js'
import { startPebble } from '../support/pebble.js'
import { hasProgram, run } from '../support/programs.js'
import { Scrape } from '../support/scrape.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const isPossible = hasProgram(t, 'pebble') && hasProgram(t, 'curl')
t.test('from nothing to a certificate', { skip: !isPossible }, async (t) => {
  const pebble = await startPebble(t, { env: { PEBBLE_WFE_NONCEREJECT: '30', PEBBLE_AUTHZREUSE: '100' } })
  const store = join(makeShortFolder(t), 'store')
  const root = join(makeShortFolder(t), 'root.pem')
  await writeFile(root, await pebble.root())
  const text = `tls:${pebble.tlsPort}:interface=127.0.0.1:${pebble.arguments('example.org,www.example.org', store)}`
  const metrics = new Registry()
  const first = await start(t, [text], { metrics })
  const socket = connect({ port: pebble.tlsPort, host: '127.0.0.1', servername: 'example.org', rejectUnauthorized: false })
  const [error] = await once(socket, 'error') as [Error]
  t.match(error.message, /unrecognized name/, 'before the first certificate, a client gets alert 112')
  await first.log.line('credentials reloaded')
  t.equal(await curl(pebble, root, 'www.example.org'), 'hello')
  t.match(await first.log.line('challenges are outstanding'), { challenges: ['tls-alpn-01'], names: ['example.org', 'www.example.org'] })
  t.same(first.app.endpoint.health(), { status: 'ready', reasons: [] })
  const [leaf] = (await readFile(await certificateOf(store), 'utf8')).match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/) ?? []
  const shown = new Scrape(await metrics.metrics()).all('fastify_endpoint_certificate_not_after_timestamp_seconds', { argument: 'acme' })
  const notAfter = Date.parse(new X509Certificate(leaf ?? '').validTo) / 1000
  t.ok(shown.some(({ value }) => value === notAfter), 'the metric says when it expires')
  const key = /-----BEGIN PRIVATE KEY-----[^-]*/.exec(await readFile(await certificateOf(store), 'utf8'))?.[0] ?? ''
  t.ok(key.length > 100)
  t.notMatch(JSON.stringify(first.log.lines), key.split('\n')[1] as string, 'the key is not in the log')
  await first.app.close()

  const online = await runMain(['check', '--online', text])
  t.match(online.stdout, /certificate by ACME for example\.org, www\.example\.org[^]*the directory answers; its terms: data:text[^]*good/)
  pebble.child.kill('SIGKILL')
  await pebble.child.ended
  const offline = JSON.parse((await runMain(['check', '--json', text])).stdout)
  t.match(offline.endpoints[0], { ok: true, tls: { acme: { challenges: ['tls-alpn-01'], renewal: /^20/ }, certificates: [{ names: ['DNS:example.org', 'DNS:www.example.org'] }, {}] } })
  t.match((await runMain(['check', '--online', text])).stdout, /FST_ENDPOINT_ACME_FAILED.*no connection \(ECONNREFUSED\)/)

  const second = await start(t, [text])
  t.equal(await curl(pebble, root, 'example.org'), 'hello', 'a restart serves the certificate of the store at once, without a directory')
  t.same(second.log.about('certificate ordered'), [])
})

async function certificateOf (store: string): Promise<string> {
  const { stdout } = await run('find', [store, '-name', 'certificate.pem'])
  return stdout.trim()
}
