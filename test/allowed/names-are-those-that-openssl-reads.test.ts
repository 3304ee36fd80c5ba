/**
 * Compares the names of valid and invalid certificates with what OpenSSL reads. Its text form
 * is compared where it is not ambiguous: for names without commas and quotation marks.
 */
import { X509Certificate } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { readSubjectNames } from '../../lib/x509/subject-names.js'
import { alternativeNames, DNS, EMAIL, generalName, IP, issue, rawAlternativeNames, URI } from '../support/allowed.js'
import { mutationsOf } from '../support/der-mutations.js'
import { element } from '../support/der.js'

const RUNS = Number(process.env['FUZZED_NAMES'] ?? 150)
const PREFIXES = [['DNS:', 'dns'], ['URI:', 'uri'], ['email:', 'email'], ['IP Address:', 'ip']] as const

/** The names that OpenSSL sees, written as ours are. */
function namesByOpenssl ({ subjectAltName }: X509Certificate): string[] {
  // It is null for a certificate that OpenSSL cannot read, whatever its type says.
  const all = subjectAltName as string | null | undefined ?? ''
  return all.split(', ').flatMap((text) => {
    const [prefix, kind] = PREFIXES.find(([prefix]) => text.startsWith(prefix)) ?? []
    if (prefix === undefined) return []
    const value = text.slice(prefix.length)
    switch (kind) {
      case 'dns': return [`dns ${value.toLowerCase()}`]
      case 'email': return [`email ${value.slice(0, value.indexOf('@'))}${value.slice(value.indexOf('@')).toLowerCase()}`]
      case 'ip': return [`ip ${value.includes(':') ? new URL(`http://[${value}]`).hostname.slice(1, -1) : value}`]
      default: return [`${kind} ${value}`]
    }
  })
}

function namesRead (der: Buffer): string[] {
  return readSubjectNames(der).names.filter(({ kind, problem }) => kind !== 'cn' && problem === undefined).map(({ kind, value }) => `${kind} ${value}`)
}

const letters = (alphabet: string, maxLength: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength })
const host = fc.array(letters('abcXYZ019-_', 8), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
const bytes = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) }), { minLength: 16, maxLength: 16 })
const name = fc.oneof(
  host.map((value) => generalName(DNS, value)),
  fc.tuple(letters('abXY01.+_!#$', 8), host).map(([local, host]) => generalName(EMAIL, `${local}@${host}`)),
  fc.tuple(fc.constantFrom('https', 'spiffe', 'HTTP', 'x+y'), host, letters('abXY01/.-_~?#%:@;=&', 20)).map(([scheme, host, rest]) => generalName(URI, `${scheme}://${host}/${rest}`)),
  bytes.map((bytes) => generalName(IP, Buffer.from(bytes.slice(12)))),
  bytes.map((bytes) => generalName(IP, Buffer.from(bytes))),
  fc.constant(generalName(0x88, Buffer.of(0x2a, 3, 4)))
)

t.test('the names of any valid certificate are those that OpenSSL reads', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 12 }), async (names) => {
    const { der, x509 } = await issue({ extensions: [alternativeNames(...names)] })
    t.strictSame(namesRead(der), namesByOpenssl(x509))
  }), { numRuns: RUNS })
})

t.test('a commonName in each string type is what OpenSSL reads', async (t) => {
  for (const name of ['alice', 'Zürich', 'a b', '日本', '𝒳', 'CN=uri:https://x/', 'alice@example.org']) {
    const { der, x509 } = await issue({ name: `CN=${name.replace(/^CN=/, '')}` })
    const [read] = readSubjectNames(der).names
    t.equal(read?.value, (x509.toLegacyObject().subject as unknown as { CN: string }).CN)
  }
})

t.test('however a subjectAltName is changed, no name is read that OpenSSL does not see', async (t) => {
  const sound = element(0x30, generalName(DNS, 'a.example.org'), generalName(URI, 'spiffe://example.org/a'), generalName(EMAIL, 'a@example.org'), generalName(IP, Buffer.of(10, 0, 0, 1)))
  let read = 0
  for (const { name, bytes } of mutationsOf(sound)) {
    const { der } = await issue({ extensions: [rawAlternativeNames(bytes)] })
    const names = namesRead(der)
    const seen = new Set(namesByOpenssl(new X509Certificate(der)))
    t.same(names.filter((name) => !seen.has(name)), [], name)
    if (names.length > 0) read++
  }
  t.ok(read > 20, `${read} are read`)
})
