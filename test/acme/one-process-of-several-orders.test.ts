/** The lease: one owner at a time, taken over from a process that has ended. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Lease } from '../../lib/acme/lease.js'
import { AcmeStore } from '../../lib/acme/store.js'
import { quoteEndpointArgument } from '../../lib/index.js'
import { MACHINE } from '../../lib/lock-file.js'
import { startOrderingApp } from '../support/acme-app.js'
import { FakeDirectory, startOrdering } from '../support/fake-directory.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

t.test('one of many gets the lease, and the next one after it', async (t) => {
  const path = join(makeShortFolder(t), 'lease')
  const leases = Array.from({ length: 8 }, () => new Lease(path, 60_000))
  for (let round = 0; round < 5; round++) {
    const got = await Promise.all(leases.map((lease) => lease.acquire()))
    t.equal(got.filter(Boolean).length, 1)
    const owner = leases[got.indexOf(true)] as Lease
    t.ok(await owner.isOwned())
    await owner.release()
    t.notOk(await owner.isOwned())
  }
})

t.test('the lease of a process of this machine that has ended is taken over at once', async (t) => {
  const folder = makeShortFolder(t)
  const path = join(folder, 'lease')
  const child = spawn(process.execPath, ['--eval', ''])
  const { pid } = child
  await once(child, 'exit')
  await writeFile(path, JSON.stringify({ token: 'old', pid, host: 'here', machine: MACHINE }))
  const leases = Array.from({ length: 5 }, () => new Lease(path, 60_000))
  const got = await Promise.all(leases.map((lease) => lease.acquire()))
  t.equal(got.filter(Boolean).length, 1, 'by one')
  for (const lease of leases) await lease.release()
  t.same(await readdir(folder), [])
})

t.test('a container with the same host name and the same pid is another machine', { skip: process.platform !== 'linux' && 'only Linux tells them apart' }, async (t) => {
  const path = join(makeShortFolder(t), 'lease')
  for (const machine of [hostname(), MACHINE.replace(/\d+\]$/, '1]')]) {
    await writeFile(path, JSON.stringify({ token: 'other', pid: process.pid, host: hostname(), machine }))
    t.notOk(await new Lease(path, 60_000).acquire())
  }
})

t.test('the lease of another machine is taken over when nobody has touched it for its life, whatever the clocks say', async (t) => {
  const path = join(makeShortFolder(t), 'lease')
  const lease = new Lease(path, 300)
  for (const text of [JSON.stringify({ token: 'other', pid: 1, host: 'elsewhere.example' }), '{"tok', '']) {
    await writeFile(path, text)
    const future = new Date(Date.now() + 3_600_000)
    await utimes(path, future, future)
    t.notOk(await lease.acquire(), 'the first look does not tell')
    const past = new Date(0)
    await utimes(path, past, past)
    t.notOk(await lease.acquire(), 'it was touched')
    await until('it is abandoned', () => lease.acquire())
    await lease.release()
  }
})

t.test('an owner touches its lease, and sees when it has lost it', async (t) => {
  const path = join(makeShortFolder(t), 'lease')
  const owner = new Lease(path, 120)
  const other = new Lease(path, 60_000)
  t.ok(await owner.acquire())
  await utimes(path, new Date(0), new Date(0))
  await until('it was touched', async () => (await import('node:fs/promises')).stat(path).then(({ mtimeMs }) => mtimeMs > 0))
  t.notOk(await other.acquire())
  await writeFile(path, JSON.stringify({ token: 'other', pid: 1, host: 'elsewhere.example' }))
  t.notOk(await owner.isOwned())
  await owner.release()
  t.match(await readFile(path, 'utf8'), /elsewhere/, 'it does not remove the lease of another')
})

t.test('an owner that is taken over while it releases its lease does not remove the next one', async (t) => {
  const folder = makeShortFolder(t)
  const path = join(folder, 'lease')
  const next = JSON.stringify({ token: 'next', pid: 1, host: 'elsewhere.example' })
  for (let round = 0; round < 200; round++) {
    const owner = new Lease(path, 60_000)
    t.ok(await owner.acquire())
    await writeFile(join(folder, 'next'), next)
    // At another moment of the release in each round.
    const taken = (async () => {
      for (let turns = round % 20; turns > 0; turns--) await new Promise(setImmediate)
      await rename(join(folder, 'next'), path)
    })()
    await Promise.all([owner.release(), taken])
    if (await readFile(path, 'utf8').catch(() => '') !== next) t.fail(`it was removed in round ${round}`)
    await rm(path, { force: true })
  }
})

t.test('of two that share a store one orders, and both have the certificate', async (t) => {
  const directory = await FakeDirectory.start(t)
  const settings = directory.settings(makeShortFolder(t))
  const [one, other] = await Promise.all([startOrdering(t, settings), startOrdering(t, settings)])
  await until('both have it', () => one.source.current() !== undefined && other.source.current() !== undefined)
  t.equal(directory.count('order'), 1)
  t.equal(one.source.current()?.chain[0]?.fingerprint256, other.source.current()?.chain[0]?.fingerprint256)
  t.same([one.source.problems, other.source.problems], [[], []])
  await one.source.close()
  const again = await startOrdering(t, settings)
  t.ok(again.source.current(), 'a restart takes it from the store')
  t.equal(directory.count('order'), 1)
})

t.test('an app that has closed during an order has released the lease', async (t) => {
  const directory = await FakeDirectory.start(t)
  directory.always.set('order', { isSilent: true })
  const settings = directory.settings(makeShortFolder(t))
  const quoted = [settings.store, `${directory.url}/dir`, directory.caFile].map(quoteEndpointArgument)
  const { app } = await startOrderingApp(t, [
    `tls:0:interface=127.0.0.1:acme=example.org:acmeTerms=agreed:acmeStore=${quoted[0]}:acmeDirectory=${quoted[1]}:acmeCa=${quoted[2]}`
  ])
  await until('the directory is asked', () => directory.count('order') > 0)
  const lease = join(new AcmeStore(settings).directoryFolder, 'lease')
  t.ok(existsSync(lease))
  await app.close()
  t.notOk(existsSync(lease), 'so another process can continue at once')
})
