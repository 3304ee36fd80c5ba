/** The folder `acmeStore`: for one user alone, and whatever is wrong with it has a coded error that says what to do. */
import { chmod, chown, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { AcmeStore } from '../../lib/acme/store.js'
import type { AcmeArguments } from '../../types/endpoint.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { withoutRights } from '../support/without-rights.js'

const settingsIn = (store: string, names: [string, ...string[]] = ['example.org']): AcmeArguments => ({ store, names, directory: 'https://ca.example/dir', contact: [], wait: 0 })

t.test('folders and files belong to one user alone', async (t) => {
  const folder = join(makeShortFolder(t), 'new', 'store')
  const store = new AcmeStore(settingsIn(folder))
  await store.open()
  await store.writeAccount({ key: 'K' })
  await store.writeOrder({ url: 'u', finalize: 'f', key: 'k', challenges: [] })
  await store.writeCertificate('KEY', 'CHAIN')
  await store.writeState({ failures: 0, issued: [] })
  for (const each of [folder, store.directoryFolder, store.folder]) t.equal((await stat(each)).mode & 0o777, 0o700)
  for (const name of ['order.json', 'state.json', 'certificate.pem']) t.equal((await stat(join(store.folder, name))).mode & 0o777, 0o600)
  t.same((await readdir(store.folder)).sort(), ['certificate.pem', 'order.json', 'state.json'], 'nothing else stays behind')
  t.equal(await readFile(store.certificatePath, 'utf8'), 'KEY\nCHAIN\n')
})

t.test('each directory, each set of names and each profile has a place of its own', async (t) => {
  const places = new Set([
    settingsIn('/s'), settingsIn('/s', ['example.org', 'www.example.org']), { ...settingsIn('/s'), profile: 'shortlived' }, { ...settingsIn('/s'), directory: 'https://ca.example/other' }
  ].map((settings) => new AcmeStore(settings).folder))
  t.equal(places.size, 4)
  t.equal(new AcmeStore(settingsIn('/s', ['a.example', 'b.example'])).folder.replace(/a\.example/, ''), new AcmeStore(settingsIn('/s', ['a.example', 'b.example'])).folder.replace(/a\.example/, ''))
  t.ok(new AcmeStore({ ...settingsIn('/s'), directory: 'https://[::1]:14000/dir' }).folder.startsWith('/s/___1__14000-'), 'whatever the host is')
})

t.test('a folder that others can enter is refused', async (t) => {
  const folder = join(makeShortFolder(t), 'store')
  await mkdir(folder)
  await chmod(folder, 0o750)
  await t.rejects(new AcmeStore(settingsIn(folder)).open(), { code: 'FST_ENDPOINT_ACME_STORE', argument: 'acmeStore', message: /other users have access to it \(mode 750\).*chmod 700/ })
})

t.test('a folder of another user is refused', { skip: process.geteuid?.() !== 0 && 'only root can give folders away' }, async (t) => {
  const folder = join(makeShortFolder(t), 'store')
  await mkdir(folder, { mode: 0o700 })
  await chown(folder, 65534, 65534)
  await t.rejects(new AcmeStore(settingsIn(folder)).open(), { code: 'FST_ENDPOINT_ACME_STORE', message: /belongs to another user \(65534\).*chown/ })
})

t.test('a folder that cannot be written to is refused at the start', async (t) => {
  const parent = makeShortFolder(t)
  await chmod(parent, 0o555)
  await withoutRights(async () => {
    await t.rejects(new AcmeStore(settingsIn(join(parent, 'store'))).open(), { code: 'FST_ENDPOINT_ACME_STORE', message: /cannot be written: permission denied/ })
  })
  await chmod(parent, 0o755)
  await writeFile(join(parent, 'file'), '')
  await t.rejects(new AcmeStore(settingsIn(join(parent, 'file', 'store'))).open(), { code: 'FST_ENDPOINT_ACME_STORE', message: /not a folder/ })
})

t.test('a full disk is a coded error, and what was there stays', async (t) => {
  const store = new AcmeStore(settingsIn(join(makeShortFolder(t), 'store')))
  await store.open()
  await store.writeState({ failures: 3, issued: [] })
  const { default: promises } = await import('node:fs/promises')
  const { syncBuiltinESMExports } = await import('node:module')
  const { open } = promises
  t.teardown(syncBuiltinESMExports)
  t.intercept(promises, 'open', {
    value: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args)
      handle.writeFile = async () => { throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' }) }
      return handle
    }
  })
  syncBuiltinESMExports()
  await t.rejects(store.writeState({ failures: 4, issued: [] }), { code: 'FST_ENDPOINT_ACME_STORE', message: /no space left for it \(ENOSPC\)/ })
  await t.rejects(new AcmeStore(settingsIn(join(makeShortFolder(t), 'store'))).open(), { code: 'FST_ENDPOINT_ACME_STORE', message: /ENOSPC/ })
  t.equal((await store.readState(0)).failures, 3)
  t.same(await readdir(store.folder), ['state.json'])
})

t.test('an account that is damaged is not replaced', async (t) => {
  const store = new AcmeStore(settingsIn(join(makeShortFolder(t), 'store')))
  await store.open()
  t.equal(await store.readAccount(), undefined)
  const path = join(store.directoryFolder, 'account.json')
  for (const text of ['', '{"key":"-----BEG', 'null', '{"key":1}', '{"key":"k","url":2}']) {
    await writeFile(path, text)
    await t.rejects(store.readAccount(), { code: 'FST_ENDPOINT_ACME_STORE', file: path, message: /damaged\. Restore it from a backup, or delete it/ })
    t.equal(await readFile(path, 'utf8'), text)
  }
  await rm(path)
  await mkdir(path)
  await t.rejects(store.readAccount(), { code: 'FST_ENDPOINT_ACME_STORE', message: /cannot be read/ })
})

t.test('a damaged state counts as a failure a moment ago', async (t) => {
  const store = new AcmeStore(settingsIn(join(makeShortFolder(t), 'store')))
  await store.open()
  t.same(await store.readState(7), { failures: 0, issued: [] })
  for (const text of ['{"failures":', '{"failures":"many","issued":[]}', '{"failures":1,"issued":"no"}', '[]']) {
    await store.write('state.json', text)
    t.match(await store.readState(7), { failures: 1, failedAt: 7, wait: 3_600_000 })
    t.equal(await readFile(join(store.folder, 'state.json.damaged'), 'utf8'), text)
    t.match(await store.readState(8), { failures: 1, failedAt: 7 }, 'also after a restart')
  }
})

t.test('a file that is too large, or unreadable, is not read', async (t) => {
  const store = new AcmeStore(settingsIn(join(makeShortFolder(t), 'store')))
  await store.open()
  await store.write('order.json', 'x'.repeat(1024 * 1024 + 1))
  await t.rejects(store.readOrder(), { code: 'FST_ENDPOINT_ACME_STORE', message: /larger than the limit/ })
})
