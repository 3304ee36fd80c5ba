/** The life of a certificate: renewal, failures, restarts, and a clock that is set. */
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { AcmeStore } from '../../lib/acme/store.js'
import { FakeDirectory, FAST, PROBLEM, startOrdering } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const DAY = 24 * 60 * 60 * 1000

t.test('a certificate is renewed when the directory says so, and its order says what it replaces', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.window = { start: new Date(Date.now() - 2 * DAY).toISOString(), end: new Date(Date.now() - DAY).toISOString() }
  const settings = directory.settings(makeShortFolder(t))
  const { source, log } = await startOrdering(t, settings)
  await until('there is a certificate', () => source.current() !== undefined)
  const first = source.current()?.chain[0]?.serialNumber
  // The window of the next certificate is in the future.
  await until('the window was asked for', () => directory.count('ari') > 0)
  directory.window = { start: new Date(Date.now() + 50 * DAY).toISOString(), end: new Date(Date.now() + 60 * DAY).toISOString() }
  await until('it was renewed', () => source.current()?.chain[0]?.serialNumber !== first)
  const [one, two] = directory.calls.filter(({ resource }) => resource === 'order').map(({ payload }) => payload['replaces'])
  t.equal(one, undefined)
  t.match(two, /^[\w-]+\.[\w-]+$/)
  t.equal(directory.calls.find(({ resource }) => resource === 'ari')?.path, `/ari/${String(two)}`)
  const store = new AcmeStore(settings)
  const start = Date.parse(directory.window.start)
  const renewal = await until('the new window is stored', async () => {
    const { renewal } = await store.readState(Date.now())
    return renewal?.start === start ? renewal : undefined
  })
  t.match(renewal, { start, end: Date.parse(directory.window.end) })
  t.ok(renewal.next > Date.now() + 3_000_000, 'it is asked for again after the Retry-After')
  t.same(source.problems, [])
  t.equal(log.filter(({ msg }) => msg === 'certificate issued').length, 2)
})

t.test('neither a failure nor a Retry-After is forgotten', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  directory.always.set('order', { status: 429, headers: { 'retry-after': '3600' }, body: { type: `${PROBLEM}rateLimited`, detail: 'too many new orders' } })
  const first = await startOrdering(t, settings)
  await until('the order was refused', () => first.source.problems.length > 0)
  await first.source.close()
  const { calls } = directory
  const before = calls.length
  const second = await startOrdering(t, settings)
  t.match(second.source.problems, [{ code: 'FST_ENDPOINT_ACME_FAILED', message: /too many new orders/ }], 'health is degraded after a restart too')
  await new Promise((resolve) => { setTimeout(resolve, 200) }) // Shows that nothing happens.
  t.equal(calls.length, before, 'nobody is asked')
  await second.source.close()
  directory.always.clear()
  const third = await startOrdering(t, settings, { now: () => Date.now() + 3_700_000 })
  await until('the clock of the directory is compared', () => third.source.problems.some(({ message }) => /62 minutes ahead of the directory's/.test(message)))
  t.equal(directory.count('order'), 1)
})

t.test('nothing is ordered while the clock is wrong, and the certificate stays', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  let offset = 0
  const { source } = await startOrdering(t, settings, { now: () => Date.now() + offset })
  await until('there is a certificate', () => source.current() !== undefined)
  const certificate = source.current()
  const orders = directory.count('order')
  for (const [jump, words] of [[3650 * DAY, /ahead of/], [-3650 * DAY, undefined]] as const) {
    offset = jump
    if (words === undefined) await new Promise((resolve) => { setTimeout(resolve, 100) }) // Shows that nothing happens.
    else await until('the clock is noticed', () => source.problems.some(({ message }) => words.test(message)))
    t.equal(source.current(), certificate)
  }
  t.equal(directory.count('order'), orders)
  await source.close()
  const again = await startOrdering(t, settings, { now: () => Date.now() - 3650 * DAY })
  t.ok(again.source.current(), 'a restart with a wrong clock serves it too')
  t.equal((await readFile(again.source.name, 'utf8')).includes('PRIVATE KEY'), true, 'and does not put it aside')
})

t.test('a failure of a time when the clock was years ahead does not keep an app from its certificate once the clock is right', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  let offset = 3650 * DAY
  const now = (): number => Date.now() + offset
  const first = await startOrdering(t, settings, { now })
  await until('the clock is noticed', () => first.source.problems.some(({ message }) => /ahead of/.test(message)))
  await first.source.close()
  const { source } = await startOrdering(t, settings, { now })
  offset = 0
  await until('there is a certificate', () => source.current() !== undefined)
  t.same(source.problems, [])
})

t.test('a directory that is down when it is asked for renewal information is no failure', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const first = await startOrdering(t, settings)
  await until('there is a certificate', () => first.log.some(({ msg }) => msg === 'certificate issued'))
  const store = new AcmeStore(settings)
  await until('its window is known', async () => (await store.readState(Date.now())).renewal !== undefined)
  await first.source.close()
  const { renewal: _, ...state } = await store.readState(Date.now())
  await store.writeState(state)
  directory.always.set('dir', { status: 503 })
  const { source, log } = await startOrdering(t, settings)
  await until('it is logged', () => log.some(({ msg }) => /renewal information could not be read/.test(String(msg))))
  const { renewal, failures } = await until('it will be asked again later', async () => {
    const state = await store.readState(Date.now())
    return state.renewal === undefined ? undefined : state
  })
  t.ok(Number(renewal?.next) > Date.now() + 3_600_000)
  t.equal(failures, 0)
  t.same(source.problems, [])
})

t.test('a state with members of another kind counts as damaged', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const store = new AcmeStore(settings)
  await store.open()
  const good = { failures: 0, issued: [] }
  for (const bad of [{ problem: {} }, { failedChallenge: 1 }, { renewal: { certificate: 'a.b', next: 0, start: 'soon' } }, { renewal: { certificate: 7, next: 0 } }]) {
    await store.write('state.json', JSON.stringify({ ...good, ...bad }))
    t.match(await store.readState(0), { failures: 1, problem: 'state.json was damaged' })
  }
  await store.write('order.json', JSON.stringify({ url: 'u', finalize: 'f', key: 'k', challenges: [null] }))
  t.equal(await store.readOrder(), undefined)
})

t.test('an account that the directory has forgotten is registered again with the same key', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const store = new AcmeStore(settings)
  directory.reply('order', { status: 400, body: { type: `${PROBLEM}accountDoesNotExist`, detail: 'unknown account' } })
  const { source } = await startOrdering(t, settings)
  await until('the order was refused', () => source.problems.length > 0)
  const before = await store.readAccount()
  await until('there is a certificate', () => source.current() !== undefined)
  t.equal((await store.readAccount())?.key, before?.key)
  t.equal(directory.calls.filter(({ path }) => path === '/account').length, 2)
})

t.test('a certificate that is damaged in the store is put aside, and the one in force stays until the next', async (t) => {
  const directory = await FakeDirectory.start(t)
  const { source, log } = await startOrdering(t, directory.settings(makeShortFolder(t)))
  await until('there is a certificate', () => source.current() !== undefined)
  const certificate = source.current()
  await until('the order is over', () => log.some(({ msg }) => msg === 'certificate issued'))
  await writeFile(source.name, 'half of a cert')
  await until('it was noticed', () => log.some(({ msg }) => /cannot be used: it was renamed to \.damaged/.test(msg)))
  t.equal(source.current(), certificate)
  const aside = await until('it was put aside', async () => await readFile(`${source.name}.damaged`, 'utf8').catch(() => undefined))
  t.equal(aside, 'half of a cert')
})

t.test('a store that cannot be read any more is a problem until it can be, and the certificate stays', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  directory.life = { before: 80 * DAY, after: 10 * DAY }
  const { source, log } = await startOrdering(t, settings, { timing: { ...FAST, firstWait: 60_000 } })
  await until('there is a certificate', () => source.current() !== undefined)
  const store = new AcmeStore(settings)
  const lease = join(store.directoryFolder, 'lease')
  await until('the attempt is over', async () => await readFile(lease).then(() => false, () => true))
  const certificate = source.current()
  const order = join(store.folder, 'order.json')
  await mkdir(order)
  const isStoreProblem = (): boolean => source.problems.some((problem) => (problem as { code?: string }).code === 'FST_ENDPOINT_ACME_STORE')
  await until('it is a problem', isStoreProblem)
  // Another process that writes its state does not hide it.
  await store.writeState(await store.readState(Date.now()))
  const looks = t.capture(AcmeStore.prototype, 'look', AcmeStore.prototype.look)
  let count = 0
  // Three files in each round.
  await until('it was looked at again', () => (count += looks().length) >= 9)
  t.ok(isStoreProblem())
  t.equal(source.current(), certificate)
  await rmdir(order)
  await until('the store can be used again', () => source.problems.length === 0)
  t.equal(log.filter(({ msg }) => /the store cannot be used/.test(String(msg))).length, 1, 'it is logged once')
})

t.test('when a name is added, the certificate from before serves until there is a new one', async (t) => {
  const directory = await FakeDirectory.start(t)
  const store = makeShortFolder(t)
  const first = await startOrdering(t, directory.settings(store))
  await until('there is a certificate', () => first.source.current() !== undefined)
  await first.source.close()
  const before = first.source.current()?.chain[0]?.fingerprint256
  const second = await startOrdering(t, directory.settings(store, '', 'example.org,www.example.org'))
  t.equal(second.source.current()?.chain[0]?.fingerprint256, before)
  t.match(second.log, [{ level: 40, instead: ['example.org'], names: ['example.org', 'www.example.org'] }])
  await until('there is a new one', () => second.source.current()?.names.length === 2)
  const stranger = await startOrdering(t, directory.settings(store, '', 'other.example'))
  t.notSame(stranger.log[0]?.['instead'], ['example.org'], 'one for other names only does not count')
})

t.test('a directory that asks to come back later than an attempt lasts gets its order continued then', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  directory.isSlow = true
  directory.reply('finalize', { headers: { 'retry-after': '7200' }, body: { status: 'processing', finalize: 'https://127.0.0.1/f', authorizations: [] } })
  const { source } = await startOrdering(t, settings)
  await until('the attempt is over', () => source.problems.length > 0)
  t.match(source.problems[0]?.message, /asks for a pause of 7200 s/)
  const store = new AcmeStore(settings)
  t.ok(await store.readOrder(), 'the order stays')
  await until('the wait is stored', async () => ((await store.readState(Date.now())).wait ?? 0) >= 7_200_000)
})
