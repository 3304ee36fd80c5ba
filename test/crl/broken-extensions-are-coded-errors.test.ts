import t from 'tap'
import { readDistributionPoints } from '../../lib/revocation/crl/distribution-point.js'
import { commonName, directoryName, extension, loadCrls, makeCrl, namesPoints, uri } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const many = <T>(one: T): T[] => Array.from({ length: 65 }, () => one)
const idp = (...parts: Buffer[]): Buffer[] => [extension('2.5.29.28', element(0x30, ...parts), true)]
const issuerOfEntry = (...names: Buffer[]): Buffer => extension('2.5.29.29', element(0x30, ...names), true)

const crls: Array<[name: string, extensions: Buffer[], entry: Buffer[], says: RegExp]> = [
  ['a scope with an unknown part', idp(element(0x8a)), [], /an issuingDistributionPoint with an unknown part/],
  ['a scope with something behind it', [extension('2.5.29.28', Buffer.concat([element(0x30), element(0x05)]))], [], /something follows the value/],
  ['a point of two names', idp(element(0xa0, element(0xa0), element(0xa0))), [], /two names/],
  ['a point of an unknown kind of name', idp(element(0xa0, element(0xa5))), [], /unknown kind of name/],
  ['too many names', idp(element(0xa0, element(0xa0, ...many(uri('x'))))), [], /too many names/],
  ['a freshestCRL with an unknown part', [extension('2.5.29.46', element(0x30, element(0x30, element(0x85))))], [], /a distribution point with an unknown part/],
  ['reasons of no bits', idp(element(0x83)), [], /no bits/],
  ['a boolean of two bytes', idp(element(0x81, Buffer.of(1, 1))), [], /not one byte/],
  ['an entry of an issuer without a directory name', idp(element(0x84, Buffer.of(1))), [issuerOfEntry(uri('x'))], /certificateIssuer has no directory name/],
  ['an entry of an issuer of too many names', idp(element(0x84, Buffer.of(1))), [issuerOfEntry(...many(directoryName(commonName('x'))))], /too many names/]
]

for (const [name, extensions, entry, says] of crls) {
  t.test(`${name} makes the file an error`, async (t) => {
    await t.rejects(loadCrls(t, [root], [makeCrl(root, { extensions, entries: [{ serial: '11', extensions: entry }] })]), { code: 'FST_ENDPOINT_FILE_INVALID', message: says })
  })
}

t.test('a certificate with more distribution points than are read is not judged: its client is to be refused', async (t) => {
  const alice = await root.issue({ name: 'alice', extensions: [namesPoints(...many({ names: [uri('http://crl.test')] }))] })
  const set = await loadCrls(t, [root], [makeCrl(root)])
  t.throws(() => set.status([alice.x509]), { code: 'FST_ENDPOINT_DER_INVALID', message: /too many distribution points/ })
})

t.test('a distribution point with an unknown part is an error', (t) => {
  const bytes = element(0x30, element(0x30, element(0x85)))
  t.throws(() => readDistributionPoints(bytes, { content: 0, end: bytes.length }, ''), { code: 'FST_ENDPOINT_DER_INVALID', message: /an unknown part/ })
  t.end()
})
