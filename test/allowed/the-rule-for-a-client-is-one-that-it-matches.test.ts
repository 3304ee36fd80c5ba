import fc from 'fast-check'
import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { ruleTextFor } from '../../lib/allowed/rule-text.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { SubjectName } from '../../lib/x509/subject-names.js'
import { alternativeNames, DNS, EMAIL, generalName, issue, URI } from '../support/allowed.js'
import type { LeafOptions } from '../support/pki.js'

async function ruleFor (options: Partial<LeafOptions>, ...kind: Array<'uri' | 'dns' | 'cn' | 'spki'>): Promise<string | undefined> {
  const identity = identifyCertificate((await issue(options)).der)
  return ruleTextFor(identity.names, identity, ...kind)
}

t.test('the rule uses the best name of the client', async (t) => {
  const all = { name: 'a 100%', dnsNames: ['A.example.org'], uris: ['https://example.org/a%20b'], emails: ['a@example.org'], ipAddresses: ['2001:db8::1'] }
  t.equal(await ruleFor(all), 'uri:https://example.org/a%20b')
  t.equal(await ruleFor({ ...all, uris: [] }), 'dns:a.example.org')
  t.equal(await ruleFor({ ...all, uris: [], dnsNames: [] }), 'email:a@example.org')
  t.equal(await ruleFor({ ...all, uris: [], dnsNames: [], emails: [] }), 'ip:2001:db8::1')
  t.equal(await ruleFor({ name: all.name }), 'cn:a%20100%25')
  t.equal(await ruleFor(all, 'cn'), 'cn:a%20100%25')
  t.equal(await ruleFor({ name: 'a\u3164\u2800\u00a0' }), 'cn:a%E3%85%A4%E2%A0%80%C2%A0', 'characters that cannot be seen are escaped')
  t.match(await ruleFor({}), /^tbs:sha256\/\//)
  t.match(await ruleFor(all, 'spki'), /^spki:sha256\/\//)
  t.equal(await ruleFor({ name: 'a' }, 'dns'), undefined)
})

t.test('the rule never uses a name that cannot be written as a rule', async (t) => {
  for (const [tag, value] of [
    [DNS, 'x, DNS:admin.example.org'], [DNS, '10.0.0.1'], [DNS, '-a.example.org'], [DNS, 'a..example.org'], [DNS, 'a.example.org role=admin'], [DNS, '*.example.org'], [DNS, 'a'.repeat(9000)],
    [EMAIL, 'a b@example.org'], [EMAIL, 'a@-'], [URI, 'admin.example.org'], [URI, 'https://example.org/a role=admin'], [URI, 'spiffe://Example.org/a'], [URI, 'spiffe://example.org']
  ] as const) t.equal(await ruleFor({ name: 'a', extensions: [alternativeNames(generalName(tag, value))] }), 'cn:a', value.slice(0, 80))
  const both = [generalName(URI, 'https://example.org/a role=admin'), generalName(URI, 'https://example.org/a')]
  t.equal(await ruleFor({ extensions: [alternativeNames(...both)] }), 'uri:https://example.org/a', 'but by another name of the kind')
  t.equal(await ruleFor({ name: 'a', uris: ['spiffe://example.org/a', 'spiffe://example.org/b'] }), 'cn:a')
})

t.test('the rule is a valid line of a list, whatever the names are', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '.', '@', ' ', '%', '/', ':', '-', '#', '=', ',', '\t', '\u00a0', '\u2028', 'ü', ' role=admin', ' issuer=', 'spiffe://', 'https://', '1'), minLength: 1, maxLength: 8 })
  const name = fc.tuple(fc.constantFrom('dns', 'uri', 'email', 'cn'), text).map(([kind, value]): SubjectName => ({ kind, value }) as SubjectName)
  await fc.assert(fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 3 }), async (names) => {
    const keys = { tbs: `sha256//${Buffer.alloc(32, 1).toString('base64')}`, spki: '' }
    const applicant = { names: { names, isLeaf: true }, ...keys }
    const set = await parseAllowedList(Buffer.from(`${ruleTextFor(applicant.names, keys)}\n`), 'allowed.txt', { file: 'allowed.txt' })
    const [rule, ...others] = set.rulesFor(applicant)
    if (rule === undefined || others.length > 0 || rule.roles.length > 0 || rule.issuer !== undefined || rule.wildcard !== 'none') throw new Error('another rule')
  }), { numRuns: 2000 })
})
