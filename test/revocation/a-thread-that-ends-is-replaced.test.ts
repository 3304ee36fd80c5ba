import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { serialOf } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import { startWatcher, eventAfter } from '../support/watching.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })

t.test('a thread that exits un-revokes no client, and another thread reads the file', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': makeLargeCrl(root, { count: 10, number: 1, include: [serialOf(alice.der)] }).der })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), authorities: new Authorities([root.x509]) })
  writeFileSync(join(folder, 'new'), makeLargeCrl(root, { count: 40_000, number: 2, include: [serialOf(alice.der), serialOf(bob.der)] }).der)

  const { threads } = await threadsDuring(async () => {
    const [[problem]] = await eventAfter(watcher, 'failed', () => renameSync(join(folder, 'new'), join(folder, 'root.crl'))) as [[Error]]
    t.match(problem, { code: 'FST_ENDPOINT_FILE_UNREADABLE', file: join(folder, 'root.crl') })
  // Its first message says that it is ready; the file is sent to it then.
  }, (worker) => { worker.once('message', () => { worker.terminate() }) })
  t.equal(threads.length > 0, true)
  t.match(watcher.set.status([alice.x509]), { status: 'revoked' })
  await eventAfter(watcher, 'swapped', () => {})
  t.match(watcher.set.status([alice.x509]), { status: 'revoked' })
  t.match(watcher.set.status([bob.x509]), { status: 'revoked' })
})

t.test('closing the watcher abandons a read in progress', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': makeLargeCrl(root, { count: 10 }).der })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), authorities: new Authorities([root.x509]) })
  const { set } = watcher
  writeFileSync(join(folder, 'root.crl'), makeLargeCrl(root, { count: 40_000 }).der)
  const { result, threads } = await threadsDuring(
    () => errorOf(() => watcher.reload()),
    (worker) => worker.once('online', () => watcher.close())
  )
  t.equal(threads.length, 1)
  t.match(result, { code: 'FST_ENDPOINT_LIST_CLOSED' })
  t.equal(watcher.set, set)
})
