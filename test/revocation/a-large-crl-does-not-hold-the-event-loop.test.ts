import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { readRevocationFile } from '../../lib/revocation/files/file-content.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher } from '../support/watching.js'

const ENTRIES = 300_000
/** Garbage of any origin is collected on the main thread now and then, so the best of several tries counts. */
const TRIES = 3
const isSmall = (share: number): boolean => share < 0.25

/** Milliseconds for which the main thread has been on a processor, whatever else the machine does. */
function running (): number {
  // Asked for its processor time, the kernel brings the count up to date; else it is as old as the last tick.
  process.cpuUsage()
  return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[0]) / 1e6
}

/** The longest turn of the event loop meanwhile, and how many there were. */
async function turnsDuring (act: () => Promise<unknown>): Promise<{ longest: number, count: number }> {
  let longest = 0
  let count = 0
  let last = running()
  const turn = (): void => {
    const now = running()
    longest = Math.max(longest, now - last)
    last = now
    count++
    next = setTimeout(turn, 1)
  }
  // Not at once, which would take the processor away from the thread that reads.
  let next = setTimeout(turn, 1)
  await act().finally(() => { clearTimeout(next) })
  // What has been done in the last turn counts too.
  longest = Math.max(longest, running() - last)
  return { longest, count }
}

t.test('the event loop keeps turning while a large CRL is loaded', { skip: process.platform === 'linux' ? false : 'only Linux counts for each thread how long it runs' }, async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const eve = await root.issue({ name: 'eve' })
  const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': makeCrl(root, { number: 1 }).der })
  const path = (file: string): string => join(folder, file)
  const watcher = await startWatcher(t, { file: path('revoked.txt'), authorities: new Authorities([root.x509]) })
  const { all: signers } = new Authorities([root.x509])
  const shares: number[] = []
  for (let attempt = 0; attempt < TRIES && !shares.some(isSmall); attempt++) {
    const { der } = makeLargeCrl(root, { count: ENTRIES, number: attempt + 2, include: [serialOf(eve.der)] })
    const before = running()
    await readRevocationFile({ bytes: der, what: 'the CRL', location: {}, signers, limit: ENTRIES + 1 })
    const whole = running() - before
    writeFileSync(path('next.crl'), der)
    renameSync(path('next.crl'), path('root.crl'))
    // An explicit reload, since a detected change waits longer after a long load.
    const { longest, count } = await turnsDuring(() => watcher.reload())
    t.equal(watcher.set.size, ENTRIES + 1)
    t.equal(watcher.set.status([eve.x509]).status, 'revoked')
    t.comment(`${count} turns, the longest ${longest.toFixed(1)} ms of ${whole.toFixed(1)} ms`)
    shares.push(longest / whole)
  }
  t.ok(shares.some(isSmall), `${shares.map((share) => share.toFixed(2)).join(', ')} of the time that reading it here takes`)
})
