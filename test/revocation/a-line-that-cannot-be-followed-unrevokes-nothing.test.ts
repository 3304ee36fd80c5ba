import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeCrl, serialOf, wordFor } from '../support/crl.js'
import { startHttp } from '../support/http-source.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRightsOn } from '../support/without-rights.js'

const authority = await createAuthority()
const [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })])
const key = `tbs:${identifyCertificate(bob.der).tbs}`
const crl = makeCrl(authority, { entries: [{ serial: serialOf(alice.der) }] })
const DELAY = 2000
const KEPT = ['alice', 'bob']

async function start (t: Test, list: string): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, certs: { 'alice.pem': alice.certificate } }))
  reloading.removalDelay = DELAY
  reloading.time = 0
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob), KEPT)
  return reloading
}

const WRONG: Array<[what: string, line: string, code: string, make?: (reloading: Reloading) => void]> = [
  ['of a missing folder', 'cert/*.pem', 'FST_ENDPOINT_LIST_MISSING'],
  ['of a folder below a missing one', 'cert/**/*.pem', 'FST_ENDPOINT_LIST_MISSING'],
  ['of a missing file', 'certs/alicia.pem', 'FST_ENDPOINT_LIST_MISSING'],
  ['of a folder that is a file', 'certs/alice.pem/*.pem', 'FST_ENDPOINT_LIST_MISSING'],
  ['of a folder by itself', 'certs', 'FST_ENDPOINT_FILE_NOT_REGULAR'],
  ['of a link that leads nowhere', 'link/*.pem', 'FST_ENDPOINT_LIST_MISSING', (reloading) => symlinkSync('nowhere', reloading.path('link'))],
  ['of a link that forms a loop', 'link/*.pem', 'FST_ENDPOINT_LIST_MISSING', (reloading) => symlinkSync('link', reloading.path('link'))],
  ['of a file that holds something else', 'other', 'FST_ENDPOINT_FILE_INVALID', (reloading) => writeFileSync(reloading.path('other'), 'notes\n')]
]

for (const [what, line, code, make] of WRONG) {
  t.test(`a line ${what} un-revokes nothing of the line that it replaces`, async (t) => {
    const reloading = await start(t, `certs/*.pem\n${key}\n`)
    make?.(reloading)
    writeFileSync(reloading.list, `${line}\n`)
    t.same(await reloading.scan(), [code])
    for (let round = 0; round < 3; round++) t.same(await reloading.pass(DELAY), [code])
    t.same(reloading.revoked(alice, bob), KEPT)
    t.same(await reloading.scan(true), [code], 'also if a reload is requested')
    t.same(reloading.revoked(alice, bob), KEPT)
    t.equal(reloading.loaded?.again, undefined, 'it is retried like any problem')

    writeFileSync(reloading.list, '# none\n')
    await reloading.scan()
    t.same(await reloading.pass(DELAY), [], 'without that line')
    t.same(reloading.revoked(alice, bob), [], 'the removed line no longer counts')
  })
}

t.test('a line of an unreadable folder un-revokes nothing of the line that it replaces', async (t) => {
  const reloading = await start(t, `certs/*.pem\n${key}\n`)
  mkdirSync(reloading.path('closed'))
  writeFileSync(reloading.list, 'closed/*.pem\n')
  await withoutRightsOn([reloading.path('closed')], async () => {
    for (let round = 0; round < 3; round++) t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_LIST_UNREADABLE'])
  })
  t.same(reloading.revoked(alice, bob), KEPT)
})

t.test('a source that never answered un-revokes nothing of the line that it replaces', async (t) => {
  const source = await startHttp(t, (_, response) => { response.end(makeCrl(authority).der) })
  await source.stop()
  const reloading = await start(t, `certs/*.pem\n${key}\n`)
  reloading.authorities = new Authorities([authority.x509])
  writeFileSync(reloading.list, `${source.url('/a.crl')}\n`)
  for (let round = 0; round < 3; round++) t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_SOURCE_FAILED'])
  t.same(reloading.revoked(alice, bob), KEPT)
  await startHttp(t, (_, response) => { response.end(makeCrl(authority).der) }, source.port)
  t.same(await reloading.pass(DELAY), [])
  t.same(await reloading.pass(1), [])
  t.same(reloading.revoked(alice, bob), [])
})

t.test('once the line can be followed, the removed lines go out of force', async (t) => {
  const reloading = await start(t, `certs/*.pem\n${key}\n`)
  writeFileSync(reloading.list, 'later/*.pem\n')
  await reloading.scan()
  await reloading.pass(DELAY)
  t.same(reloading.revoked(alice, bob), KEPT)
  mkdirSync(reloading.path('later'))
  writeFileSync(reloading.path('later', 'bob.pem'), bob.certificate)
  t.same(await reloading.pass(DELAY), [])
  t.equal(reloading.loaded?.again, 1)
  t.same(await reloading.pass(1), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
})

t.test('a line that could be followed before keeps no other line in force', async (t) => {
  const reloading = await start(t, `certs/*.pem\n${key}\n`)
  rmSync(reloading.path('certs'), { recursive: true })
  writeFileSync(reloading.list, 'certs/*.pem\n')
  t.same(await reloading.scan(), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(reloading.revoked(alice, bob), ['alice'])
})

t.test('without a delay, a new line is followed before the removed lines go out of force', async (t) => {
  const reloading = await start(t, `certs/*.pem\n${key}\n`)
  reloading.removalDelay = 0
  writeFileSync(reloading.list, 'cert/*.pem\n')
  t.same(await reloading.scan(), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(reloading.revoked(alice, bob), KEPT)
  mkdirSync(reloading.path('cert'))
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), [])
})

t.test('a CRL stays in force though its line was replaced by one that cannot be followed', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': 'crls/*.crl\n', crls: { 'a.crl': crl.der } }))
  reloading.authorities = new Authorities([authority.x509])
  reloading.removalDelay = DELAY
  reloading.time = 0
  const word = () => wordFor(reloading.loaded?.set.status([alice.x509]) ?? { status: 'good' })
  t.same(await reloading.pass(0), [])
  writeFileSync(reloading.list, 'crl/*.crl\n')
  for (let round = 0; round < 3; round++) t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_LIST_MISSING'])
  t.equal(word(), 'revoked')
  writeFileSync(reloading.list, '# none\n')
  await reloading.scan()
  t.same(await reloading.pass(DELAY), [])
  t.equal(word(), 'good')
})
