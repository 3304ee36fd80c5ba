import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { asClient, bytesFor, get, makeSite, startApp } from '../support/mutual-tls.js'
import { flipSignature } from '../support/pki.js'

t.test('a revoked certificate with a flipped ECDSA signature is rejected, though it verifies and has another fingerprint', async (t) => {
  const site = await makeSite(t)
  const flipped = new X509Certificate(flipSignature(site.mallory.der))
  t.not(flipped.fingerprint256, site.mallory.x509.fingerprint256)
  t.ok(flipped.verify(site.ca.x509.publicKey))
  const disguised = asClient(site, { chain: flipped.toString(), key: site.mallory.key })

  const before = await startApp(t, site.endpoint())
  t.match(await get(before.port, disguised), { status: 200, body: '{"hello":"CN=mallory"}' }, 'while nothing is revoked, it is admitted')

  await site.revoke('mallory.pem')
  const { port } = await startApp(t, site.endpoint())
  t.equal(await bytesFor(port, disguised, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), '')
})
