import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const [alice, bob] = [await authority.issue({ name: 'alice' }), await authority.issue({ name: 'bob' })]
const { tbs, serial, spki } = identifyCertificate(bob.der)
const DELAY = 2000

async function start (t: Test, list: string): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, 'revoked.d': { 'a.pem': alice.certificate, 'server.key': 'no certificate' }, 'other.pem': bob.certificate }))
  reloading.removalDelay = DELAY
  t.same(await reloading.pass(0), [])
  return reloading
}

for (const last of ['revoked.d/*.pem', 'revoked.d/a.pem', `tbs:${tbs}`, `spki:${spki}`, `serial:${serial}`]) {
  t.test(`a list keeps its previous entries wherever ${last.slice(0, 15)} is truncated`, async (t) => {
    const list = `other.pem\n${last}`
    const reloading = await start(t, list)
    // A line that lacks only its line feed means the same.
    for (let length = list.length - 1; length > 'other.pem\n'.length; length -= 3) {
      writeFileSync(reloading.list, list.slice(0, length))
      const problems = await reloading.scan()
      // Numbers are compared as written: a truncated number is reported as a wrong line if it resembles none in force.
      t.same(problems.filter((code) => code !== 'FST_ENDPOINT_LIST_SYNTAX'), [], list.slice(0, length))
      t.same(reloading.revoked(alice, bob), last.startsWith('revoked.d') ? ['alice', 'bob'] : ['bob'])
      t.same(reloading.loaded?.list.entries.filter(({ line }) => line === 2).map(({ value }) => last.endsWith(value)), [true], 'and nothing else')
    }
    writeFileSync(reloading.list, `${list}\n`)
    t.same(await reloading.pass(DELAY), [])
    t.equal(reloading.loaded?.again, undefined)
  })
}

t.test('a truncated line is used as written once the list is stable', async (t) => {
  const reloading = await start(t, 'other.pem\nrevoked.d/*.pem\n')
  writeFileSync(reloading.list, 'other.pem\nrevoked.d/*')
  await reloading.scan()
  t.same(await reloading.pass(DELAY - 1), [])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  t.same(await reloading.pass(1), ['FST_ENDPOINT_FILE_INVALID'], 'the key is not that of the certificate')
  t.same(reloading.loaded?.list.entries.map(({ value }) => value), ['other.pem', 'revoked.d/*', 'revoked.d/*.pem'])
  rmSync(reloading.path('revoked.d', 'server.key'))
  for (let round = 0; round < 2; round++) t.same(await reloading.pass(DELAY), [])
  t.same(reloading.loaded?.list.entries.map(({ value }) => value), ['other.pem', 'revoked.d/*'])
})

t.test('a line that is truncated between two lines, grows, or ends elsewhere is read like any other line', async (t) => {
  const reloading = await start(t, 'other.pem\nrevoked.d/*.pem\n')
  writeFileSync(reloading.list, 'other.pem\n')
  t.same(await reloading.scan(), [])
  t.same(reloading.revoked(alice), ['alice'], 'the missing line waits')
  appendFileSync(reloading.list, 'revoked.d/*.pem\nrevoked.d/*')
  t.same(await reloading.scan(), ['FST_ENDPOINT_FILE_INVALID'], 'the line that it begins is in force')
  writeFileSync(reloading.list, 'other.pem\nrevoked.d/*.pem\n# revo')
  await reloading.pass(0)
  t.same(await reloading.pass(DELAY), [])
  writeFileSync(reloading.list, 'other.pem\nrevoked.d/*.pem*')
  t.same(await reloading.scan(), [])
  t.same(reloading.loaded?.list.entries.map(({ value }) => value), ['other.pem', 'revoked.d/*.pem*', 'revoked.d/*.pem'], 'it begins no line, so it counts at once')
})

t.test('lines of sources wait like all others', async (t) => {
  const reloading = await start(t, 'other.pem\n')
  const known = reloading.loaded
  if (known === undefined) throw new Error('it was loaded')
  reloading.loaded = { ...known, list: { ...known.list, sources: [{ kind: 'source', value: 'https://crl.example.org/clients.crl', line: 2 }] } }
  writeFileSync(reloading.list, 'other.pem\nhttps://crl.example.org/cl')
  await reloading.scan()
  t.match(reloading.loaded?.list.sources, [{ value: 'https://crl.example.org/clients.crl' }])
  t.equal(reloading.loaded?.list.sources.length, 1)
})

t.test('a list that cannot be read is not stable', async (t) => {
  const reloading = await start(t, 'other.pem\nrevoked.d/*.pem\n')
  writeFileSync(reloading.list, 'other.pem\n')
  await reloading.scan()
  writeFileSync(reloading.list, '')
  t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_LIST_EMPTIED'])
  writeFileSync(reloading.list, 'other.pem\n')
  t.same(await reloading.pass(DELAY), [])
  t.same(reloading.revoked(alice), ['alice'])
  t.same(await reloading.pass(DELAY), [])
  t.same(reloading.revoked(alice), [])
})
