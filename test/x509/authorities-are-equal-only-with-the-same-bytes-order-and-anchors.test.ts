import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { rewriteCertificate } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

t.test('authorities are equal only if their order, anchors and signatures are equal', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: root })
  const both = new Authorities([root.x509, issuing.x509])
  t.ok(both.isSameAs(new Authorities([root.der, issuing.der])), 'read from DER, they are the same')
  t.notOk(both.isSameAs(new Authorities([issuing.x509, root.x509])))
  t.notOk(both.isSameAs(new Authorities([root.x509, issuing.x509], 'any')))
  // The same signed part with another signature: it may have another issuer.
  const signedAgain = rewriteCertificate(issuing.der, root, (parts) => parts)
  const others = new Authorities([root.x509, signedAgain])
  t.equal(others.all[1]?.identity.tbs, both.all[1]?.identity.tbs)
  t.notOk(both.isSameAs(others))
  t.ok(others.isWithin(both) && both.isWithin(others))
  t.ok(new Authorities([issuing.x509]).isWithin(both))
  t.notOk(both.isWithin(new Authorities([issuing.x509])))
  t.same(both.all.map(({ issuers }) => issuers.map(({ x509 }) => x509.subject)), [[], ['CN=Root']])
})
