import { appendFile, mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Renames } from '../../lib/allowed/renames.js'
import { LoadingAllowed } from '../support/loading-allowed.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { LogCapture } from '../support/log.js'
import { startApp } from '../support/mutual-tls.js'
import { makeTestFolder } from '../support/test-folder.js'

const skip = process.platform === 'linux' ? false : 'only Linux has such events'

async function start (t: Test): Promise<LoadingAllowed> {
  const loading = new LoadingAllowed(makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }))
  loading.renames = new Renames()
  t.teardown(() => loading.renames?.close())
  await loading.start()
  return loading
}

/** Writes and renames in one tick, as most programs do. */
async function renameAtOnce (file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content)
  await rename(`${file}.new`, file)
}

t.test('a list that is renamed into place takes effect at once', { skip }, async (t) => {
  const loading = await start(t)
  for (const name of ['bob', 'carol', 'dave']) {
    await renameAtOnce(loading.list, `cn:${name}\n`)
    t.same(await loading.pass(), [name])
  }
})

t.test('a list that is created in place, or still written after the rename, does not take effect at once', { skip }, async (t) => {
  const loading = await start(t)
  await rm(loading.list)
  await writeFile(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['alice'])
  await appendFile(loading.list, 'cn:carol\n')
  t.same(await loading.pass(), ['alice'])
  const handle = await open(`${loading.list}.new`, 'w')
  await handle.write('cn:dave\n')
  await rename(`${loading.list}.new`, loading.list)
  await handle.write('cn:erin\n')
  t.same(await loading.pass(), ['alice'])
  await handle.close()
  t.same(await loading.pass(2000), ['dave', 'erin'])
  await renameAtOnce(loading.list, 'cn:alice\n')
  t.same(await loading.pass(), ['alice'])
})

t.test('without events, no list counts as renamed', async (t) => {
  const folder = makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' })
  const renames = new Renames()
  renames.follow(join(folder, 'gone', 'allowed.txt'), '1')
  t.notOk(await renames.isRenamed(await renames.count()))
  renames.follow(join(folder, 'allowed.txt'), '1')
  renames.close()
  renames.follow(join(folder, 'allowed.txt'), '1')
  await renameAtOnce(join(folder, 'allowed.txt'), 'cn:bob\n')
  t.notOk(await renames.isRenamed(await renames.count()), 'nor after it was closed')
})

t.test('an event between two counts is noticed', { skip }, async (t) => {
  const file = join(makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }), 'allowed.txt')
  const renames = new Renames()
  t.teardown(() => renames.close())
  renames.follow(file, '1')
  await renameAtOnce(file, 'cn:bob\n')
  const before = await renames.count()
  t.ok(await renames.isRenamed(before))
  await renameAtOnce(file, 'cn:carol\n')
  t.notOk(await renames.isRenamed(before), 'the file that was read in between may be another one')
})

t.test('a list in a folder that was replaced, or a change without an event, does not take effect at once', { skip }, async (t) => {
  const folder = makeTestFolder(t, { lists: { 'allowed.txt': 'cn:alice\n' } })
  const loading = new LoadingAllowed(join(folder, 'lists'))
  loading.renames = new Renames()
  t.teardown(() => loading.renames?.close())
  await loading.start()
  await rm(join(folder, 'lists'), { recursive: true })
  t.same(await loading.pass(), ['alice', 'FST_ENDPOINT_FILE_UNREADABLE'])
  await mkdir(join(folder, 'lists'))
  await writeFile(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['alice', 'FST_ENDPOINT_FILE_UNREADABLE'])
  t.same(await loading.pass(2000), ['bob'])
  await renameAtOnce(loading.list, 'cn:carol\n')
  t.same(await loading.pass(), ['carol'])
  t.notOk(await loading.renames.isRenamed(await loading.renames.count()), 'an event counts once')
})

t.test('an app does not wait two seconds for a renamed list', { skip }, async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const log = new LogCapture()
  const { app } = await startApp(t, site.allowed, undefined, { logger: log.logger })
  await renameAtOnce(site.path('allowed.txt'), 'cn:mallory\n')
  await app.endpoint.reload()
  t.same(log.about('it takes effect when it has not changed'), [], 'it counted without a wait')
  t.ok((app.endpoint.listeners[0]?.allowed?.generation ?? 0) > 1, 'and is in force; the watcher may have loaded it before the reload')
})
