/**
 * TLS 1.2 lets a client change its certificate in the middle of a connection. The control shows that
 * the attack works against Node's own server; ours must give the second certificate nothing.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { hasProgram, PYTHON, run } from '../support/programs.js'

const script = fileURLToPath(new URL('../support/renegotiate.py', import.meta.url))

async function renegotiate (port: number, site: Site): Promise<string> {
  const { stdout } = await run(PYTHON, [script, String(port), ...['alice.pem', 'alice.key', 'foreigner.pem', 'foreigner.key'].map(site.path)])
  return stdout
}

async function makeSiteWithForeigner (t: Test): Promise<Site> {
  const site = await makeSite(t)
  const elsewhere = await createAuthority({ name: 'Another CA' })
  await site.write('foreigner', await elsewhere.issue({ name: 'foreigner', usage: 'client' }))
  return site
}

t.test('control: a plain Node server accepts the second certificate', async (t) => {
  if (!hasProgram(t, 'pyopenssl')) return
  const site = await makeSiteWithForeigner(t)
  const server = createServer({ key: site.server.key, cert: site.server.chain, ca: site.ca.certificate, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerX509Certificate()?.subject)
  })
  t.teardown(() => { server.close() })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const answers = await renegotiate((server.address() as AddressInfo).port, site)
  t.match(answers, /answer: CN=alice\nanswer: CN=foreigner/)
})

t.test('a client that renegotiates with another certificate gets nothing', async (t) => {
  if (!hasProgram(t, 'pyopenssl')) return
  const site = await makeSiteWithForeigner(t)
  const served: string[] = []
  const { port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/who', async (request) => {
      served.push(request.clientCertificate?.subject ?? 'anonymous')
      return request.clientCertificate?.subject
    })
  })
  const answers = await renegotiate(port, site)
  t.match(answers, /^answer: CN=alice\nrefused: /)
  t.same(served, ['CN=alice'])
})
