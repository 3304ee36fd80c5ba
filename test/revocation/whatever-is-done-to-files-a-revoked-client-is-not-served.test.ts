/** What operators and their tools do to the files of a list, while a client that stays revoked asks again and again. */
import { execFileSync } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { hasProgram } from '../support/programs.js'
import { until } from '../support/until.js'

/** Connects until it is stopped, and counts how often it was served. */
class Visitor {
  served = 0
  #isOver = false
  readonly #knocked = new EventEmitter()
  readonly #done: Promise<void>

  constructor (port: number, site: Site, leaf: Site['mallory']) {
    this.#done = this.#knock(port, site, leaf)
  }

  async #knock (port: number, site: Site, leaf: Site['mallory']): Promise<void> {
    while (!this.#isOver) {
      await get(port, asClient(site, leaf)).then(() => { this.served++ }, () => {})
      this.#knocked.emit('knock')
    }
  }

  /** Resolves after so many more knocks. */
  async knocks (count: number): Promise<void> {
    for (let knocks = 0; knocks < count; knocks++) await once(this.#knocked, 'knock')
  }

  async end (): Promise<number> {
    this.#isOver = true
    await this.#done
    return this.served
  }
}

/** Knocks that take longer than a change takes to be seen. */
const A_WHILE = 12

async function start (t: Test, list: string, prepare: (site: Site) => Promise<void> | void): Promise<{ site: Site, visitor: Visitor, isGoodServed: () => Promise<boolean> }> {
  const site = await makeSite(t)
  await prepare(site)
  writeFileSync(site.path('revoked.txt'), list)
  const { port } = await startApp(t, site.endpoint())
  const visitor = new Visitor(port, site, site.mallory)
  await visitor.knocks(1)
  return { site, visitor, isGoodServed: async () => (await get(port, asClient(site, site.alice))).status === 200 }
}

t.test('a revoked client is rejected while files are moved, unpacked, installed and renamed', async (t) => {
  if (!hasProgram(t, 'tar')) return
  const { site, visitor, isGoodServed } = await start(t, 'a/*.pem\nb/*.pem\nb/*.crt\n', async (site) => {
    for (const folder of ['a', 'b']) mkdirSync(site.path(folder))
    const others = await Promise.all(Array.from({ length: 6 }, (_, index) => site.ca.issue({ name: `device ${index}`, usage: 'client' })))
    for (const [index, { certificate }] of others.entries()) writeFileSync(join(site.path('a'), `${index}.pem`), certificate)
    writeFileSync(join(site.path('a'), 'mallory.pem'), site.mallory.certificate)
    execFileSync('tar', ['-cf', site.path('a.tar'), '-C', site.path('a'), '.'])
  })
  const move = (from: string, to: string, ending: string): void => {
    for (const name of readdirSync(site.path(from))) renameSync(join(site.path(from), name), join(site.path(to), name.replace(/\..*$/, ending)))
  }
  for (let times = 0; times < 2; times++) {
    execFileSync('sh', ['-c', 'mv a/*.pem b/'], { cwd: site.folder })
    await visitor.knocks(A_WHILE)
    move('b', 'b', '.crt')
    await visitor.knocks(A_WHILE)
    move('b', 'a', '.pem')
    await visitor.knocks(A_WHILE)
    execFileSync('tar', ['-xf', site.path('a.tar'), '-C', site.path('a')])
    await visitor.knocks(A_WHILE)
    execFileSync('install', [join(site.path('a'), 'mallory.pem'), join(site.path('b'), 'mallory.pem')])
    rmSync(join(site.path('a'), 'mallory.pem'))
    await visitor.knocks(A_WHILE)
    execFileSync('install', ['-m', '0600', join(site.path('b'), 'mallory.pem'), join(site.path('a'), 'mallory.pem')])
    rmSync(join(site.path('b'), 'mallory.pem'))
    await visitor.knocks(A_WHILE)
  }
  t.ok(await isGoodServed())
  t.equal(await visitor.end(), 0)
})

t.test('a revoked client is rejected while CRLs are written into one file in two steps', async (t) => {
  const other = await createAuthority({ name: 'Other' })
  const crlOf = (site: Site, number: number): string => makeCrl(site.ca, { number, entries: [{ serial: serialOf(site.mallory.der) }] }).pem
  const { site, visitor, isGoodServed } = await start(t, 'crls/*.crl\n', (site) => {
    writeFileSync(site.path('ca.pem'), other.certificate + site.ca.certificate)
    mkdirSync(site.path('crls'))
    writeFileSync(site.path('other.crl'), makeCrl(other).pem)
    writeFileSync(site.path('mine.crl'), crlOf(site, 1))
    execFileSync('sh', ['-c', 'cat other.crl mine.crl > crls/all.crl'], { cwd: site.folder })
  })
  for (const number of [1, 2]) {
    writeFileSync(site.path('mine.crl'), crlOf(site, number))
    execFileSync('sh', ['-c', 'openssl crl -in other.crl > crls/all.crl'], { cwd: site.folder })
    await visitor.knocks(2 * A_WHILE)
    execFileSync('sh', ['-c', 'openssl crl -in mine.crl >> crls/all.crl'], { cwd: site.folder })
    await visitor.knocks(A_WHILE)
  }
  renameSync(site.path('crls/all.crl'), site.path('crls/all.crl.old'))
  await visitor.knocks(2 * A_WHILE)
  t.ok(await isGoodServed())
  t.equal(await visitor.end(), 0)
})

t.test('a revoked client is rejected while the list is written in two steps and truncated', async (t) => {
  const { site, visitor, isGoodServed } = await start(t, '# devices\nmallory.pem\n', () => {})
  for (const step of ['# devices\n', '# devices\nmallory.p', '# devices\nmallory.pem\n', '# devices\nm*.pem\n', '# devices\nm*.', '# devices\nmallory.pem']) {
    writeFileSync(site.path('revoked.txt'), step)
    await visitor.knocks(A_WHILE)
  }
  t.ok(await isGoodServed())
  t.equal(await visitor.end(), 0)
})

t.test('a revoked client is rejected while a file is renamed endlessly', async (t) => {
  const { site, visitor, isGoodServed } = await start(t, 'a/*.pem\nb/*.pem\nb/*.crt\n', (site) => {
    for (const folder of ['a', 'b']) mkdirSync(site.path(folder))
    renameSync(site.path('mallory.pem'), site.path('a/1.pem'))
  })
  const places = ['a/1.pem', 'a/2.pem', 'b/1.pem', 'b/1.crt'].map(site.path)
  let at = 0
  let isOver = false
  setImmediate(function rename () {
    const next = (at + 1) % places.length
    renameSync(places[at] as string, places[next] as string)
    at = next
    if (!isOver) setImmediate(rename)
  })
  await visitor.knocks(5 * A_WHILE)
  t.ok(await isGoodServed())
  isOver = true
  await visitor.knocks(A_WHILE)
  t.equal(await visitor.end(), 0)
})

t.test('a client whose line is removed is served again after two seconds', async (t) => {
  const site = await makeSite(t)
  await site.revoke(`${quoteEndpointArgument('mallory')}.pem`)
  const { port, app } = await startApp(t, site.endpoint())
  await t.rejects(get(port, asClient(site, site.mallory)))
  const began = performance.now()
  writeFileSync(site.path('revoked.txt'), '# nobody\n')
  const visitor = new Visitor(port, site, site.mallory)
  await until('mallory is served', () => visitor.served > 0)
  t.ok(performance.now() - began > 2000)
  await visitor.end()
  t.equal(app.endpoint.health().status, 'ready')
})
