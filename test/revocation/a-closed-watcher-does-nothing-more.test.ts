import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher, eventAfter } from '../support/watching.js'

t.test('a closed watcher keeps its last set and rejects a reload', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '' }), 'revoked.txt')
  const watcher = await RevocationWatcher.start({ file })
  const { set } = watcher
  watcher.close()
  await t.rejects(watcher.reload(), { code: 'FST_ENDPOINT_LIST_CLOSED', message: `revocation list "${file}" is no longer watched, since the app was closed: ignore this, or reload before app.close()` })
  t.equal(watcher.set, set)
  watcher.close()
})

t.test('reloads that are running or queued are rejected, and their result is dropped', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '' }), 'revoked.txt')
  const watcher = await RevocationWatcher.start({ file })
  const reloads = Promise.allSettled([watcher.reload(), watcher.reload()])
  watcher.close()
  const refused = { status: 'rejected', reason: { code: 'FST_ENDPOINT_LIST_CLOSED' } }
  t.match(await reloads, [refused, refused])
  t.equal(watcher.generation, 1)
})

t.test('a change after the close is not loaded', async (t) => {
  const file = join(makeTestFolder(t, { 'revoked.txt': '' }), 'revoked.txt')
  const closed = await RevocationWatcher.start({ file })
  const open = await startWatcher(t, { file })
  closed.on('swapped', () => t.fail('swapped'))
  closed.close()
  await eventAfter(open, 'swapped', () => writeFileSync(file, '# none'))
  t.equal(closed.generation, 1)
})
