import { relative, resolve, join } from 'node:path'
import t from 'tap'
import { identifyCertificate, loadRevocations } from '../../lib/revocation/index.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })
const { tbs, serial, spki } = identifyCertificate(bob.der)

t.test('a list can be loaded', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': `certs/*.pem\ntbs:${tbs}\n`, certs: { 'a.pem': alice.certificate } })
  const list = join(folder, 'revoked.txt')
  const loadedAt = new Date('2030-01-02')
  const set = await loadRevocations({ list: relative(process.cwd(), list), now: () => loadedAt })
  t.equal(set.size, 2)
  t.equal(set.loadedAt, loadedAt)
  t.same(set.status([alice.der]), { status: 'revoked', kind: 'tbs', source: { list, line: 1, file: join(folder, 'certs', 'a.pem') }, index: 0 })
  t.same(set.status([bob.x509]), { status: 'revoked', kind: 'tbs', source: { list, line: 2 }, index: 0 })
  t.same(set.status([root.x509]), { status: 'good' })
})

t.test('every kind of line can be loaded', async (t) => {
  for (const line of [`tbs:${tbs}`, `serial:${serial}`, `serial:${serial.toUpperCase().replace(/@.*/, '')}@${serial.split('@')[1]}`, `spki:${spki}`]) {
    const folder = makeTestFolder(t, { 'revoked.txt': line })
    const set = await loadRevocations({ list: join(folder, 'revoked.txt') })
    t.match(set.status([bob.der]), { status: 'revoked' }, line)
    t.match(set.status([alice.der]), { status: 'good' }, line)
  }
})

t.test('patterns are relative to the working directory', async (t) => {
  const folder = relative(process.cwd(), makeTestFolder(t, { 'a.pem': alice.certificate, 'b.pem': bob.der }))
  const set = await loadRevocations({ patterns: [`${folder}/*.pem`.replaceAll('\\', '/')] })
  t.same(set.status([bob.der]), { status: 'revoked', kind: 'tbs', source: { file: resolve(folder, 'b.pem') }, index: 0 })
  t.equal(set.size, 2)
})

t.test('a list and patterns can be loaded together', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': `tbs:${tbs}`, 'a.pem': alice.certificate })
  t.equal((await loadRevocations({ list: join(folder, 'revoked.txt'), patterns: [join(folder, 'a.pem')] })).size, 2)
})

t.test('an error about a pattern shows the pattern, since the program itself gave it', async (t) => {
  await t.rejects(loadRevocations({ patterns: ['[a'] }), {
    code: 'FST_ENDPOINT_LIST_PATTERN', message: 'pattern "[a": a [ without its ]: close it, or write \\[ for the character itself'
  })
  await t.rejects(loadRevocations({ patterns: ['missing.pem'] }), { code: 'FST_ENDPOINT_LIST_MISSING', message: /^pattern "missing\.pem": / })
})

t.test('self-signed authorities are never revoked', async (t) => {
  const folder = makeTestFolder(t, { 'root.pem': root.certificate })
  const patterns = [join(folder, '*.pem')]
  t.match((await loadRevocations({ patterns })).status([alice.der, root.der]), { status: 'revoked' })
  t.match((await loadRevocations({ patterns, authorities: [root.x509] })).status([alice.der, root.der]), { status: 'good' })
})

t.test('limits apply', async (t) => {
  const folder = makeTestFolder(t, { 'a.pem': alice.certificate, 'b.pem': bob.certificate })
  await t.rejects(loadRevocations({ patterns: [join(folder, '*.pem')], limits: { entries: 1 } }), {
    code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES', message: 'What the patterns name revokes more certificates than limits.entries allows (1): remove what does not belong there, or raise the limit'
  })
})

t.test('a load without a list and patterns revokes no client', async (t) => {
  t.equal((await loadRevocations({})).size, 0)
})
