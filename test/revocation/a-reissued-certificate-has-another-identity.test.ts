import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority, generateKeyPair } from '../support/pki.js'

t.test('a certificate reissued for the same subject and key has another identity', async (t) => {
  const authority = await createAuthority()
  const keyPair = await generateKeyPair()
  const [old, renewed] = [await authority.issue({ name: 'alice', keyPair }), await authority.issue({ name: 'alice', keyPair })]
  const [a, b] = [identifyCertificate(old.der), identifyCertificate(renewed.der)]
  t.not(a.tbs, b.tbs)
  t.not(a.serial, b.serial)
  t.equal(a.spki, b.spki, 'only the key is the same')
})

t.test('the same serial number from another issuer is another certificate', async (t) => {
  const [a, b] = [await createAuthority({ name: 'A' }), await createAuthority({ name: 'B' })]
  const keys = await Promise.all([a, b].map(async (issuer) => identifyCertificate((await issuer.issue({ name: 'x', serial: '01' })).der).serial))
  t.not(keys[0], keys[1])
})

t.test('a key that two authorities certify has one spki', async (t) => {
  const [a, b] = [await createAuthority({ name: 'A' }), await createAuthority({ name: 'B' })]
  const keyPair = await generateKeyPair()
  const [first, crossed] = [await createAuthority({ name: 'Sub', issuer: a, keyPair }), await createAuthority({ name: 'Sub', issuer: b, keyPair })]
  t.equal(identifyCertificate(first.der).spki, identifyCertificate(crossed.der).spki)
  t.not(identifyCertificate(first.der).tbs, identifyCertificate(crossed.der).tbs)
})
