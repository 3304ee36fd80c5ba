import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { DiskCalls, untilAtRest } from '../support/disk-calls.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp, type RunningApp, type Site } from '../support/mutual-tls.js'
import { withNames, type NamesSite } from '../support/names.js'
import { createAuthority } from '../support/pki.js'
import { renewals } from '../support/renewal.js'

interface Sharing extends RunningApp {
  readonly site: Site
  readonly names: NamesSite
  readonly calls: DiskCalls
  readonly log: LogCapture
  /** All files and folders that are read. */
  readonly paths: readonly string[]
}

/** Three endpoints with the same authorities: two share a key pair and names, one has its own key pair in one file. */
async function startSharing (t: Test): Promise<Sharing> {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test', 'two.test')
  await renewOwn(site)
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const ca = `:authorities=${named('ca.pem')}`
  const sni = `:sni=${quoteEndpointArgument(names.folder)}`
  const paths = ['ca.pem', 'server.key', 'server.pem', 'own.pem', 'sni', 'sni/one.test.pem', 'sni/two.test.pem'].map((name) => site.path(name))
  await untilAtRest(...paths)
  const calls = DiskCalls.count(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, [
    site.endpoint(ca + sni),
    site.endpoint(ca + sni),
    `tls:0:interface=127.0.0.1:privateKey=${named('own.pem')}:certKey=${named('own.pem')}${ca}`
  ], undefined, { logger: log.logger })
  return { site, names, app, port, calls, log, paths }
}

/** In one step. */
async function renewOwn (site: Site): Promise<void> {
  const { key, chain } = await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('own.new'), key + chain)
  await rename(site.path('own.new'), site.path('own.pem'))
}

t.test('a file that endpoints share is read once for all of them, at the start and at a reload', async (t) => {
  const { app, calls, paths } = await startSharing(t)
  for (const path of paths) t.equal(calls.reads.of(path), 1, path)
  calls.forget()
  await app.endpoint.reload()
  // The contents of a folder are read when it has changed.
  for (const path of paths) t.equal(calls.reads.of(path), path.includes('test.pem') ? 0 : 1, path)
})

t.test('changed authorities are read once, and come into force on all endpoints in one step', async (t) => {
  const { site, calls, log } = await startSharing(t)
  const other = await createAuthority({ name: 'Other' })
  await writeFile(site.path('new.pem'), site.ca.certificate + other.certificate)
  calls.forget()
  await rename(site.path('new.pem'), site.path('ca.pem'))
  await renewals(log, 1)
  await setImmediate()
  t.equal(log.about('credentials reloaded').length, 3)
  t.equal(calls.reads.of(site.path('ca.pem')), 1)
})

t.test('authorities that change while a key pair is read come into force on all endpoints in the same step', async (t) => {
  const { site, calls, log } = await startSharing(t)
  const other = await createAuthority({ name: 'Other' })
  await writeFile(site.path('new.pem'), site.ca.certificate + other.certificate)
  calls.forget()
  // The authorities are read after the key.
  const replaced = calls.reads.reach(site.path('own.pem'), 1).then(() => { renameSync(site.path('new.pem'), site.path('ca.pem')) })
  await renewOwn(site)
  await replaced
  await renewals(log, 1)
  await setImmediate()
  t.equal(log.about('credentials reloaded').length, 3)
})

t.test('a changed name in a folder that endpoints share is read once', async (t) => {
  const { site, names, calls, log } = await startSharing(t)
  calls.forget()
  await names.put('one.test')
  await renewals(log, 1)
  await setImmediate()
  t.equal(log.about('credentials reloaded').length, 2)
  t.equal(calls.reads.of(site.path('sni/one.test.pem')), 1)
  t.equal(calls.reads.of(site.path('sni/two.test.pem')), 0)
})

t.test('shared files are checked no more often than the files of one endpoint, and their folders are watched once', async (t) => {
  const { site, names, calls, paths } = await startSharing(t)
  await calls.watches.reach(names.folder, 1)
  t.equal(calls.watches.of(site.folder), 1)
  await calls.looks.reach(site.path('own.pem'), 1)
  await setImmediate()
  calls.forget()
  await calls.looks.reach(site.path('own.pem'), 2)
  // All checks of a round start in one turn.
  await setImmediate()
  for (const path of paths.filter((path) => path !== names.folder)) t.equal(calls.looks.of(path), 2, path)
})

t.test('a change for one endpoint does not reload the files of the others', async (t) => {
  const { site, names, calls, log } = await startSharing(t)
  calls.forget()
  await renewOwn(site)
  await renewals(log, 1)
  await setImmediate()
  t.equal(log.about('credentials reloaded').length, 1)
  for (const file of ['server.key', 'server.pem', 'sni', 'sni/one.test.pem']) t.equal(calls.reads.of(site.path(file)), 0, file)
  t.equal(calls.reads.of(site.path('own.pem')), 1)
  await names.remove('two.test.pem')
  while (log.about('credentials reloaded').length < 3) await once(log, 'line')
})
