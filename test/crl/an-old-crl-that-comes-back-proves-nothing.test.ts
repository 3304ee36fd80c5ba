import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { makeCrl, scope, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const eve = await root.issue({ name: 'eve' })
const listed = { entries: [{ serial: serialOf(eve.der) }] }
const DAY = 24 * 60 * 60 * 1000
const before = { thisUpdate: new Date(Date.now() - 9 * DAY) }

async function start (t: Test): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.crl\n' }))
  reloading.authorities = new Authorities([root.x509])
  writeFileSync(reloading.path('root.crl'), makeCrl(root, { number: 5, ...listed }).der)
  t.same(await reloading.load(), [])
  t.equal(word(reloading), 'revoked')
  return reloading
}

function word (reloading: Reloading): string {
  return wordFor(reloading.loaded?.set.status([eve.x509], STRICT) ?? { status: 'good' })
}

t.test('an older CRL proves no client good after the line of the newer one was removed', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.list, '# none\n')
  await reloading.load()
  t.equal(word(reloading), 'unknown')
  writeFileSync(reloading.list, '*.crl\n')
  writeFileSync(reloading.path('root.crl'), makeCrl(root, { number: 3, ...before }).der)
  await reloading.load()
  t.equal(word(reloading), 'unknown')
  t.match(reloading.loaded?.warnings, [/\(number 3\) is older than a previous one/])
  writeFileSync(reloading.path('root.crl'), makeCrl(root, { number: 6 }).der)
  await reloading.load()
  t.equal(word(reloading), 'good')
})

t.test('a complete CRL stays in force when a delta CRL overwrites its file', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.path('root.crl'), makeCrl(root, { number: 6, base: 5 }).der)
  await reloading.load()
  t.equal(word(reloading), 'revoked')
})

t.test('a complete CRL stays in force when an older CRL of another scope overwrites its file', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.path('root.crl'), makeCrl(root, { number: 2, ...before, scope: scope({ onlyUser: true }) }).der)
  await reloading.load()
  t.equal(word(reloading), 'revoked')
})

t.test('a broken file of one line does not block new revocations of another line', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': 'mine/*.crl\ntheirs/*.crl\n', mine: {}, theirs: {} }))
  const other = await createAuthority({ name: 'Other' })
  reloading.authorities = new Authorities([root.x509, other.x509])
  reloading.limits = { entries: 12 }
  writeFileSync(reloading.path('mine', 'a.crl'), makeCrl(root).der)
  await reloading.load()
  const many = Array.from({ length: 4 }, (_, index) => ({ serial: `0${index + 1}` }))
  writeFileSync(reloading.path('theirs', 'broken.crl'), 'nothing')
  for (const number of [1, 2, 3, 4, 5]) {
    writeFileSync(reloading.path('theirs', 'b.crl'), makeCrl(other, { number, scope: scope({ names: [Buffer.from(`8601${(0x30 + number).toString(16)}`, 'hex')] }), entries: many }).der)
    t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  }
  t.ok(reloading.loaded?.concerns.some((concern) => 'code' in concern && concern.code === 'FST_ENDPOINT_CRL_GIVEN_UP'))
  writeFileSync(reloading.path('mine', 'a.crl'), makeCrl(root, { number: 9, ...listed }).der)
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  t.equal(wordFor(reloading.loaded?.set.status([eve.x509]) ?? { status: 'good' }), 'revoked')
})
