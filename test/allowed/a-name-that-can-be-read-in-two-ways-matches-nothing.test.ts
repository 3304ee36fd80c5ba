import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { readSubjectNames, type SubjectName } from '../../lib/x509/subject-names.js'
import { alternativeNames, DNS, EMAIL, generalName, IP, issue, matches, rawAlternativeNames, URI } from '../support/allowed.js'
import { element, oid } from '../support/der.js'
import { createAuthority, Extension, KeyUsageFlags, type Issued } from '../support/pki.js'

const OTHER_NAME = element(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), element(0xa0, element(0x0c, Buffer.from('alice@example.org'))))
const DIRECTORY_NAME = element(0xa4, element(0x30, element(0x31, element(0x30, oid('2.5.4.3'), element(0x0c, Buffer.from('alice'))))))

/** Rules with names that only a privileged client should have. */
const RULES = [
  'dns:admin.example.org', 'dns:*.example.org', 'email:admin@example.org', 'uri:https://example.org/admin', 'uri:https://example.org/*',
  'uri:spiffe://example.org/admin', 'uri:spiffe://example.org/*', 'ip:10.0.0.1', 'ip:10.0.0.0/8', 'cn:admin'
]

/** Names in a certificate, and the one problem that each has; undefined where it is a name like any other, if an odd one. */
const names: Array<[description: string, tag: number, content: string | Uint8Array, problem: string | undefined]> = [
  ['another name behind a comma', DNS, 'x.example.net, DNS:admin.example.org', undefined],
  ['another name behind a line feed', DNS, 'x.example.net\nDNS:admin.example.org', 'it has a control character'],
  ['another name in quotes', DNS, '"x.example.net", "DNS:admin.example.org"', undefined],
  ['the text form of a URI in a DNS name', DNS, 'URI:https://example.org/admin', undefined],
  ['the text form of a DNS name in a URI', URI, 'x:y, DNS:admin.example.org', undefined],
  ['the text form of an address', DNS, 'IP Address:10.0.0.1', undefined],
  ['a NUL behind a name', DNS, 'admin.example.org\0', 'it has a control character'],
  ['a NUL within a name', DNS, 'admin.example.org\0.evil.test', 'it has a control character'],
  ['a NUL before a host that a wildcard covers', DNS, 'evil.test\0.example.org', 'it has a control character'],
  ['a NUL in a URI', URI, 'https://example.org/admin\0.evil.test', 'it has a control character'],
  ['a NUL in an email', EMAIL, 'admin@example.org\0@evil.test', 'it has a control character'],
  ['a DEL', DNS, 'a\x7f.example.org', 'it has a control character'],
  ['a tab', URI, 'https://example.org/\tadmin', 'it has a control character'],
  ['a star that would cover names', DNS, '*.example.org', 'it has a "*"'],
  ['a star alone', DNS, '*', 'it has a "*"'],
  ['a star in a URI', URI, 'https://example.org/*', 'it has a "*"'],
  ['a star in an email', EMAIL, '*@example.org', 'it has a "*"'],
  ['a DNS name in a URI', URI, 'admin.example.org', undefined],
  ['an email in a DNS name', DNS, 'admin@example.org', undefined],
  ['a URI in a DNS name', DNS, 'https://example.org/admin', undefined],
  ['an address in a DNS name', DNS, '10.0.0.1', undefined],
  ['two @', EMAIL, 'admin@example.org@evil.test', 'it is not of the form local@host'],
  ['two @ before the host', EMAIL, 'evil@evil.test@example.org', 'it is not of the form local@host'],
  ['two @, one of them in quotes', EMAIL, '"admin@example.org"@evil.test', 'it is not of the form local@host'],
  ['no @', EMAIL, 'admin', 'it is not of the form local@host'],
  ['no local part', EMAIL, '@example.org', 'it is not of the form local@host'],
  ['no host', EMAIL, 'admin@', 'its host is empty'],
  ['an email whose host ends with a dot', EMAIL, 'admin@example.org.', 'its host ends with a dot'],
  ['an email between angle brackets', EMAIL, 'Admin <admin@example.org>', undefined],
  ['a name that ends with a dot', DNS, 'admin.example.org.', 'its host ends with a dot'],
  ['a dot alone', DNS, '.', 'its host ends with a dot'],
  ['a dot of another script', DNS, Buffer.from('admin。example.org'), 'an IA5String with bytes beyond ASCII'],
  ['a dot of another script before a host that a wildcard covers', DNS, Buffer.from('evil。test.example.org'), 'an IA5String with bytes beyond ASCII'],
  ['letters that look alike', DNS, Buffer.from('аdmin.example.org'), 'an IA5String with bytes beyond ASCII'],
  ['a letter whose lower case is k', DNS, Buffer.from('\u212a.example.org'), 'an IA5String with bytes beyond ASCII'],
  ['the same with the highest bit set', DNS, Buffer.from('admin.example.org').map((byte) => byte | 0x80), 'an IA5String with bytes beyond ASCII'],
  ['bytes of Latin-1', EMAIL, 'ädmin@example.org', 'an IA5String with bytes beyond ASCII'],
  ['nothing', DNS, '', 'it is empty'],
  ['no URI', URI, '', 'it is empty'],
  ['a space before a name', DNS, ' admin.example.org', undefined],
  ['two labels where one belongs', DNS, 'a.b.example.org', undefined],
  ['an empty label where one belongs', DNS, '.example.org', undefined],
  ['an address of no bytes', IP, Buffer.alloc(0), 'an address has 4 or 16 bytes'],
  ['an address of three bytes', IP, Buffer.of(10, 0, 0), 'an address has 4 or 16 bytes'],
  ['a network in the form of name constraints', IP, Buffer.of(10, 0, 0, 0, 255, 0, 0, 0), 'an address has 4 or 16 bytes'],
  ['an address as text', IP, '10.0.0.1', 'an address has 4 or 16 bytes'],
  ['an IPv4-mapped address', IP, Buffer.from('00000000000000000000ffff0a000001', 'hex'), undefined],
  ['an IPv4-compatible address', IP, Buffer.from('0000000000000000000000000a000001', 'hex'), undefined],
  ['an IPv6 address that begins with the same bytes', IP, Buffer.from('0a000001000000000000000000000000', 'hex'), undefined],
  ['a percent sign in a URI', URI, 'https://example.org/%61dmin', undefined],
  ['a dot segment', URI, 'https://example.org/x/../admin', undefined],
  ['a backslash', URI, 'https://example.org/x\\..\\admin', undefined],
  ['an empty segment', URI, 'https://example.org//admin', undefined],
  ['a user', URI, 'https://example.org@evil.test/admin', undefined],
  ['a scheme in upper case', URI, 'HTTPS://example.org/admin', undefined],
  ['a SPIFFE ID with a scheme in upper case', URI, 'SPIFFE://example.org/admin', undefined],
  ['a SPIFFE ID with a trust domain in upper case', URI, 'spiffe://Example.org/admin', undefined],
  ['a SPIFFE ID without a path', URI, 'spiffe://example.org', undefined],
  ['a SPIFFE ID with a slash alone', URI, 'spiffe://example.org/', undefined],
  ['a SPIFFE ID with a slash at its end', URI, 'spiffe://example.org/admin/', undefined],
  ['a SPIFFE ID with a percent sign', URI, 'spiffe://example.org/%61dmin', undefined],
  ['a SPIFFE ID with a dot segment', URI, 'spiffe://example.org/x/../admin', undefined],
  ['a SPIFFE ID with a query', URI, 'spiffe://example.org/admin?x', undefined],
  ['a SPIFFE ID with a fragment', URI, 'spiffe://example.org/admin#x', undefined],
  ['a SPIFFE ID with a port', URI, 'spiffe://example.org:1/admin', undefined],
  ['a SPIFFE ID with a user', URI, 'spiffe://u@example.org/admin', undefined],
  ['a SPIFFE ID without a trust domain', URI, 'spiffe:///admin', undefined],
  ['a SPIFFE ID that is too long', URI, `spiffe://example.org/${'a'.repeat(2040)}`, undefined],
  ['a trust domain that is too long', URI, `spiffe://${'a'.repeat(256)}/admin`, undefined]
]

async function isLetIn ({ der }: Issued): Promise<string[]> {
  const matching = await Promise.all(RULES.map((rule) => matches(rule, der)))
  return RULES.filter((_, index) => matching[index])
}

t.test('an ambiguous name in subjectAltName matches nothing', async (t) => {
  for (const [description, tag, content, problem] of names) {
    const client = await issue({ extensions: [alternativeNames(generalName(tag, content))] })
    const { names: [name, ...others], problem: whole } = readSubjectNames(client.der)
    t.same([name?.problem, others, whole], [problem, [], undefined], description)
    t.same(await isLetIn(client), [], description)
  }
})

t.test('a wrong name does not affect the names beside it', async (t) => {
  const client = await issue({ extensions: [alternativeNames(generalName(DNS, '*'), generalName(DNS, 'admin.example.org'), generalName(EMAIL, 'a@b@c'), generalName(IP, Buffer.of(1)))] })
  t.same(await isLetIn(client), ['dns:admin.example.org', 'dns:*.example.org'])
})

t.test('names of other types match nothing', async (t) => {
  const names = [OTHER_NAME, DIRECTORY_NAME, generalName(0x88, Buffer.of(0x2a, 3, 4)), element(0xa3, Buffer.of(5, 0)), element(0xa5, element(0x81, element(0x0c, Buffer.from('x'))))]
  t.same(readSubjectNames((await issue({ extensions: [alternativeNames(...names)] })).der), { names: [], isLeaf: true })
})

/** Some readers see the URI twice and others once, so it is not a SPIFFE ID. */
t.test('a name in pieces matches nothing', async (t) => {
  const pieces = element(URI | 0x20, element(0x16, Buffer.from('spiffe://example.org/')), element(0x16, Buffer.from('admin')))
  const only = await issue({ extensions: [alternativeNames(pieces)] })
  t.match(readSubjectNames(only.der), { names: [{ kind: 'uri', problem: 'it is in segments' }] })
  t.same(await isLetIn(only), [])
  t.same(await isLetIn(await issue({ extensions: [alternativeNames(generalName(URI, 'spiffe://example.org/admin'), pieces)] })), [])
})

t.test('a SPIFFE ID beside any other URI matches nothing', async (t) => {
  const id = generalName(URI, 'spiffe://example.org/admin')
  for (const other of [id, generalName(URI, 'https://example.net/'), generalName(URI, 'spiffe://example.org/other'), generalName(URI, ''), generalName(URI, 'x\0'), generalName(URI, '*')]) {
    for (const both of [[id, other], [other, id]]) t.same(await isLetIn(await issue({ extensions: [alternativeNames(...both)] })), [], other.toString('latin1'))
  }
  const beside = await issue({ name: 'x', extensions: [alternativeNames(generalName(DNS, 'example.net'), id, generalName(EMAIL, 'a@example.net'))] })
  t.same(await isLetIn(beside), ['uri:spiffe://example.org/admin', 'uri:spiffe://example.org/*'], 'names of other types do not matter')
})

t.test('a SPIFFE ID in a certificate that can sign others matches nothing', async (t) => {
  const id = alternativeNames(generalName(URI, 'spiffe://example.org/admin'), generalName(DNS, 'admin.example.org'))
  const dns = ['dns:admin.example.org', 'dns:*.example.org']
  t.same(await isLetIn(await createAuthority({ name: 'x', extensions: [id] })), dns, 'an authority')
  for (const keyUsage of [KeyUsageFlags.keyCertSign, KeyUsageFlags.cRLSign, KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign]) {
    t.same(await isLetIn(await issue({ keyUsage, extensions: [id] })), dns, `key usage ${keyUsage}`)
  }
  const uris = ['uri:spiffe://example.org/admin', 'uri:spiffe://example.org/*']
  t.same(await isLetIn(await issue({ keyUsage: null, extensions: [id] })), [...dns, ...uris], 'without key usage')
  const constraints = new Extension('2.5.29.19', false, element(0x30, element(0x01, Buffer.of(1))))
  t.same(await isLetIn(await issue({ extensions: [id, constraints] })), dns, 'two basicConstraints, one of which says that it is an authority')
})

const REFUSED: Array<[description: string, extensions: Extension[], problem: string]> = [
  ['two subjectAltNames', [alternativeNames(generalName(DNS, 'admin.example.org')), alternativeNames(generalName(DNS, 'x.example.net'))], 'it has two subjectAltNames (RFC 5280 section 4.2)'],
  ['the same subjectAltName twice', [alternativeNames(generalName(DNS, 'admin.example.org')), alternativeNames(generalName(DNS, 'admin.example.org'))], 'it has two subjectAltNames (RFC 5280 section 4.2)'],
  ['no SEQUENCE', [rawAlternativeNames(generalName(DNS, 'admin.example.org'))], 'its extensions cannot be read'],
  ['a SET', [rawAlternativeNames(element(0x31, generalName(DNS, 'admin.example.org')))], 'its extensions cannot be read'],
  ['nothing at all', [rawAlternativeNames(Buffer.alloc(0))], 'its extensions cannot be read'],
  ['a byte after it', [rawAlternativeNames(Buffer.concat([element(0x30, generalName(DNS, 'admin.example.org')), Buffer.of(0)]))], 'extra data follows its subjectAltName'],
  ['another list after it', [rawAlternativeNames(Buffer.concat([element(0x30), element(0x30, generalName(DNS, 'admin.example.org'))]))], 'extra data follows its subjectAltName'],
  ['a name that is longer than its surroundings', [rawAlternativeNames(element(0x30, generalName(DNS, 'admin.example.org'), Buffer.of(DNS, 5, 0x61)))], 'its extensions cannot be read'],
  ['an indefinite length', [rawAlternativeNames(Buffer.concat([Buffer.of(0x30, 0x80), generalName(DNS, 'admin.example.org'), Buffer.of(0, 0)]))], 'its extensions cannot be read'],
  ['a tag of two bytes', [alternativeNames(generalName(DNS, 'admin.example.org'), Buffer.of(0x9f, 0x22, 1, 0x61))], 'its extensions cannot be read'],
  ['a type of name that does not exist', [alternativeNames(generalName(DNS, 'admin.example.org'), Buffer.of(0x89, 1, 0x61))], 'its subjectAltName contains something that is not a name'],
  ['a string that is not a name', [alternativeNames(generalName(DNS, 'admin.example.org'), element(0x16, Buffer.from('x')))], 'its subjectAltName contains something that is not a name'],
  ['10,000 names', [alternativeNames(...Array.from({ length: 10_000 }, () => generalName(DNS, 'a')), generalName(DNS, 'admin.example.org'))], 'it has more than 1000 names'],
  ['1,001 names', [alternativeNames(generalName(DNS, 'admin.example.org'), ...Array.from({ length: 1000 }, () => generalName(DNS, 'a')))], 'it has more than 1000 names'],
  ['many names of other types', [alternativeNames(generalName(DNS, 'admin.example.org'), ...Array.from({ length: 1000 }, () => DIRECTORY_NAME))], 'it has more than 1000 names'],
  ['100 kB', [alternativeNames(generalName(DNS, 'admin.example.org'), generalName(URI, 'a'.repeat(100_000)))], 'its subjectAltName is longer than 65536 bytes'],
  ['basicConstraints that cannot be read', [alternativeNames(generalName(DNS, 'admin.example.org')), new Extension('2.5.29.19', false, Buffer.of(5, 0))], 'its extensions cannot be read']
]

t.test('no name of a certificate counts if its subjectAltName is unreadable or too large', async (t) => {
  for (const [description, extensions, problem] of REFUSED) {
    const client = await issue({ name: 'admin', extensions })
    t.same(readSubjectNames(client.der), { names: [], isLeaf: false, problem }, description)
    t.same(await isLetIn(client), [], description)
  }
  const client = await issue({ extensions: [alternativeNames(...Array.from({ length: 999 }, () => generalName(DNS, 'a')), generalName(DNS, 'admin.example.org'))] })
  t.same(await isLetIn(client), ['dns:admin.example.org', 'dns:*.example.org'], 'the last of a thousand matches')
})

const COMMON_NAME = oid('2.5.4.3')
const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text))
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16()
const attribute = (value: Uint8Array, type = COMMON_NAME): Buffer => element(0x30, type, value)

/** A certificate with another subject, which its signature does not cover. The signature is not checked here. */
async function withSubject (...parts: Uint8Array[]): Promise<Buffer> {
  const { der } = await issue({ name: 'CN=@', extensions: [] })
  const at = der.lastIndexOf(element(0x30, element(0x31, element(0x30, COMMON_NAME, utf8('@')))))
  const [header, algorithm, signature] = elementsOf(der)
  const tbs = elementsOf(header as Buffer)
  t.ok(at > 0)
  return element(0x30, element(0x30, ...tbs.with(5, element(0x30, ...parts))), algorithm as Buffer, signature as Buffer)
}

function elementsOf (bytes: Buffer): Buffer[] {
  const content = (at: number): number => (bytes[at + 1] as number) < 0x80 ? at + 2 : at + 2 + ((bytes[at + 1] as number) & 0x7f)
  const length = (at: number): number => (bytes[at + 1] as number) < 0x80 ? bytes[at + 1] as number : bytes.readUIntBE(at + 2, (bytes[at + 1] as number) & 0x7f)
  const found: Buffer[] = []
  for (let at = content(0); at < bytes.length; at = content(at) + length(at)) found.push(bytes.subarray(at, content(at) + length(at)))
  return found
}

const several = 'the subject has several commonNames'
const other = 'its bytes are not valid for its string type'
const commonNames: Array<[description: string, parts: Buffer[], expected: SubjectName[], matching: string[]]> = [
  ['UTF8String', [element(0x31, attribute(utf8('admin')))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['PrintableString', [element(0x31, attribute(element(0x13, Buffer.from('admin'))))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['IA5String', [element(0x31, attribute(element(0x16, Buffer.from('admin'))))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['T61String of ASCII', [element(0x31, attribute(element(0x14, Buffer.from('admin'))))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['T61String beyond ASCII', [element(0x31, attribute(element(0x14, Buffer.from('ädmin', 'latin1'))))], [{ kind: 'cn', value: 'ädmin', problem: other }], []],
  ['BMPString', [element(0x31, attribute(element(0x1e, utf16('admin'))))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['BMPString with half a character', [element(0x31, attribute(element(0x1e, utf16('admin').subarray(1))))], [{ kind: 'cn', value: utf16('admin').subarray(1).toString('latin1'), problem: other }], []],
  ['BMPString with half a pair', [element(0x31, attribute(element(0x1e, Buffer.of(0xd8, 0))))], [{ kind: 'cn', value: 'Ø\0', problem: other }], []],
  ['bytes of ASCII that are a BMPString', [element(0x31, attribute(element(0x1e, Buffer.from('admins'))))], [{ kind: 'cn', value: '慤浩湳' }], []],
  ['UniversalString', [element(0x31, attribute(element(0x1c, Buffer.of(0, 0, 0, 0x61))))], [{ kind: 'cn', value: '\0\0\0a', problem: other }], []],
  ['a string of bytes', [element(0x31, attribute(element(0x04, Buffer.from('admin'))))], [{ kind: 'cn', value: 'admin', problem: other }], []],
  ['UTF8String that is not UTF-8', [element(0x31, attribute(element(0x0c, Buffer.of(0x61, 0xc0, 0xaf))))], [{ kind: 'cn', value: 'aÀ¯', problem: other }], []],
  ['UTF8String in segments', [element(0x31, attribute(element(0x2c, utf8('admin'))))], [{ kind: 'cn', value: utf8('admin').toString('latin1'), problem: other }], []],
  ['a byte order mark', [element(0x31, attribute(utf8('\ufeffadmin')))], [{ kind: 'cn', value: '\ufeffadmin' }], []],
  ['a NUL', [element(0x31, attribute(utf8('admin\0')))], [{ kind: 'cn', value: 'admin\0', problem: 'it has a control character' }], []],
  ['a star', [element(0x31, attribute(utf8('*')))], [{ kind: 'cn', value: '*', problem: 'it has a "*"' }], []],
  ['nothing', [element(0x31, attribute(utf8('')))], [{ kind: 'cn', value: '', problem: 'it is empty' }], []],
  ['spaces around it', [element(0x31, attribute(utf8(' admin ')))], [{ kind: 'cn', value: ' admin ' }], []],
  ['two', [element(0x31, attribute(utf8('admin'))), element(0x31, attribute(utf8('x')))], [{ kind: 'cn', value: 'admin', problem: several }, { kind: 'cn', value: 'x', problem: several }], []],
  ['the same twice', [element(0x31, attribute(utf8('admin'))), element(0x31, attribute(utf8('admin')))], [{ kind: 'cn', value: 'admin', problem: several }, { kind: 'cn', value: 'admin', problem: several }], []],
  ['two in one part of the name', [element(0x31, attribute(utf8('admin')), attribute(utf8('x')))], [{ kind: 'cn', value: 'admin', problem: several }, { kind: 'cn', value: 'x', problem: several }], []],
  ['other attributes besides it', [element(0x31, attribute(utf8('x'), oid('2.5.4.10')), attribute(utf8('admin'))), element(0x31, attribute(utf8('y'), oid('2.5.4.3.1')))], [{ kind: 'cn', value: 'admin' }], ['cn:admin']],
  ['none', [element(0x31, attribute(utf8('admin'), oid('2.5.4.10')))], [], []],
  ['a value with data after it', [element(0x31, element(0x30, COMMON_NAME, utf8('admin'), utf8('x')))], [{ kind: 'cn', value: 'admin', problem: other }], []],
  ['more than a thousand', Array.from({ length: 1001 }, () => element(0x31, attribute(utf8('admin')))), [], []]
]

t.test('an ambiguous commonName matches nothing', async (t) => {
  for (const [description, parts, expected, matching] of commonNames) {
    const der = await withSubject(...parts)
    t.same(readSubjectNames(der).names, expected, description)
    t.same(await isLetIn({ der } as unknown as Issued), matching, description)
  }
})

t.test('data that is not a certificate has no names', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.of(0x30), Buffer.from('admin'), element(0x30)]) {
    t.same(readSubjectNames(bytes), { names: [], isLeaf: false, problem: 'its extensions cannot be read' })
  }
})

t.test('the text that Node.js prints contains names that the certificate does not have', async (t) => {
  const { der } = await issue({ extensions: [alternativeNames(generalName(DNS, 'x.example.net, DNS:admin.example.org'))] })
  t.match(new X509Certificate(der).subjectAltName, 'DNS:admin.example.org')
})
