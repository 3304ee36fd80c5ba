import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { identifyCertificate, identifyWholeCertificate } from '../../lib/x509/identity.js'
import { readCertificate, readElement } from '../../lib/x509/der.js'
import { createAuthority, element } from '../support/pki.js'

const authority = await createAuthority({ name: 'C=DE, O=Acme, CN=Root' })
const { der } = await authority.issue({ name: 'alice', usage: 'client', dnsNames: ['alice.example'] })

function isRead (read: () => unknown): boolean {
  try {
    read()
    return true
  } catch {
    return false
  }
}

t.test('a certificate has the same identity in a file and in a handshake', async (t) => {
  t.equal(identifyWholeCertificate(der), identifyCertificate(der).tbs)
  t.equal(identifyWholeCertificate(authority.der), identifyCertificate(authority.der).tbs)
})

// What OpenSSL reads can be presented, so it must be possible to revoke it. The reverse does not matter.
t.test('a certificate with any byte changed can be revoked if OpenSSL reads it', async () => {
  fc.assert(fc.property(fc.nat(der.length - 1), fc.nat(255), (at, value) => {
    const changed = Buffer.from(der)
    changed[at] = value
    return !isRead(() => identifyCertificate(changed)) || !isRead(() => new X509Certificate(changed)) || isRead(() => identifyWholeCertificate(changed))
  }), { numRuns: 5000 })
})

const layout = readCertificate(der)
const { tbs } = layout
const part = ({ start, end }: { start: number, end: number }): Buffer => der.subarray(start, end)
const algorithm = readElement(der, tbs.end, der.length)
const signature = readElement(der, algorithm.end, der.length)
const validity = readElement(der, layout.issuer.end, tbs.end)
const oid = Buffer.of(0x06, 1, 42)
const fields = {
  version: der.subarray(tbs.content, layout.serialNumber.start),
  serialNumber: part(layout.serialNumber),
  inner: part(readElement(der, layout.serialNumber.end, tbs.end)),
  issuer: part(layout.issuer),
  validity: part(validity),
  subject: part(layout.subject),
  key: part(layout.subjectPublicKeyInfo),
  rest: der.subarray(layout.subjectPublicKeyInfo.end, tbs.end)
}

function certificate (changed: Partial<typeof fields & { algorithm: Buffer, signature: Buffer }>): Buffer {
  const { algorithm: outer = part(algorithm), signature: bits = part(signature), ...others } = changed
  return element(0x30, element(0x30, ...Object.values({ ...fields, ...others })), outer, bits)
}

function name (...attribute: Buffer[]): Buffer {
  return element(0x30, element(0x31, element(0x30, ...attribute)))
}

const text = element(0x0c, Buffer.from('x'))
const key = readElement(der, readElement(der, layout.subjectPublicKeyInfo.content, tbs.end).end, tbs.end)
const keyAlgorithm = part(readElement(der, layout.subjectPublicKeyInfo.content, tbs.end))
const time = element(0x17, Buffer.from('260101000000Z'))

const good: Array<[name: string, bytes: Buffer]> = [
  ['no changes', certificate({})],
  ['version 1', certificate({ version: Buffer.alloc(0), rest: Buffer.alloc(0) })],
  ['unique identifiers', certificate({ rest: Buffer.concat([Buffer.of(0x81, 2, 0, 1, 0x82, 2, 0, 1), fields.rest]) })],
  ['an algorithm without parameters', certificate({ algorithm: element(0x30, oid), inner: element(0x30, oid) })],
  ['empty names', certificate({ issuer: element(0x30), subject: element(0x30) })]
]

for (const [name, bytes] of good) {
  t.test(`a file may hold a certificate with ${name}`, async (t) => {
    t.ok(new X509Certificate(bytes))
    t.match(identifyWholeCertificate(bytes), /^sha256/)
  })
}

// OpenSSL reads these, and a CA that copies the name of a request puts them into a certificate.
const indefinite = (tag: number, ...content: Buffer[]): Buffer => Buffer.concat([Buffer.of(tag, 0x80), ...content, Buffer.of(0, 0)])
const commonName = Buffer.of(0x06, 3, 0x55, 4, 3)
const attribute = element(0x30, commonName, text)
const beyondDer: Array<[name: string, bytes: Buffer]> = [
  ['a name with a set whose length is not stated', certificate({ subject: element(0x30, indefinite(0x31, attribute)) })],
  ['a name with a value in segments', certificate({ subject: name(commonName, indefinite(0x2c, text)) })],
  ['a name with a length of seven bytes', certificate({ subject: element(0x30, Buffer.of(0x31, 0x87, 0, 0, 0, 0, 0, 0, attribute.length), attribute) })],
  ['a name with a tag of two bytes', certificate({ subject: element(0x30, Buffer.of(0x3f, 0x11, attribute.length), attribute) })],
  ['a key in segments', certificate({ key: element(0x30, keyAlgorithm, element(0x23, part(key))) })]
]

for (const [name, bytes] of beyondDer) {
  t.test(`${name} is not DER, but a client can present it, so it can be revoked`, async (t) => {
    t.equal(identifyWholeCertificate(bytes), identifyCertificate(new X509Certificate(bytes).raw).tbs)
  })
}

t.test('bytes that merely contain a certificate are not a certificate', async (t) => {
  const bytes = certificate({ subject: element(0x30, element(0x0c, Buffer.from(`\n${authority.certificate}\n`))) })
  t.equal(new X509Certificate(bytes).subject, authority.x509.subject, 'Node reads the certificate inside it')
  t.throws(() => identifyWholeCertificate(bytes), { code: 'FST_ENDPOINT_DER_INVALID' })
})

const broken: Array<[name: string, bytes: Buffer, problem: string]> = [
  ['a version that is not a number', certificate({ version: element(0xa0, time) }), 'tag 23 where 2 belongs'],
  ['a version with data after it', certificate({ version: element(0xa0, Buffer.of(2, 1, 2, 2, 1, 2)) }), 'a version that is not one INTEGER'],
  ['an empty version', certificate({ version: element(0xa0, Buffer.of(2, 0)) }), 'a version that is not one INTEGER'],
  ['an algorithm without its name', certificate({ algorithm: element(0x30) }), 'it is cut short'],
  ['an algorithm with an empty name', certificate({ inner: element(0x30, Buffer.of(6, 0)) }), 'an OBJECT IDENTIFIER without content'],
  ['an algorithm with two parameters', certificate({ inner: element(0x30, oid, text, text) }), 'extra data follows the parameters of an algorithm'],
  ['an empty signature', certificate({ signature: Buffer.of(3, 0) }), 'an invalid BIT STRING'],
  ['a signature with nine unused bits', certificate({ signature: Buffer.of(3, 2, 9, 1) }), 'an invalid BIT STRING'],
  ['a name without a set', certificate({ issuer: element(0x30, text) }), 'tag 12 where 49 belongs'],
  ['a name without attributes', certificate({ issuer: element(0x30, element(0x31, text)) }), 'tag 12 where 48 belongs'],
  ['an attribute without its type', certificate({ subject: name(text) }), 'tag 12 where 6 belongs'],
  ['an attribute with an empty type', certificate({ subject: name(Buffer.of(6, 0), text) }), 'an OBJECT IDENTIFIER without content'],
  ['an attribute without its value', certificate({ subject: name(oid) }), 'it is cut short'],
  ['an attribute with two values', certificate({ subject: name(oid, text, text) }), 'extra data follows an attribute of a name'],
  ['one time', certificate({ validity: element(0x30, time) }), 'a validity without exactly two times'],
  ['invalid times', certificate({ validity: element(0x30, text, text) }), 'a validity without exactly two times'],
  ['a key without an algorithm', certificate({ key: element(0x30, part(key)) }), 'tag 3 where 48 belongs'],
  ['an invalid key', certificate({ key: element(0x30, keyAlgorithm, text) }), 'tag 12 where 3 belongs'],
  ['two keys', certificate({ key: element(0x30, keyAlgorithm, part(key), part(key)) }), 'extra data follows its public key'],
  ['other data after the key', certificate({ rest: text }), 'tag 12 where it does not belong'],
  ['extensions twice', certificate({ rest: Buffer.concat([fields.rest, fields.rest]) }), 'tag 163 where it does not belong'],
  ['extensions with data after them', certificate({ rest: element(0xa3, element(0x30), text) }), 'extra data follows its extensions'],
  ['an invalid extension', certificate({ rest: element(0xa3, element(0x30, text)) }), 'it is cut short']
]

for (const [name, bytes, problem] of broken) {
  t.test(`a certificate with ${name} is rejected`, async (t) => {
    t.throws(() => new X509Certificate(bytes), 'OpenSSL does not read it')
    t.throws(() => identifyWholeCertificate(bytes), { code: 'FST_ENDPOINT_DER_INVALID', message: `A certificate or CRL is not valid DER: ${problem}` })
  })
}
