import { rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import type { RevocationPolicy } from '../../lib/revocation/index.js'
import { extension, makeCrl, scope, serialOf, uri, wordFor, type MadeCrl } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other' })
const impostor = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })
const revoking = (...issued: Array<typeof alice>): { entries: Array<{ serial: string }> } => ({ entries: issued.map(({ der }) => ({ serial: serialOf(der) })) })
const unknown = extension('1.3.6.1.4.1.99999.1', element(0x05), true)
const FIRST = makeCrl(root, { number: 5, thisUpdate: new Date('2026-01-05'), ...revoking(alice) })

async function start (t: Test, first: MadeCrl = FIRST): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.crl\n', 'a.crl': first.der }))
  reloading.authorities = new Authorities([root.x509, other.x509])
  t.same(await reloading.load(), [])
  return reloading
}

function words (reloading: Reloading, policy: RevocationPolicy = {}): string[] {
  return [alice, bob].map(({ x509 }) => wordFor(reloading.loaded?.set.status([x509], policy) ?? { status: 'good' }))
}

t.test('a newer CRL replaces the previous one', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.path('a.crl'), makeCrl(root, { number: 6, ...revoking(bob) }).der)
  t.same(await reloading.load(), [])
  t.same(words(reloading), ['good', 'revoked'])
  t.same(reloading.loaded?.warnings, [])
})

for (const [how, file] of [['in its place', 'a.crl'], ['under another name', 'b.crl']] as const) {
  t.test(`an older CRL ${how} does not replace a newer one, and causes a warning for as long as its file exists`, async (t) => {
    const reloading = await start(t)
    rmSync(reloading.path('a.crl'))
    writeFileSync(reloading.path(file), makeCrl(root, { number: 4, thisUpdate: new Date('2020-01-06'), ...revoking(bob) }).der)
    for (let round = 0; round < 3; round++) {
      t.same(await reloading.load(), [])
      t.same(words(reloading), ['revoked', 'good'])
      t.match(reloading.loaded?.warnings, [/\(number 4\) is older than the previous one \(number 5\), which stays in force/])
    }
    writeFileSync(reloading.path(file), makeCrl(root, { number: 7 }).der)
    await reloading.load()
    t.same(words(reloading), ['good', 'good'])
    t.same(reloading.loaded?.warnings, [])
  })

  const successors: Array<[name: string, crl: MadeCrl | { der: Buffer }, codes: string[]]> = [
    ['with the signature of another authority', makeCrl(impostor, { number: 6 }), ['FST_ENDPOINT_CRL_UNSIGNED']],
    ['that is cut short', { der: makeCrl(root, { number: 6 }).der.subarray(0, -9) }, ['FST_ENDPOINT_FILE_INVALID']],
    ['with a weak signature', makeCrl(root, { number: 6, algorithm: 'ECDSA-SHA1' }), ['FST_ENDPOINT_CRL_UNSIGNED']],
    ['with a defect', makeCrl(root, { number: 6, extensions: [unknown] }), []]
  ]
  for (const [name, { der }, codes] of successors) {
    t.test(`a newer CRL ${name} ${how} un-revokes no client`, async (t) => {
      const reloading = await start(t)
      rmSync(reloading.path('a.crl'))
      writeFileSync(reloading.path(file), der)
      for (let round = 0; round < 2; round++) {
        t.same(await reloading.load(), codes)
        t.same(words(reloading, { unknownStatus: 'deny' }), ['revoked', 'good'], 'and the last good one still proves')
      }
      writeFileSync(reloading.path(file), makeCrl(root, { number: 7 }).der)
      t.same(await reloading.load(), [])
      t.same(words(reloading), ['good', 'good'])
    })
  }
}

t.test('for CRLs of version 1 the warning names the date of the CRL in force', async (t) => {
  const reloading = await start(t, makeCrl(root, { version: 1, thisUpdate: new Date('2026-01-05'), ...revoking(alice) }))
  writeFileSync(reloading.path('a.crl'), makeCrl(root, { version: 1, thisUpdate: new Date('2026-01-04') }).der)
  await reloading.load()
  t.same(words(reloading), ['revoked', 'good'])
  t.match(reloading.loaded?.warnings, [/\(of 2026-01-04T00:00:00.000Z\) is older than the previous one \(of 2026-01-05T00:00:00.000Z\)/])
})

t.test('the other CRLs of a file count, even new ones, beside a CRL that no authority has signed', async (t) => {
  const reloading = await start(t)
  const pem = [makeCrl(impostor, { number: 9 }).pem, makeCrl(root, { number: 6, ...revoking(alice, bob) }).pem].join('')
  writeFileSync(reloading.path('a.crl'), pem)
  t.same(await reloading.load(), ['FST_ENDPOINT_CRL_UNSIGNED'])
  t.match(reloading.loaded?.problems, [{ file: reloading.path('a.crl'), line: 1 }])
  t.same(words(reloading), ['revoked', 'revoked'])
})

t.test('a CRL whose file is removed stays in force, and is reported for as long as it does', async (t) => {
  const reloading = await start(t)
  rmSync(reloading.path('a.crl'))
  for (let round = 0; round < 2; round++) {
    t.same(await reloading.load(), [])
    t.same(words(reloading, { unknownStatus: 'deny' }), ['revoked', 'good'])
    t.match(reloading.loaded?.concerns, [{ code: 'FST_ENDPOINT_CRL_KEPT', file: reloading.path('a.crl'), message: /\(number 5\) from ".*a\.crl" is gone, but stays in force until a newer one replaces it or the app restarts/ }])
  }
  writeFileSync(reloading.path('b.crl'), makeCrl(root, { number: 6, ...revoking(bob) }).der)
  t.same(await reloading.load(), [])
  t.same(words(reloading), ['good', 'revoked'], 'until there is a newer one')
  t.same(reloading.loaded?.concerns, [])
})

t.test('a CRL whose line is removed revokes no client, and the clients it covered become unknown, not good', async (t) => {
  const reloading = await start(t)
  t.same(words(reloading, { unknownStatus: 'deny' }), ['revoked', 'good'])
  rmSync(reloading.path('a.crl'))
  t.same(await reloading.load(), [])
  writeFileSync(reloading.list, '# none\n*.pem\n')
  t.same(await reloading.load(), [])
  t.same(reloading.loaded?.concerns, [])
  t.same(words(reloading), ['good', 'good'])
  t.same(words(reloading, { unknownStatus: 'deny' }), ['unknown', 'unknown'])
  t.same(await reloading.load(), [], 'and it stays in force')
  t.same(words(reloading, { unknownStatus: 'deny' }), ['unknown', 'unknown'])
})

t.test('a CRL whose file is gone stays in force while something cannot be read', async (t) => {
  const reloading = await start(t)
  rmSync(reloading.path('a.crl'))
  writeFileSync(reloading.path('b.crl'), 'on its way')
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  t.same(words(reloading), ['revoked', 'good'])
  rmSync(reloading.path('b.crl'))
  t.same(await reloading.load(), [])
  t.same(words(reloading), ['revoked', 'good'], 'and when it can be read')
})

t.test('a newer delta CRL that arrives before its complete CRL un-revokes no client', async (t) => {
  const reloading = await start(t, makeCrl(root, { number: 1 }))
  const delta = reloading.path('delta.crl')
  writeFileSync(delta, makeCrl(root, { number: 3, base: 1, ...revoking(alice) }).der)
  await reloading.load()
  t.same(words(reloading), ['revoked', 'good'])
  // The complete CRL 5, which has not arrived yet, lists alice.
  writeFileSync(delta, makeCrl(root, { number: 6, base: 5, ...revoking(bob) }).der)
  await reloading.load()
  t.same(words(reloading), ['revoked', 'revoked'])
  writeFileSync(reloading.path('a.crl'), FIRST.der)
  await reloading.load()
  t.same(words(reloading), ['revoked', 'revoked'])
  writeFileSync(reloading.path('a.crl'), makeCrl(root, { number: 7 }).der)
  await reloading.load()
  t.same(words(reloading), ['good', 'good'])
})

t.test('an older delta CRL does not replace a newer one', async (t) => {
  const reloading = await start(t, makeCrl(root, { number: 1 }))
  const delta = reloading.path('delta.crl')
  writeFileSync(delta, makeCrl(root, { number: 3, base: 1, ...revoking(alice) }).der)
  await reloading.load()
  writeFileSync(delta, makeCrl(root, { number: 2, base: 1 }).der)
  await reloading.load()
  t.same(words(reloading), ['revoked', 'good'])
  t.match(reloading.loaded?.warnings, [/\(number 2\) is older than .* \(number 3\)/])
})

t.test('a CRL of another scope or another authority replaces no CRL', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.path('b.crl'), makeCrl(root, { number: 99, scope: scope({ names: [uri('http://crl.test')] }) }).der)
  writeFileSync(reloading.path('c.crl'), makeCrl(other, { number: 99 }).der)
  t.same(await reloading.load(), [])
  t.same(words(reloading), ['revoked', 'good'])
})

t.test('a CRL stops counting when its authority is removed, and counts again when the authority returns', async (t) => {
  const reloading = await start(t)
  reloading.authorities = new Authorities([other.x509])
  t.same(await reloading.load(), ['FST_ENDPOINT_CRL_UNSIGNED'])
  t.equal(reloading.loaded?.set.size, 0)
  reloading.authorities = new Authorities([root.x509, other.x509])
  t.same(await reloading.load(), [])
  t.same(words(reloading), ['revoked', 'good'])
})
