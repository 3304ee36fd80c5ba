import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, generateKeyPair } from '../support/pki.js'

/** Authorities, the site's own first, whose names take more than 64 KiB together. */
async function manyAuthorities (site: Site): Promise<string> {
  const keyPair = await generateKeyPair()
  const units = Array.from({ length: 13 }, (_, index) => `OU=${'z'.repeat(60)}${index}`).join(', ')
  const others = await Promise.all(Array.from({ length: 70 }, (_, index) => createAuthority({ name: `${units}, CN=${index}`, keyPair })))
  return [site.ca, ...others].map(({ certificate }) => certificate).join('')
}

async function errorsOf (text: string): Promise<object[]> {
  const { endpoints: [endpoint] } = JSON.parse((await runMain(['check', '--json', text])).stdout) as CheckReport
  return [...endpoint?.problems ?? []]
}

const TOO_MANY_NAMES = {
  code: 'FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE',
  argument: 'authorities',
  message: /authorities ".*ca\.pem" cannot be used, since no handshake succeeds with it: the names of its 71 certificates take \d+ bytes, and a handshake has room for 65535/
}

for (const verify of ['required', 'optional']) {
  t.test(`authorities whose names do not fit into a handshake keep an app with verify=${verify} from starting`, async (t) => {
    const site = await makeSite(t)
    await writeFile(site.path('ca.pem'), await manyAuthorities(site))
    const text = `${site.endpoint()}:verify=${verify}`
    await t.rejects(startApp(t, text), TOO_MANY_NAMES)
    t.match(await errorsOf(text), [TOO_MANY_NAMES])
  })
}

t.test('a failed reload keeps the previous authorities, clients are served, and health is degraded', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await writeFile(site.path('ca.pem'), await manyAuthorities(site))
  await log.line('cannot be loaded')
  await t.rejects(app.endpoint.reload(), TOO_MANY_NAMES)
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'credentials_failed', error: 'FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE' }] })
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('a key that fits none of the ciphers keeps the app from starting', async (t) => {
  const site = await makeSite(t)
  const text = site.endpoint(':sslmethod=TLSv1_2_METHOD:ciphers=ECDHE-RSA-AES128-GCM-SHA256')
  const problem = { code: 'FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE', argument: 'certKey', file: site.path('server.pem'), message: /a trial handshake of TLSv1\.2 failed \(no shared cipher\)/ }
  await t.rejects(startApp(t, text), problem)
  t.match(await errorsOf(text), [problem])
})

t.test('the log warns of a TLS version that no client can negotiate', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  await startApp(t, site.endpoint(':ciphers=ECDHE-RSA-AES128-GCM-SHA256'), undefined, { logger: log.logger })
  t.match(log.about('TLSv1.2 is allowed, but no client can negotiate it (no shared cipher)'), [{ level: 40 }])
})

async function siteWithNames (t: Test): Promise<{ site: Site, text: string }> {
  const site = await makeSite(t)
  await mkdir(site.path('names'))
  const named = await site.ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'] })
  await writeFile(site.path('names/example.org.pem'), named.key + named.chain)
  return { site, text: site.endpoint(`:sni=${site.path('names')}:sslmethod=TLSv1_2_METHOD:ciphers=ECDHE-ECDSA-AES128-GCM-SHA256`) }
}

t.test('a key in sni that fits none of the ciphers is an error of its file, and a reload keeps the previous key', async (t) => {
  const { site, text } = await siteWithNames(t)
  const log = new LogCapture()
  const { app } = await startApp(t, text, undefined, { logger: log.logger })
  const { port } = app.server.address() as AddressInfo
  const rsa = await site.ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'], keyAlgorithm: 'RSA-2048' })
  await writeFile(site.path('names/example.org.pem'), rsa.key + rsa.chain)
  await log.line('cannot be loaded')
  const problem = { code: 'FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE', argument: 'sni', file: site.path('names/example.org.pem') }
  await t.rejects(app.endpoint.reload(), problem)
  t.equal((await get(port, { ...asClient(site), servername: 'example.org' })).status, 200)
  t.match(await errorsOf(text), [problem])
})
