import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRightsOn } from '../support/without-rights.js'

const authority = await createAuthority()
const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => authority.issue({ name })))
if (alice === undefined || bob === undefined || carol === undefined) throw new Error('they were issued')
const keys = identifyCertificate(alice.der)
const DELAY = 2000

async function start (t: Test, list: string, files: Record<string, string | Record<string, string>>): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, ...files }))
  reloading.removalDelay = DELAY
  reloading.time = 0
  t.same(await reloading.pass(0), [])
  return reloading
}

const bundle = alice.certificate + bob.certificate
const WAYS: Array<[how: string, list: string, files: Record<string, string | Record<string, string>>, act: (reloading: Reloading) => void]> = [
  ['a file that was the last of its pattern is removed', '*.pem\n', { 'a.pem': bundle }, (reloading) => rmSync(reloading.path('a.pem'))],
  ['its extension is changed', '*.pem\n', { 'a.pem': bundle }, (reloading) => renameSync(reloading.path('a.pem'), reloading.path('a.pem.old'))],
  ['its folder is removed with it', '**/*.pem\n', { a: { 'a.pem': bundle } }, (reloading) => rmSync(reloading.path('a'), { recursive: true })],
  ['a file is written in place', 'a.pem\n', { 'a.pem': bundle }, (reloading) => writeFileSync(reloading.path('a.pem'), carol.certificate)],
  ['a file is replaced by a rename', 'a.pem\n', { 'a.pem': bundle, next: carol.certificate }, (reloading) => renameSync(reloading.path('next'), reloading.path('a.pem'))],
  ['the line of its pattern is removed', '# devices\n*.pem\n', { 'a.pem': bundle }, (reloading) => writeFileSync(reloading.list, '# devices\n')],
  ['the line of its pattern is changed', '*.pem\n', { 'a.pem': bundle }, (reloading) => writeFileSync(reloading.list, '*.crt\n')],
  ...(['tbs', 'serial', 'spki'] as const).map((kind): typeof WAYS[number] => [
    `its line ${kind}: is taken out`, `${kind}:${keys[kind]}\ntbs:${identifyCertificate(bob.der).tbs}\n`, {}, (reloading) => writeFileSync(reloading.list, '# none\n')
  ])
]

for (const [how, list, files, act] of WAYS) {
  t.test(`a certificate stays revoked until the delay has passed if ${how}`, async (t) => {
    const reloading = await start(t, list, files)
    act(reloading)
    t.same(await reloading.scan(), [])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'], 'at first')
    t.ok((reloading.loaded?.again ?? 0) > 0, 'the time of the next scan is known')
    t.same(await reloading.pass(DELAY - 1), [])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'], 'and until the end')
    t.same(await reloading.pass(1), [])
    t.same(reloading.revoked(alice, bob), [], 'but no longer')
    t.equal(reloading.loaded?.again, undefined)
    t.same(reloading.loaded?.concerns, [])
  })
}

t.test('a file that is written in two steps, moved, or restored un-revokes no client', async (t) => {
  const reloading = await start(t, 'a/*.pem\nb/*.pem\n', { a: { '1.pem': bundle }, b: {} })
  writeFileSync(reloading.path('a', '1.pem'), alice.certificate)
  await reloading.pass(DELAY - 1)
  appendFileSync(reloading.path('a', '1.pem'), bob.certificate)
  await reloading.pass(DELAY - 1)
  renameSync(reloading.path('a', '1.pem'), reloading.path('away'))
  await reloading.pass(DELAY - 1)
  renameSync(reloading.path('away'), reloading.path('b', '2.pem'))
  await reloading.pass(DELAY - 1)
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  t.equal(reloading.loaded?.set.find(identifyCertificate(bob.der))?.source.file, reloading.path('b', '2.pem'))
  await reloading.pass(2 * DELAY)
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  t.equal(reloading.loaded?.set.size, 2)
})

t.test('the delay restarts when a certificate is back and removed again', async (t) => {
  const reloading = await start(t, '*.pem\n', { 'a.pem': bundle })
  writeFileSync(reloading.path('a.pem'), alice.certificate)
  await reloading.pass(0)
  writeFileSync(reloading.path('a.pem'), bundle)
  await reloading.pass(DELAY - 1)
  writeFileSync(reloading.path('a.pem'), alice.certificate)
  await reloading.pass(1)
  await reloading.pass(DELAY - 1)
  t.same(reloading.revoked(bob), ['bob'])
  await reloading.pass(1)
  t.same(reloading.revoked(alice, bob), ['alice'])
})

t.test('new entries are in force at once, whatever removals wait', async (t) => {
  const reloading = await start(t, 'a.pem\n', { 'a.pem': bundle })
  writeFileSync(reloading.path('a.pem'), carol.certificate)
  await reloading.scan()
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob', 'carol'])
})

t.test('a file that never stops changing delays only its own entries, and is reported after a minute', async (t) => {
  const reloading = await start(t, '*.pem\n', { 'a.pem': bundle, 'c.pem': carol.certificate })
  for (let times = 0; times < 60; times++) {
    writeFileSync(reloading.path('a.pem'), alice.certificate + `\n${carol.certificate}`.repeat(times % 2))
    if (times === 0) rmSync(reloading.path('c.pem'))
    t.same(await reloading.pass(1000), [])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
    t.same(reloading.loaded?.concerns, [])
  }
  await reloading.pass(1000)
  t.match(reloading.loaded?.concerns, [{ code: 'FST_ENDPOINT_REVOCATION_RESTLESS', file: reloading.path('a.pem'), message: /a\.pem" has kept changing for a minute or more, so what it revoked before stays revoked/ }])
  t.same(reloading.revoked(bob), ['bob'])
  await reloading.pass(DELAY)
  t.same(reloading.loaded?.concerns, [])
  t.same(reloading.revoked(bob), [])
})

t.test('a removed file goes out of force after two seconds while another file keeps changing', async (t) => {
  const reloading = await start(t, '*.pem\n', { 'a.pem': alice.certificate, 'b.pem': bob.certificate })
  rmSync(reloading.path('b.pem'))
  for (let times = 0; times < 4; times++) {
    writeFileSync(reloading.path('a.pem'), times % 2 === 0 ? carol.certificate : alice.certificate)
    await reloading.pass(DELAY / 2)
  }
  t.same(reloading.revoked(alice, bob), ['alice'])
})

t.test('a list that never stops changing delays only its own lines, and is reported after a minute', async (t) => {
  const reloading = await start(t, `a.pem\ntbs:${keys.tbs}\n`, { 'a.pem': bob.certificate + carol.certificate })
  writeFileSync(reloading.path('a.pem'), bob.certificate)
  for (let times = 0; times < 61; times++) {
    t.same(reloading.loaded?.concerns, [])
    writeFileSync(reloading.list, `a.pem\n# ${times}\n`)
    await reloading.pass(1000)
    t.same(reloading.revoked(alice), ['alice'])
  }
  t.same(reloading.revoked(carol), [], 'and not those of its files')
  t.match(reloading.loaded?.concerns, [{ code: 'FST_ENDPOINT_REVOCATION_RESTLESS', file: reloading.list }])
  await reloading.pass(DELAY)
  t.same(reloading.loaded?.concerns, [])
  t.same(reloading.revoked(alice), [])
})

t.test('a list that is rewritten again and again with the same bytes is stable', async (t) => {
  const reloading = await start(t, `tbs:${keys.tbs}\n`, {})
  for (let times = 0; times < 4; times++) {
    writeFileSync(reloading.path('next'), '# none\n')
    renameSync(reloading.path('next'), reloading.list)
    await reloading.pass(DELAY / 4)
    t.same(reloading.revoked(alice), ['alice'])
  }
  writeFileSync(reloading.list, '# none\n')
  await reloading.pass(DELAY / 2)
  t.same(reloading.revoked(alice), [])
})

t.test('a folder that never stops changing delays its own removals, and is reported after a minute', async (t) => {
  const reloading = await start(t, 'a/*.pem\n', { a: { '1.pem': alice.certificate } })
  rmSync(reloading.path('a', '1.pem'))
  let isOver = false
  setImmediate(function write () {
    writeFileSync(reloading.path('a', 'note'), '')
    rmSync(reloading.path('a', 'note'))
    if (!isOver) setImmediate(write)
  })
  for (const passed of [0, DELAY, 60_000 - DELAY - 1]) {
    await reloading.pass(passed)
    t.same(reloading.revoked(alice), ['alice'])
    t.same(reloading.loaded?.concerns, [])
  }
  await reloading.pass(1)
  t.match(reloading.loaded?.concerns, [{ code: 'FST_ENDPOINT_REVOCATION_RESTLESS', file: reloading.path('a') }])
  t.ok((reloading.loaded?.again ?? 0) > 0)
  isOver = true
  await reloading.pass(0)
  t.same(reloading.revoked(alice), [])
  t.same(reloading.loaded?.concerns, [])
})

t.test('a file that is broken, or whose folder is missing, is not stable', async (t) => {
  const reloading = await start(t, 'a/*.pem\n', { a: { '1.pem': bundle } })
  writeFileSync(reloading.path('a', '1.pem'), alice.certificate)
  await reloading.pass(0)
  appendFileSync(reloading.path('a', '1.pem'), bob.certificate.slice(0, 300))
  t.same(await reloading.pass(10 * DELAY), ['FST_ENDPOINT_FILE_INVALID'])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  renameSync(reloading.path('a'), reloading.path('away'))
  t.same(await reloading.pass(10 * DELAY), ['FST_ENDPOINT_LIST_MISSING', 'FST_ENDPOINT_FILE_UNREADABLE'].slice(0, 1))
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  renameSync(reloading.path('away'), reloading.path('a'))
  appendFileSync(reloading.path('a', '1.pem'), bob.certificate.slice(300))
  t.same(await reloading.pass(10 * DELAY), [])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
})

t.test('a removed certificate stays revoked while it may be in a file that cannot be read', async (t) => {
  const reloading = await start(t, 'a/*.pem\nb/*.pem\n', { a: { '1.pem': alice.certificate, '2.pem': bob.certificate }, b: {} })
  renameSync(reloading.path('a', '1.pem'), reloading.path('b', '1.pem'))
  writeFileSync(reloading.path('a', '2.pem'), carol.certificate)
  await withoutRightsOn([reloading.path('b', '1.pem')], async () => {
    for (const passed of [0, DELAY]) t.same(await reloading.pass(passed), ['FST_ENDPOINT_FILE_UNREADABLE'])
    t.same(reloading.revoked(alice, bob), ['alice'], 'but not the files that are gone from a readable folder')
  })
  t.same(await reloading.pass(DELAY), [])
  t.same(reloading.revoked(alice), ['alice'])
})

t.test('the number of waiting removals is limited: the oldest removal takes effect first', async (t) => {
  const reloading = await start(t, '*.pem\n', { 'a.pem': alice.certificate })
  reloading.limits = { entries: 2 }
  for (const [file, next] of [['a.pem', bob], ['b.pem', carol], ['c.pem', authority]] as const) {
    t.same(reloading.revoked(alice, bob, carol).length, reloading.loaded?.set.size)
    rmSync(reloading.path(file))
    writeFileSync(reloading.path(`${String.fromCharCode(file.charCodeAt(0) + 1)}.pem`), next.certificate)
    t.same(await reloading.pass(1), [])
  }
  t.match(reloading.loaded?.warnings, [/^more than 2 certificates \(limits\.entries\) were removed/])
  t.same(reloading.revoked(alice, bob, carol), ['bob', 'carol'])
})

t.test('a certificate in two files, and twice in one of them, stays revoked until the last copy is removed', async (t) => {
  const reloading = await start(t, '*.pem\n[ab].pem\n', { 'a.pem': alice.certificate + alice.certificate, 'b.pem': alice.certificate })
  rmSync(reloading.path('a.pem'))
  await reloading.pass(0)
  await reloading.pass(DELAY)
  t.same(reloading.revoked(alice), ['alice'])
  rmSync(reloading.path('b.pem'))
  await reloading.pass(0)
  t.same(reloading.revoked(alice), ['alice'])
  await reloading.pass(DELAY)
  t.same(reloading.revoked(alice), [])
  t.equal(reloading.loaded?.set.size, 0)
})

t.test('a waiting removal takes effect when its line is removed', async (t) => {
  const reloading = await start(t, 'a/*.pem\n', { a: { '1.pem': alice.certificate, '2.pem': bob.certificate } })
  rmSync(reloading.path('a', '1.pem'))
  writeFileSync(reloading.list, '# none\n')
  await reloading.pass(0)
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  // What replaces it is not checked.
  mkdirSync(reloading.path('a', '1.pem'))
  t.same(await reloading.pass(DELAY), [])
  t.same(reloading.revoked(alice, bob), [])
})
