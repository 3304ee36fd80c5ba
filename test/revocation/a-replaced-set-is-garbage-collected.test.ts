import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { makeCrl } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { eventAfter, startWatcher } from '../support/watching.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
/** A turn or two are enough. */
const MOST_TURNS = 100

t.test('the first and all later sets of a large CRL are garbage-collected once replaced', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': makeCrl(root, { number: 1 }).der })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), authorities: new Authorities([root.x509]) })
  const replaced: Array<WeakRef<object>> = []
  for (const number of [2, 3]) {
    replaced.push(new WeakRef(watcher.set))
    writeFileSync(join(folder, 'next'), makeCrl(root, { number }).der)
    await eventAfter(watcher, 'swapped', () => renameSync(join(folder, 'next'), join(folder, 'root.crl')))
  }
  const held = (): unknown[] => replaced.map((set) => set.deref() !== undefined)
  for (let turns = 0; turns < MOST_TURNS && held().includes(true); turns++) {
    await turn()
    collect()
  }
  t.same(held(), [false, false])
})
