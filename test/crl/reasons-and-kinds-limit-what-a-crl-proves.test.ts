import t from 'tap'
import { loadCrls, makeCrl, namesPoints, scope, STRICT, uri, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice', serial: '11' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root, serial: '22' })

const LOW = [1, 2, 3, 4]
const HIGH = [5, 6, 7, 8]

t.test('CRLs for some of the reasons prove no client good until together they cover all reasons', async (t) => {
  const low = makeCrl(root, { scope: scope({ reasons: LOW }) })
  const high = makeCrl(root, { scope: scope({ reasons: HIGH }) })
  t.equal(wordFor((await loadCrls(t, [root], [low])).status([alice.x509], STRICT)), 'unknown')
  t.equal(wordFor((await loadCrls(t, [root], [low, high])).status([alice.x509], STRICT)), 'good')
  t.equal(wordFor((await loadCrls(t, [root], [makeCrl(root, { scope: scope({ reasons: [...LOW, 5, 6, 7] }) })])).status([alice.x509], STRICT)), 'unknown', 'without aACompromise')
})

t.test('a CRL for some of the reasons revokes for any reason', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { scope: scope({ reasons: LOW }), entries: [{ serial: '11', reason: 6 }] })])
  t.equal(wordFor(set.status([alice.x509])), 'revoked certificateHold')
})

t.test('the reasons in the certificate\'s distribution points count too', async (t) => {
  const split = await root.issue({ name: 'split', extensions: [namesPoints({ names: [uri('http://crl.test/1')], reasons: LOW }, { names: [uri('http://crl.test/2')], reasons: HIGH })] })
  const one = makeCrl(root, { scope: scope({ names: [uri('http://crl.test/1')] }) })
  const two = makeCrl(root, { scope: scope({ names: [uri('http://crl.test/2')] }) })
  t.equal(wordFor((await loadCrls(t, [root], [one])).status([split.x509], STRICT)), 'unknown')
  t.equal(wordFor((await loadCrls(t, [root], [one, two])).status([split.x509], STRICT)), 'good')
})

t.test('the status says so if one of the CRLs for some reasons has expired', async (t) => {
  const low = makeCrl(root, { scope: scope({ reasons: LOW }), thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-02-01') })
  const high = makeCrl(root, { scope: scope({ reasons: HIGH }), thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-03-01') })
  const set = await loadCrls(t, [root], [low, high], new Date('2026-02-15'))
  t.same(set.status([alice.x509], STRICT), { status: 'unknown', index: 0, isExpired: true })
  t.equal(wordFor(set.status([alice.x509], { unknownStatus: 'deny' })), 'good')
  const earlier = await loadCrls(t, [root], [low, high], new Date('2026-01-15'))
  t.same(earlier.status([alice.x509], STRICT), { status: 'good', goodUntil: new Date('2026-02-01') })
})

t.test('a CRL about users proves no authority good, and a CRL about authorities no user', async (t) => {
  const users = makeCrl(root, { scope: scope({ onlyUser: true }) })
  const authorities = makeCrl(root, { scope: scope({ onlyAuthority: true }) })
  const onlyUsers = await loadCrls(t, [root], [users])
  t.equal(wordFor(onlyUsers.status([alice.x509], STRICT)), 'good')
  t.equal(wordFor(onlyUsers.status([issuing.x509], STRICT)), 'unknown')
  const onlyAuthorities = await loadCrls(t, [root], [authorities])
  t.equal(wordFor(onlyAuthorities.status([alice.x509], STRICT)), 'unknown')
  t.equal(wordFor(onlyAuthorities.status([issuing.x509], STRICT)), 'good')
  const both = await loadCrls(t, [root], [users, authorities])
  t.equal(wordFor(both.status([alice.x509], STRICT)), 'good')
  t.equal(wordFor(both.status([issuing.x509], STRICT)), 'good')
})

t.test('a CRL revokes what it lists even if its scope excludes the certificate', async (t) => {
  const users = await loadCrls(t, [root], [makeCrl(root, { scope: scope({ onlyUser: true }), entries: [{ serial: '22' }] })])
  t.equal(wordFor(users.status([issuing.x509])), 'revoked')
  const authorities = await loadCrls(t, [root], [makeCrl(root, { scope: scope({ onlyAuthority: true }), entries: [{ serial: '11' }] })])
  t.equal(wordFor(authorities.status([alice.x509])), 'revoked')
})

t.test('a CRL about attribute certificates does not cover other certificates', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { scope: scope({ onlyAttribute: true }), entries: [{ serial: '11' }] })])
  t.equal(wordFor(set.status([alice.x509])), 'good')
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'unknown')
})
