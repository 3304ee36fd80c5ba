import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { SharedWatchers } from '../../lib/revocation/shared-watchers.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import type { RevocationView } from '../../lib/revocation/view.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other' })
const alice = await root.issue({ name: 'alice' })
const bob = await other.issue({ name: 'bob' })

/** Views of one app, that the test closes; the timer holds the test open while they load. */
async function startViews (t: Pick<Test, 'teardown'>, list: string, authorities: ReadonlyArray<typeof root[]>): Promise<RevocationView[]> {
  const timer = setInterval(() => {}, 1000)
  const watchers = new SharedWatchers({})
  const views = await Promise.all(authorities.map((some) => watchers.view({ file: list }, new Authorities(some.map(({ x509 }) => x509)))))
  t.teardown(() => {
    clearInterval(timer)
    for (const view of views) view.close()
  })
  return views
}

t.test('fifty endpoints load a list once, and get each new set in one turn', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.crl\n', 'a.crl': makeLargeCrl(root, { count: 40_000, number: 1 }).der })
  const { result: views, threads } = await threadsDuring(() => startViews(t, join(folder, 'revoked.txt'), Array.from({ length: 50 }, () => [root])))
  const [first] = views as [RevocationView]
  t.equal(threads.length, 1)
  t.equal(new Set(views.map(({ set }) => set)).size, 1)

  // All of them, as each listener sees them.
  const seen: Array<Set<unknown>> = []
  for (const view of views) view.on('swapped', () => { seen.push(new Set(views.map(({ set }) => set))) })
  const swapped = once(first, 'swapped')
  writeFileSync(join(folder, 'new'), makeLargeCrl(root, { count: 40_000, number: 2, include: [serialOf(alice.der)] }).der)
  renameSync(join(folder, 'new'), join(folder, 'a.crl'))
  const [set] = await swapped
  t.equal(seen.length, 50)
  t.equal(seen.every((sets) => sets.size === 1 && sets.has(set)), true)
  t.match(set.status([alice.x509]), { status: 'revoked' })
  t.equal(views.every(({ generation }) => generation === 2), true)
})

t.test('an endpoint that trusts other authorities has its own set', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'a.crl\n', 'a.crl': makeCrl(root, { entries: [{ serial: serialOf(alice.der) }] }).pem })
  const [a, b, c] = await startViews(t, join(folder, 'revoked.txt'), [[root], [root, other], [root]]) as [RevocationView, RevocationView, RevocationView]
  t.equal(a.set, c.set)
  t.not(a.set, b.set)
})

t.test('an endpoint whose authorities change switches its set in one step, and the others keep theirs', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'a.crl\n', 'a.crl': makeCrl(root, { entries: [{ serial: serialOf(alice.der) }] }).pem })
  const [a, b] = await startViews(t, join(folder, 'revoked.txt'), [[root], [root]]) as [RevocationView, RevocationView]
  const { set } = b
  const events: unknown[] = []
  a.on('swapped', (next, generation) => { events.push([next === a.set, generation]) })
  b.on('swapped', () => { events.push('b') })
  const change = a.changeAuthorities(new Authorities([root.x509, other.x509]), () => { events.push('commit') })
  t.equal(a.set, set, 'until it is loaded nothing changes')
  await change
  t.same(events, ['commit', [true, 2]])
  t.not(a.set, set)
  t.equal(b.set, set)
  t.equal(b.generation, 1)
  t.match(a.set.status([alice.x509]), { status: 'revoked' })

  await b.changeAuthorities(new Authorities([root.x509, other.x509]), () => {})
  t.equal(b.set, a.set, 'with the same authorities they share it again')

  // An unused watcher is closed: only the watcher in use sees this.
  const swapped = once(b, 'swapped')
  writeFileSync(join(folder, 'b.crl'), makeCrl(other, { entries: [{ serial: serialOf(bob.der) }] }).pem)
  writeFileSync(join(folder, 'revoked.txt'), 'a.crl\nb.crl\n')
  await swapped
  t.match(a.set.status([bob.x509]), { status: 'revoked' })
  t.equal(a.set, b.set)
})

t.test('a problem of the list does not block a change of authorities, and un-revokes no client', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'a.crl\n', 'a.crl': makeCrl(root, { entries: [{ serial: serialOf(alice.der) }] }).pem })
  const [a] = await startViews(t, join(folder, 'revoked.txt'), [[root]]) as [RevocationView]
  writeFileSync(join(folder, 'a.crl'), 'broken')
  let isCommitted = false
  t.match(await errorOf(() => a.changeAuthorities(new Authorities([root.x509, other.x509]), () => { isCommitted = true })), { code: 'FST_ENDPOINT_FILE_INVALID' })
  t.equal(isCommitted, true)
  t.match(a.set.status([alice.x509]), { status: 'revoked' })
  const failures: unknown[] = []
  a.on('failed', (problems) => { failures.push(problems) })
  const recovered = once(a, 'recovered')
  writeFileSync(join(folder, 'a.crl'), makeCrl(root, { number: 2, entries: [{ serial: serialOf(alice.der) }] }).pem)
  await recovered
  const failed = once(a, 'failed')
  writeFileSync(join(folder, 'a.crl'), 'broken')
  await failed
  t.equal(failures.length, 1)
})

t.test('an endpoint that is closed while its authorities change keeps its set', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'a.crl\n', 'a.crl': makeCrl(root, {}).pem })
  const watchers = new SharedWatchers({})
  const view = await watchers.view({ file: join(folder, 'revoked.txt') }, new Authorities([root.x509]))
  const { set } = view
  const change = errorOf(() => view.changeAuthorities(new Authorities([root.x509, other.x509]), () => t.fail('it was put in force')))
  view.close()
  t.match(await change, { code: 'FST_ENDPOINT_LIST_CLOSED' })
  t.equal(view.set, set)
})

t.test('a list that cannot be loaded is an error for each endpoint, and can be loaded later', async (t) => {
  const folder = makeTestFolder(t, { 'a.crl': makeCrl(root, {}).pem })
  const list = join(folder, 'revoked.txt')
  const watchers = new SharedWatchers({})
  const start = (): Promise<RevocationView> => watchers.view({ file: list }, new Authorities([root.x509]))
  const errors = await Promise.all([errorOf(start), errorOf(start)])
  t.match(errors, [{ code: 'FST_ENDPOINT_FILE_UNREADABLE' }, { code: 'FST_ENDPOINT_FILE_UNREADABLE' }])
  writeFileSync(list, 'a.crl\n')
  const view = await start()
  t.equal(view.generation, 1)
  view.close()
})

t.test('a set that comes into force while other authorities are loaded is not undone', async (t) => {
  const folder = makeTestFolder(t, {
    'revoked.txt': '*.crl\n',
    'a.crl': makeCrl(root, { number: 1 }).der,
    ...Object.fromEntries([1, 2, 3].map((number) => [`large-${number}.crl`, makeLargeCrl(other, { count: 300_000, seed: number, number }).der]))
  })
  const [view] = await startViews(t, join(folder, 'revoked.txt'), [[root, other]]) as [RevocationView]
  const third = await createAuthority({ name: 'Third' })
  const seen: unknown[] = []
  view.on('swapped', (set) => { seen.push(set.status([alice.x509]).status) })
  const changed = view.changeAuthorities(new Authorities([root, other, third].map(({ x509 }) => x509)), () => {})
  // Meanwhile the small file is read, and the large ones are not.
  await readFile(join(folder, 'large-1.crl'))
  writeFileSync(join(folder, 'new'), makeCrl(root, { number: 2, entries: [{ serial: serialOf(alice.der) }] }).der)
  renameSync(join(folder, 'new'), join(folder, 'a.crl'))
  // Rejects if the others are in force before.
  await view.watcher.reload().catch(() => {})
  await changed
  await view.watcher.reload()
  t.match(view.set.status([alice.x509]), { status: 'revoked' })
  t.equal(seen.includes('good', seen.indexOf('revoked')), false, seen.join())
})
