import t from 'tap'
import { commonName, commonNameAttribute, loadCrls, makeCrl, oid, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'
import { nameKey, relativeNameKey } from '../../lib/x509/name.js'
import { readElement } from '../../lib/x509/der.js'

const root = await createAuthority({ name: 'O=Acme, CN=Root CA' })
const alice = await root.issue({ name: 'alice', serial: '11' })
const organization = (text: string, tag = 0x0c): Buffer => element(0x30, oid('2.5.4.10'), element(tag, Buffer.from(text)))
const two = (first: Buffer, second: Buffer): Buffer => element(0x30, element(0x31, first), element(0x31, second))

const same: Array<[name: string, issuer: Buffer]> = [
  ['as PrintableString', two(organization('Acme', 0x13), commonNameAttribute('Root CA', 0x13))],
  ['as BMPString', two(organization('Acme'), commonNameAttribute('Root CA', 0x1e))],
  ['as UniversalString', two(organization('Acme'), commonNameAttribute('Root CA', 0x1c))],
  ['as TeletexString', two(organization('Acme'), commonNameAttribute('Root CA', 0x14))],
  ['as IA5String', two(organization('Acme'), commonNameAttribute('Root CA', 0x16))],
  ['as VisibleString', two(organization('Acme'), commonNameAttribute('Root CA', 0x1a))],
  ['in other case', two(organization('ACME'), commonNameAttribute('rOOT cA'))],
  ['with more spaces', two(organization(' Acme '), commonNameAttribute('  Root \t  CA\n'))]
]
for (const [name, issuer] of same) {
  t.test(`a CRL whose issuer is spelled ${name} belongs to the authority`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { issuer, entries: [{ serial: '11' }] })])
    t.equal(wordFor(set.status([alice.x509], STRICT)), 'revoked')
  })
}

const other: Array<[name: string, issuer: Buffer]> = [
  ['in another order', two(commonNameAttribute('Root CA'), organization('Acme'))],
  ['in one part', element(0x30, element(0x31, organization('Acme'), commonNameAttribute('Root CA')))],
  ['with one part less', commonName('Root CA')],
  ['without the space', two(organization('Acme'), commonNameAttribute('RootCA'))],
  ['under another attribute', two(organization('Acme'), organization('Root CA'))],
  ['with a value that is not text', two(organization('Acme'), commonNameAttribute('Root CA', 0x04))]
]
for (const [name, issuer] of other) {
  t.test(`a CRL whose issuer is spelled ${name} belongs to no authority`, async (t) => {
    await t.rejects(loadCrls(t, [root], [makeCrl(root, { issuer })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /not in authorities/ })
  })
}

const keyOf = (name: Buffer): string => nameKey(name, readElement(name, 0, name.length))

t.test('the order of the values in one part does not matter', (t) => {
  const [a, b] = [organization('Acme'), commonNameAttribute('Root')]
  t.equal(keyOf(element(0x30, element(0x31, a, b))), keyOf(element(0x30, element(0x31, b, a))))
  t.end()
})

t.test('a value cannot be mistaken for the end of another', (t) => {
  t.not(keyOf(two(commonNameAttribute('a;)(550403=1:b'), commonNameAttribute('c'))), keyOf(element(0x30, element(0x31, commonNameAttribute('a')), element(0x31, commonNameAttribute('b')), element(0x31, commonNameAttribute('c')))))
  t.end()
})

t.test('strings with a length that does not fit their type are compared byte by byte', (t) => {
  const name = (tag: number, hex: string): string => keyOf(element(0x30, element(0x31, element(0x30, oid('2.5.4.3'), element(tag, Buffer.from(hex, 'hex'))))))
  for (const [tag, bytes, others] of [[0x1e, '004100', '006100'], [0x1c, '0000004100', '0000006100'], [0x1c, '00110041', '00110061']] as const) {
    t.equal(name(tag, bytes), name(tag, bytes))
    t.not(name(tag, bytes), name(tag, others))
  }
  t.end()
})

t.test('a name with too many parts and a name with a part that is no SET are errors', (t) => {
  const part = element(0x31, commonNameAttribute('a'))
  const many = element(0x30, ...Array.from({ length: 300 }, () => part))
  t.throws(() => keyOf(many), { code: 'FST_ENDPOINT_DER_INVALID', message: /too many parts/ })
  const wide = element(0x31, ...Array.from({ length: 300 }, () => commonNameAttribute('a')))
  t.throws(() => relativeNameKey(wide, readElement(wide, 0, wide.length)), { code: 'FST_ENDPOINT_DER_INVALID', message: /too many parts/ })
  t.throws(() => keyOf(element(0x30, element(0x30, commonNameAttribute('a')))), { code: 'FST_ENDPOINT_DER_INVALID', message: /not a SET/ })
  t.end()
})
