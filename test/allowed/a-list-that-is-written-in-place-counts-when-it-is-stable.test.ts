import { writeFileSync } from 'node:fs'
import { appendFile, chmod, rename, rm, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { loadAllowed } from '../../lib/allowed/load.js'
import { LoadingAllowed } from '../support/loading-allowed.js'
import { makeTestFolder } from '../support/test-folder.js'

async function start (t: Test): Promise<LoadingAllowed> {
  const loading = new LoadingAllowed(makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }))
  await loading.start()
  return loading
}

t.test('a list takes effect two seconds after its last change, by a monotonic clock', async (t) => {
  const loading = await start(t)
  await appendFile(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['alice'])
  t.equal(loading.loaded?.again, 2001)
  t.same(await loading.pass(1500), ['alice'])
  t.equal(loading.loaded?.again, 501)
  await appendFile(loading.list, 'cn:carol\n')
  t.same(await loading.pass(499), ['alice'])
  t.equal(loading.loaded?.again, 2001, 'each change starts the wait again')
  t.same(await loading.pass(1999), ['alice'])
  t.same(await loading.pass(1), ['alice', 'bob', 'carol'])
  t.equal(loading.loaded?.again, undefined)
})

t.test('the timestamps of the file do not matter', async (t) => {
  const loading = await start(t)
  await appendFile(loading.list, 'cn:bob\n')
  loading.loaded = await loadAllowed({ file: loading.list, clock: () => 0, now: () => Date.now() + 60_000 }, loading.loaded)
  t.same(loading.inForce, ['alice'], 'the clock of its file system may be slow')
})

t.test('a half-written list never takes effect, even if it is valid', async (t) => {
  const loading = await start(t)
  const lines = ['cn:bob\n', 'cn:ca', 'rol\n', 'cn:dave', '\n']
  await writeFile(loading.list, '')
  for (const line of lines) {
    await appendFile(loading.list, line)
    t.same(await loading.pass(1000), ['alice'])
  }
  t.same(await loading.pass(2000), ['bob', 'carol', 'dave'])
})

t.test('a list that is wrong after the wait is a problem until it is right, and the rules stay in force', async (t) => {
  const loading = await start(t)
  for (const [content, code] of [
    ['cn:bob\nip:10.0.0.0/1', 'FST_ENDPOINT_ALLOWED_SYNTAX'],
    ['cn:bob\ncn:\n', 'FST_ENDPOINT_ALLOWED_SYNTAX'],
    ['# cn:bob\n', 'FST_ENDPOINT_ALLOWED_INVALID'],
    ['', 'FST_ENDPOINT_ALLOWED_INVALID'],
    ['cn:bob\n\0', 'FST_ENDPOINT_ALLOWED_INVALID']
  ] as const) {
    const before = loading.inForce
    await writeFile(loading.list, content)
    t.same(await loading.pass(), before, 'the wait continues, and the earlier problem stays')
    t.same(await loading.pass(2000), ['alice', code], JSON.stringify(content))
    t.same(await loading.pass(), ['alice', code], 'also after another load')
    t.equal(loading.loaded?.again, undefined)
  }
  await writeFile(loading.list, 'cn:bob\n')
  await loading.pass()
  t.same(await loading.pass(2000), ['bob'])
})

t.test('a list that is missing or not a file is a problem', async (t) => {
  const loading = await start(t)
  await rename(loading.list, `${loading.list}.old`)
  t.same(await loading.pass(), ['alice', 'FST_ENDPOINT_FILE_UNREADABLE'])
  await rename(`${loading.list}.old`, loading.list)
  await loading.pass()
  t.same(await loading.pass(2000), ['alice'])
  await rm(loading.list)
  await writeFile(loading.list, 'cn:bob\n')
  await loading.pass()
  t.same(await loading.pass(2000), ['bob'])
  await chmod(loading.list, 0o600)
  t.same(await loading.pass(), ['bob'], 'a change of its mode alone starts a wait too')
  t.same(await loading.pass(2000), ['bob'])
})

t.test('a list that keeps changing for a minute is a problem until it is stable', async (t) => {
  const loading = await start(t)
  for (let second = 0; second <= 60; second++) {
    await appendFile(loading.list, `cn:${second}\n`)
    t.same(await loading.pass(1000), ['alice'])
  }
  await appendFile(loading.list, 'cn:61\n')
  t.same(await loading.pass(1000), ['alice', 'FST_ENDPOINT_ALLOWED_RESTLESS'])
  t.match(loading.loaded?.problems, [{
    file: loading.list,
    argument: 'allowedFile',
    message: /^allowedFile ".*" keeps changing, and counts only when it has not changed for 2000 ms: replace it in one step with a rename$/
  }])
  t.equal((await loading.pass(2000)).length, 63)
})

t.test('the minute begins with a change, not with an earlier problem', async (t) => {
  const loading = await start(t)
  await writeFile(loading.list, 'cn:bob')
  await loading.pass()
  t.same(await loading.pass(2000), ['alice', 'FST_ENDPOINT_ALLOWED_SYNTAX'])
  await writeFile(loading.list, 'cn:bobby')
  t.same(await loading.pass(3_600_000), ['alice', 'FST_ENDPOINT_ALLOWED_SYNTAX'])
})

t.test('a start waits for a list that was written a moment ago', async (t) => {
  const file = makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }) + '/allowed.txt'
  const before = performance.now()
  const loaded = await loadAllowed({ file, rest: 200, now: () => 0 }, undefined)
  t.ok(performance.now() - before > 190, 'for as long as the file does not change')
  t.same(loaded?.set.rules.map(({ value }) => value), ['alice'])
})

t.test('a start reads the latest version of a list that changes while it waits', async (t) => {
  const file = makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }) + '/allowed.txt'
  let looks = 0
  const now = (): number => {
    // The start has read the file for the first time.
    if (looks++ === 0) writeFileSync(file, 'cn:alice\ncn:bob\n')
    return 0
  }
  const loaded = await loadAllowed({ file, rest: 50, now }, undefined)
  t.same(loaded?.set.rules.map(({ value }) => value), ['alice', 'bob'])
  t.equal(looks, 2)
})

t.test('a start fails if the list keeps changing', async (t) => {
  const file = makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }) + '/allowed.txt'
  let content = 'cn:alice\n'
  const now = (): number => {
    writeFileSync(file, content += 'cn:more\n')
    return 0
  }
  await t.rejects(loadAllowed({ file, rest: 20, now }, undefined), { code: 'FST_ENDPOINT_ALLOWED_RESTLESS', file })
})

t.test('a start fails if the list is wrong or missing', async (t) => {
  for (const [content, expected] of [
    ['cn:bob\nip:10.0.0.0/1', { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 2 }],
    ['# cn:bob\n', { code: 'FST_ENDPOINT_ALLOWED_INVALID' }],
    [undefined, { code: 'FST_ENDPOINT_FILE_UNREADABLE' }]
  ] as const) {
    const loading = new LoadingAllowed(makeTestFolder(t, content === undefined ? {} : { 'allowed.txt': content }))
    await t.rejects(loading.start(), { ...expected, file: loading.list, argument: 'allowedFile' })
  }
})

t.test('without an allowed list there is nothing to load', async (t) => {
  t.equal(await loadAllowed(undefined, undefined), undefined)
})
