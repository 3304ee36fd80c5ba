import t from 'tap'
import { distributionPoints, extension, integer, loadCrls, makeCrl, scope, serialOf, STRICT, uri, wordFor, type CrlOptions } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })
const unknown = extension('1.3.6.1.4.1.99999.1', element(0x05), true)
const serial = serialOf(alice.der)

const defects: Array<{ name: string, options: CrlOptions, inEntry?: Buffer[] }> = [
  { name: 'an unknown critical extension', options: { extensions: [unknown] } },
  { name: 'an unknown critical extension of 2.5.29', options: { extensions: [extension('2.5.29.99', element(0x05), true)] } },
  { name: 'an unknown critical extension of an entry', options: {}, inEntry: [unknown] },
  { name: 'a certificateIssuer in a CRL that is not indirect', options: {}, inEntry: [extension('2.5.29.29', element(0x30), true)] },
  { name: 'no CRL number in version 2', options: { number: null } },
  { name: 'a critical CRL number', options: { number: null, extensions: [extension('2.5.29.20', integer(3), true)] } },
  { name: 'a critical freshestCRL', options: { extensions: [extension('2.5.29.46', distributionPoints({ names: [uri('http://crl.test/delta')] }), true)] } },
  { name: 'a scope that excludes all certificates', options: { scope: scope({ onlyUser: true, onlyAuthority: true }) } }
]

for (const { name, options, inEntry = [] } of defects) {
  t.test(`with ${name} a CRL revokes what it lists, and proves nobody good`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial, extensions: inEntry }], ...options })])
    t.equal(wordFor(set.status([alice.x509])), 'revoked')
    t.equal(wordFor(set.status([bob.x509])), 'good')
    t.equal(wordFor(set.status([bob.x509], { unknownStatus: 'deny' })), 'unknown')
  })

  t.test(`with ${name} a newer CRL takes nobody off an older one without a defect, and adds to it`, async (t) => {
    const set = await loadCrls(t, [root], [
      makeCrl(root, { number: 1, thisUpdate: new Date('2026-01-01'), entries: [{ serial }] }),
      makeCrl(root, { number: 2, entries: [{ serial: serialOf(bob.der), extensions: inEntry }], ...options })
    ])
    t.equal(wordFor(set.status([alice.x509])), 'revoked')
    t.equal(wordFor(set.status([bob.x509])), 'revoked')
  })
}

t.test('a newer CRL without a defect replaces one with a defect', async (t) => {
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 1, entries: [{ serial }], extensions: [unknown] }),
    makeCrl(root, { number: 2 })
  ])
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'good')
})

t.test('of two with a defect the newer one counts', async (t) => {
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: null, thisUpdate: new Date('2026-01-01'), entries: [{ serial }] }),
    makeCrl(root, { number: null, thisUpdate: new Date('2026-01-02') })
  ])
  t.equal(wordFor(set.status([alice.x509])), 'good')
  t.equal(set.size, 0)
})

t.test('extensions that are not critical, and entries of a known kind, are no defect', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, {
    extensions: [extension('1.3.6.1.4.1.99999.1', element(0x05)), extension('2.5.29.46', element(0x30))],
    entries: [{ serial, reason: 4, extensions: [extension('2.5.29.24', element(0x18, Buffer.from('20260101000000Z')), true), extension('1.2.3.4', element(0x05))] }]
  })])
  t.equal(wordFor(set.status([alice.x509])), 'revoked superseded')
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'good')
})
