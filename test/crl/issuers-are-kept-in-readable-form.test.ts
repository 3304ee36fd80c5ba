import t from 'tap'
import { readFrame, readHeader } from '../../lib/revocation/crl/crl.js'
import { nameText } from '../../lib/x509/name.js'
import { commonName, commonNameAttribute, makeCrl, oid } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

function textOf (name: Buffer): string {
  const header = name[1] as number < 0x80 ? 2 : 2 + ((name[1] as number) & 0x7f)
  return nameText(name, { content: header, end: name.length })
}

t.test('the name of an issuer keeps its case and its order', async (t) => {
  const authority = await createAuthority({ name: 'C=DE, O=Acme, CN=Test CA' })
  const { der } = makeCrl(authority)
  t.equal(readHeader(der, readFrame(der)).issuerText, 'C=DE, O=Acme, CN=Test CA')
})

t.test('a value cannot look like another attribute', (t) => {
  t.equal(textOf(commonName('a, O=b+c')), 'CN=a\\, O=b\\+c')
  t.equal(textOf(commonName('Grüße', 0x1e)), 'CN=Grüße')
  t.end()
})

t.test('an attribute without a short name and a value that is no text are shown in hexadecimal', (t) => {
  t.equal(textOf(element(0x30, element(0x31, element(0x30, oid('1.2.3'), element(0x0c, Buffer.from('x')))))), '#2a03=x')
  t.equal(textOf(element(0x30, element(0x31, element(0x30, oid('2.5.4.3'), element(0x04, Buffer.of(1, 2)))))), 'CN=#0102')
  t.end()
})

t.test('a plus joins the attributes of one part, and a long name is shortened', (t) => {
  t.equal(textOf(element(0x30, element(0x31, commonNameAttribute('a'), commonNameAttribute('b')))), 'CN=a+CN=b')
  t.match(textOf(element(0x30, ...Array.from({ length: 50 }, () => element(0x31, commonNameAttribute('twelve bytes'))))), /^CN=twelve bytes, .{283}…$/)
  t.end()
})
