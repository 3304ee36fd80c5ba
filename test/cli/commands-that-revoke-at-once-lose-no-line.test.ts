import { spawnSync } from 'node:child_process'
import { unlinkSync } from 'node:fs'
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import t from 'tap'
import { withLock } from '../../lib/cli/file-lock.js'
import { replaceFile } from '../../lib/cli/replace-file.js'
import { MACHINE } from '../../lib/lock-file.js'
import { parseList } from '../../lib/revocation/list/list-file.js'
import { runMain, runProgram } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

/** The number of a process that has died. */
function deadProcess (): number {
  return spawnSync(process.execPath, ['--version']).pid
}

t.test('commands that run at once lose no revocation, and the list is complete at each moment', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  // An earlier process died and left its lock.
  await writeFile(site.path('.revoked.txt.lock'), JSON.stringify({ token: 'x', pid: deadProcess(), host: hostname(), machine: MACHINE }))
  const names = Array.from({ length: 6 }, (_, index) => `client-${index}`)
  for (const name of names) await site.write(name, await site.ca.issue({ name, usage: 'client' }))
  const over = new AbortController()
  const watching = (async () => {
    let known = 0
    while (!over.signal.aborted) {
      const bytes = await readFile(list)
      const { entries, problems } = parseList(bytes, 'list')
      if (problems.length > 0 || entries.length < known || bytes.at(-1) !== 0x0a) throw new Error(`torn: ${bytes.toString()}`)
      known = entries.length
    }
  })()
  const runs = await Promise.all(names.map((name) => runProgram(['revoke', site.path(`${name}.pem`), '--list', list])))
  over.abort()
  await watching
  t.same(runs.map(({ status }) => status), names.map(() => 0))
  t.equal(parseList(await readFile(list), 'list').entries.length, names.length)
  t.same((await readdir(site.folder)).filter((name) => name.startsWith('.')), [])
})

t.test('calls in one process lose no revocation', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await Promise.all(['alice', 'mallory', 'server'].map((name) => runMain(['revoke', site.path(`${name}.pem`), '--list', list])))
  t.equal(parseList(await readFile(list), 'list').entries.length, 3)
})

t.test('a revocation keeps what an editor writes at the same time', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const before = await readFile(list, 'utf8')
  let isFirst = true
  await replaceFile(list, (bytes) => {
    if (isFirst) spawnSync('sh', ['-c', 'printf "# by an editor\\n" >> "$0"', list])
    isFirst = false
    return { bytes: Buffer.concat([bytes, Buffer.from('# ours\n')]) }
  })
  t.equal(await readFile(list, 'utf8'), `${before}# by an editor\n# ours\n`)
})

t.test('the command gives up if the file never stops changing', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await t.rejects(replaceFile(list, (bytes) => {
    spawnSync('sh', ['-c', 'printf "#\\n" >> "$0"', list])
    return { bytes: Buffer.concat([bytes, Buffer.from('# ours\n')]) }
  }), { code: 'FST_ENDPOINT_LIST_UNWRITABLE', message: /another program keeps changing it/ })
  t.notMatch(await readFile(list, 'utf8'), /ours/)
})

t.test('the command waits until the lock is released', async (t) => {
  const path = `${makeTestFolder(t, {})}/lock`
  const order: string[] = []
  let release = (): void => {}
  const held = new Promise<void>((resolve) => { release = resolve })
  const first = withLock(path, 'it', async ({ isOwned }) => {
    order.push('first')
    await held
    t.ok(await isOwned())
  })
  await until('the file is there', () => stat(path).catch(() => undefined))
  const second = withLock(path, 'it', async () => { order.push('second') })
  release()
  await Promise.all([first, second])
  t.same(order, ['first', 'second'])
  t.same(await readdir(t.testdirName), [])
})

t.test('the command does not remove the lock of a process that may be alive, and the error says what to remove', async (t) => {
  const path = `${makeTestFolder(t, {})}/lock`
  for (const [owner, message] of [
    [{ token: 'x', pid: process.ppid, host: hostname(), machine: MACHINE }, new RegExp(`process ${process.ppid} on .* is changing it. If that process has died, remove ".*lock"`)],
    [{ token: 'x', pid: 1, host: `not-${hostname()}` }, /process 1 on not-/],
    // A container with the same host name, whose processes have other pids.
    [{ token: 'x', pid: deadProcess(), host: hostname(), machine: 'elsewhere' }, /is changing it/],
    ['', /another process is changing it/]
  ] as const) {
    const text = typeof owner === 'string' ? owner : JSON.stringify(owner)
    await writeFile(path, text)
    await t.rejects(withLock(path, 'it', async () => { t.fail('got in') }, 50), { code: 'FST_ENDPOINT_LIST_UNWRITABLE', message })
    t.equal(await readFile(path, 'utf8'), text)
  }
})

t.test('the command removes the lock of a dead process, and a lock that was never completed', async (t) => {
  const path = `${makeTestFolder(t, {})}/lock`
  for (const text of [JSON.stringify({ token: 'x', pid: deadProcess(), host: hostname(), machine: MACHINE }), JSON.stringify({ token: 'x', pid: process.pid, host: hostname(), machine: MACHINE }), '{"token":', '{"token":1}']) {
    await writeFile(path, text)
    await utimes(path, new Date(), new Date(Date.now() - 60_000))
    let isIn = false
    await withLock(path, 'it', async () => { isIn = true })
    t.ok(isIn, text)
    t.same(await readdir(t.testdirName), [])
  }
})

t.test('a command that loses the lock takes it again', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const before = await readFile(list, 'utf8')
  let isFirst = true
  await replaceFile(list, (bytes) => {
    if (isFirst) unlinkSync(site.path('.revoked.txt.lock'))
    isFirst = false
    return { bytes: Buffer.concat([bytes, Buffer.from('# ours\n')]) }
  })
  t.equal(await readFile(list, 'utf8'), `${before}# ours\n`)
})

t.test('a command that loses the lock each time does not write', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const before = await readFile(list, 'utf8')
  const lock = site.path('.revoked.txt.lock')
  await t.rejects(replaceFile(list, (bytes) => {
    spawnSync('sh', ['-c', 'printf stolen > "$0" && touch -d @0 "$0"', lock])
    return { bytes: Buffer.concat([bytes, Buffer.from('# ours\n')]) }
  }), { code: 'FST_ENDPOINT_LIST_UNWRITABLE', message: /another program keeps removing its lock/ })
  t.equal(await readFile(list, 'utf8'), before)
  t.equal(await readFile(lock, 'utf8'), 'stolen', 'and does not release another\'s lock')
})
