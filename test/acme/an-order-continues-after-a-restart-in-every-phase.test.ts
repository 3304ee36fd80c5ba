/** A process may end at any moment: the next one continues the order, with the same key, and orders nothing twice. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { OrderInterrupted } from '../../lib/acme/failure.js'
import { AcmeStore } from '../../lib/acme/store.js'
import { FakeDirectory, PROBLEM, SingleOrders, startOrdering } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const DAY = 24 * 60 * 60 * 1000

t.test('an order that is interrupted at any step is continued', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.isSlow = true
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  const phases = new Set<string>()
  for (let step = 1; ; step++) {
    const settings = directory.settings(makeShortFolder(t))
    const before = directory.count('order')
    let calls = 0
    const outcome = await orders.order(settings, {
      demandLease: async () => { if (++calls === step) throw new OrderInterrupted() }
    }).catch((thrown: unknown) => thrown)
    if (!(outcome instanceof OrderInterrupted)) break
    const store = new AcmeStore(settings)
    const open = await store.readOrder()
    const { names } = await orders.order(settings)
    t.same(names, ['example.org'], `interrupted at step ${step}`)
    t.equal(directory.count('order') - before, 1, 'one order was made')
    const pem = await readFile(store.certificatePath, 'utf8')
    if (open !== undefined) t.ok(pem.startsWith(open.key.trim()), 'with the key that was stored before')
    phases.add(open === undefined ? 'before the order' : open.challenges.length > 0 ? 'with challenges' : 'without challenges')
  }
  t.same([...phases], ['before the order', 'without challenges', 'with challenges'])
})

t.test('an order that the directory has forgotten, or given up, is begun again', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  for (const [what, reply] of [
    ['forgotten', { status: 404, body: { type: `${PROBLEM}malformed`, detail: 'No order for ID 7' } }],
    ['given up', { body: { status: 'invalid', finalize: 'https://127.0.0.1/f', authorizations: [] } }]
  ] as const) {
    const settings = directory.settings(makeShortFolder(t))
    let calls = 0
    await orders.order(settings, { demandLease: async () => { if (++calls === 2) throw new OrderInterrupted() } }).catch(() => {})
    const before = directory.count('order')
    directory.reply('look', reply)
    t.same((await orders.order(settings)).names, ['example.org'], what)
    t.equal(directory.count('order') - before, 1)
  }
})

t.test('the order of a certificate that is in force is not continued when that is renewed', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const orders = new SingleOrders(t, settings, directory.authority.certificate)
  directory.life = { before: 80 * DAY, after: 10 * DAY }
  await orders.order(settings)
  const store = new AcmeStore(settings)
  // The process ended before it removed the order. A third order would show that the first one was continued.
  t.ok(await store.readOrder())
  directory.life = { before: DAY, after: 90 * DAY }
  const { source, log } = await startOrdering(t, settings)
  await until('it is renewed', () => Number(source.current()?.notAfter) > Date.now() + 50 * DAY)
  await until('the order is over', () => log.some(({ msg }) => msg === 'certificate issued'))
  t.equal(directory.count('order'), 2)
  t.notOk(log.some(({ msg }) => msg === 'certificate order continued'))
})

t.test('an order that is not ready yet is looked at again', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  directory.reply('finalize', { status: 403, body: { type: `${PROBLEM}orderNotReady`, detail: 'a moment' } })
  t.ok(await orders.order(directory.settings(makeShortFolder(t))))
  t.equal(directory.count('finalize'), 2)
})

t.test('a nonce that is refused is replaced', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  const bad = { status: 400, body: { type: `${PROBLEM}badNonce`, detail: 'stale' } }
  directory.reply('order', bad, bad)
  directory.reply('finalize', bad)
  t.ok(await orders.order(directory.settings(makeShortFolder(t))))
  directory.always.set('order', bad)
  t.match(await orders.failure(directory.settings(makeShortFolder(t))), { code: 'FST_ENDPOINT_ACME_FAILED', message: /stale/ }, 'but not for ever')
})

t.test('an order is made without `replaces` if the directory refuses that', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  directory.reply('order', { status: 409, body: { type: `${PROBLEM}alreadyReplaced`, detail: 'already has a replacement order' } })
  t.ok(await orders.order(directory.settings(makeShortFolder(t)), { replaces: 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE' }))
  t.same(directory.calls.filter(({ resource }) => resource === 'order').map(({ payload }) => payload['replaces']), ['aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE', undefined])
})

t.test('a damaged order is put aside and begun again', async (t) => {
  const directory = await FakeDirectory.start(t)
  const orders = new SingleOrders(t, directory.settings('/unused'), directory.authority.certificate)
  const settings = directory.settings(makeShortFolder(t))
  const store = new AcmeStore(settings)
  await store.open()
  await store.write('order.json', '{"url":"https://127.0.0.1/o","fina')
  t.ok(await orders.order(settings))
  t.equal(await readFile(join(store.folder, 'order.json.damaged'), 'utf8'), '{"url":"https://127.0.0.1/o","fina')
})
