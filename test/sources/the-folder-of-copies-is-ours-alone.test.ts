/**
 * A user that can write to the folder of copies decides what is revoked at a start. So the folder must belong to the
 * user of the app, and each source finds only its own copy.
 */
import { chownSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openCache } from '../../lib/revocation/sources/cache-folder.js'
import { CachedCopy } from '../../lib/revocation/sources/cached-copy.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRights } from '../support/without-rights.js'

t.test('a folder of another user is rejected', async (t) => {
  const folder = join(makeTestFolder(t, { cache: {} }), 'cache')
  await openCache(folder)
  if (process.geteuid?.() !== 0) {
    t.pass('only root can give a folder to another user', { skip: true })
    return
  }
  chownSync(folder, 12345, 0)
  await t.rejects(openCache(folder), { code: 'FST_ENDPOINT_CACHE', message: /it belongs to another user \(12345\), who can write to it/ })
  chownSync(folder, 65534, 0)
  await withoutRights(() => openCache(folder))
})

t.test('old unfinished copies are deleted, and recent ones and other files are not', async (t) => {
  const folder = join(makeTestFolder(t), 'cache')
  mkdirSync(folder, { mode: 0o700 })
  const hex = 'a'.repeat(64)
  const names = [hex, `${hex}.01234567-0123-4123-8123-0123456789ab.new`, `${hex}.11234567-0123-4123-8123-0123456789ab.new`, 'notes.new']
  const hours = (count: number): number => Date.now() / 1000 - count * 3600
  for (const [index, name] of names.entries()) {
    writeFileSync(join(folder, name), '')
    utimesSync(join(folder, name), hours(9), hours(index === 2 ? 0 : 9))
  }
  await openCache(folder)
  t.same(readdirSync(folder).sort(), [names[0], names[2], names[3]].sort())
})

t.test('lines that differ only in their credentials have separate copies', async (t) => {
  const folder = makeTestFolder(t)
  const lines = ['https://one:a@crl.test/x', 'https://one:b@crl.test/x', 'https://crl.test/x', 'https://crl.test/x?token=a', 'https://crl.test/x?token=b']
  for (const line of lines) {
    const prepared = await new CachedCopy(folder, line, 1000).prepare({ bytes: Buffer.from(line) })
    await prepared.commit()
  }
  for (const line of lines) t.match(await new CachedCopy(folder, line, 1000).read(), { bytes: Buffer.from(line) })
  t.equal(readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name)).length, lines.length)
})
