import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority, flipSignature } from '../support/pki.js'

t.test('the flipped ECDSA signature verifies and changes the fingerprint, but not the identity', async (t) => {
  const authority = await createAuthority()
  const { der, x509 } = await authority.issue({ name: 'alice' })
  const flipped = new X509Certificate(flipSignature(der))
  t.ok(flipped.verify(authority.x509.publicKey))
  t.not(flipped.fingerprint256, x509.fingerprint256)
  const [identity, other] = [identifyCertificate(der), identifyCertificate(flipped.raw)]
  t.equal(other.tbs, identity.tbs)
  t.equal(other.serial, identity.serial)
  t.equal(other.spki, identity.spki)
})
