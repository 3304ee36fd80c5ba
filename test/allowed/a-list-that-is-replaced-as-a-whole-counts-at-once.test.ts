import { appendFile, chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { replace } from '../support/allowed-site.js'
import { mount } from '../support/kubernetes.js'
import { LoadingAllowed } from '../support/loading-allowed.js'
import { makeTestFolder } from '../support/test-folder.js'

async function start (t: Test): Promise<LoadingAllowed> {
  const loading = new LoadingAllowed(makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }))
  await loading.start()
  t.same(loading.inForce, ['alice'])
  return loading
}

/** Creates the file in its place, as a program does that removes the old one. Its folder changes earlier than it does. */
async function create (file: string, content: string): Promise<void> {
  await rm(file, { force: true })
  await writeFile(file, content)
  await utimes(dirname(file), new Date(), new Date(Date.now() - 5000))
}

t.test('a list that is replaced by a rename takes effect at once', async (t) => {
  const loading = await start(t)
  await replace(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['bob'])
  t.equal(loading.loaded?.again, undefined)
  t.same(loading.loaded?.notices, [])
  await replace(loading.list, 'cn:carol\n')
  t.same(await loading.pass(), ['carol'])
})

t.test('a rename over a wrong list, or over one that is being written, takes effect at once', async (t) => {
  const loading = await start(t)
  await appendFile(loading.list, 'cn:bo')
  t.same(await loading.pass(), ['alice'])
  await replace(loading.list, 'cn:bo')
  t.same(await loading.pass(), ['alice', 'FST_ENDPOINT_ALLOWED_SYNTAX'])
  t.same(await loading.pass(), ['alice', 'FST_ENDPOINT_ALLOWED_SYNTAX'], 'it counts without a wait')
  await replace(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['bob'])
})

t.test('a swap of ..data takes effect at once', async (t) => {
  const loading = new LoadingAllowed(makeTestFolder(t, {}))
  const folder = dirname(loading.list)
  await mount(folder, 'v1', { 'allowed.txt': 'cn:alice\n' })
  await loading.start()
  await mount(folder, 'v2', { 'allowed.txt': 'cn:bob\n' })
  t.same(await loading.pass(), ['bob'])
  await mount(folder, 'v3', { 'allowed.txt': 'cn:bo' })
  t.same(await loading.pass(), ['bob', 'FST_ENDPOINT_ALLOWED_SYNTAX'])
  await mount(folder, 'v4', { 'allowed.txt': 'cn:carol\n' })
  t.same(await loading.pass(), ['carol'])
})

t.test('a change of a link above the list takes effect at once, and so does the change back', async (t) => {
  const folder = makeTestFolder(t, { v1: { 'allowed.txt': 'cn:alice\n' }, v2: { 'allowed.txt': 'cn:bob\n' } })
  const point = async (version: string): Promise<void> => {
    await symlink(version, join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, 'current'))
  }
  await point('v1')
  const loading = new LoadingAllowed(folder, 'current/allowed.txt')
  await loading.start()
  await point('v2')
  t.same(await loading.pass(), ['bob'])
  await point('v1')
  t.same(await loading.pass(), ['alice'])
})

t.test('a list that is created in place never takes effect at once', async (t) => {
  const loading = await start(t)
  await create(loading.list, 'cn:bob\n')
  await chmod(loading.list, 0o600)
  t.same(await loading.pass(), ['alice'], 'its mode was changed before the rename was seen')
  t.match(loading.loaded?.notices, [/^allowedFile ".*" has changed: it takes effect when it has not changed for 2000 ms$/])
  await appendFile(loading.list, 'cn:carol\n')
  t.same(await loading.pass(100), ['alice'])
  await chmod(loading.list, 0o640)
  await mkdir(join(dirname(loading.list), 'other'))
  t.same(await loading.pass(100), ['alice'], 'it was seen while it was written, and another file was added to the folder')
  t.same(await loading.pass(1999), ['alice'])
  t.same(await loading.pass(1), ['bob', 'carol'])
})

t.test('a list that replaces a link does not take effect at once', async (t) => {
  const folder = makeTestFolder(t, { 'v1.txt': 'cn:alice\n', 'allowed.txt': t.fixture('symlink', 'v1.txt') })
  const loading = new LoadingAllowed(folder)
  await loading.start()
  await create(loading.list, 'cn:bob\n')
  t.same(await loading.pass(), ['alice'])
  t.same(await loading.pass(2000), ['bob'])
})

t.test('a write to the target of a link does not take effect at once', async (t) => {
  const folder = makeTestFolder(t, { 'v1.txt': 'cn:alice\n', 'allowed.txt': t.fixture('symlink', 'v1.txt') })
  const loading = new LoadingAllowed(folder)
  await loading.start()
  await appendFile(join(folder, 'v1.txt'), 'cn:bob\n')
  t.same(await loading.pass(), ['alice'])
  t.same(await loading.pass(2000), ['alice', 'bob'])
})
