import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher, stateAfter } from '../support/watching.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })

function revokes (watcher: RevocationWatcher, ...expected: Issued[]): boolean {
  return watcher.set.size === expected.length && expected.every(({ der }) => watcher.set.find(identifyCertificate(der)) !== undefined)
}

/** Replaces a link in one step, as `ln -sfn` does not and the kubelet does. */
function point (link: string, target: string): void {
  symlinkSync(target, `${link}_tmp`)
  renameSync(`${link}_tmp`, link)
}

/**
 * What the kubelet's AtomicWriter does with a ConfigMap or a Secret, in its order: a new folder of data,
 * a new link to it renamed over the old one, links for new names, links of old names away, the old
 * folder away.
 */
function publish (volume: string, version: string, files: Record<string, string>, before: { version: string, names: string[] } | undefined): void {
  mkdirSync(join(volume, `..${version}`))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(volume, `..${version}`, name), content)
  point(join(volume, '..data'), `..${version}`)
  const names = before?.names ?? []
  for (const name of Object.keys(files)) {
    if (!names.includes(name)) symlinkSync(join('..data', name), join(volume, name))
  }
  for (const name of names) {
    if (!(name in files)) rmSync(join(volume, name))
  }
  if (before !== undefined) rmSync(join(volume, `..${before.version}`), { recursive: true })
}

t.test('repeated updates of a Kubernetes volume are seen', async (t) => {
  const volume = makeTestFolder(t)
  const list = 'revoked-*.pem\n'
  publish(volume, '1', { 'revoked.txt': list, 'revoked-a.pem': alice.certificate }, undefined)
  const watcher = await startWatcher(t, { file: join(volume, 'revoked.txt') })
  t.ok(revokes(watcher, alice))

  await stateAfter(watcher, 'swapped', () => publish(volume, '2', { 'revoked.txt': list, 'revoked-a.pem': bob.certificate }, { version: '1', names: ['revoked.txt', 'revoked-a.pem'] }), () => revokes(watcher, bob))
  await stateAfter(watcher, 'swapped', () => publish(volume, '3', { 'revoked.txt': list, 'revoked-a.pem': bob.certificate, 'revoked-b.pem': alice.certificate }, { version: '2', names: ['revoked.txt', 'revoked-a.pem'] }), () => revokes(watcher, alice, bob))
  await stateAfter(watcher, 'swapped', () => publish(volume, '4', { 'revoked.txt': list, 'revoked-b.pem': alice.certificate }, { version: '3', names: ['revoked.txt', 'revoked-a.pem', 'revoked-b.pem'] }), () => revokes(watcher, alice))
  await stateAfter(watcher, 'swapped', () => publish(volume, '5', { 'revoked.txt': '# none\n', 'revoked-b.pem': alice.certificate }, { version: '4', names: ['revoked.txt', 'revoked-b.pem'] }), () => revokes(watcher))
  t.same(watcher.problems, [])
})

t.test('updates are seen when the list and its files are in two volumes', async (t) => {
  const folder = makeTestFolder(t, { config: {}, secrets: {} })
  publish(join(folder, 'config'), '1', { 'revoked.txt': '../secrets/*.pem' }, undefined)
  publish(join(folder, 'secrets'), '1', { 'a.pem': alice.certificate }, undefined)
  const watcher = await startWatcher(t, { file: join(folder, 'config', 'revoked.txt') })
  await stateAfter(watcher, 'swapped', () => publish(join(folder, 'secrets'), '2', { 'a.pem': bob.certificate }, { version: '1', names: ['a.pem'] }), () => revokes(watcher, bob))
})

t.test('a change is seen when a linked folder above the list points elsewhere', async (t) => {
  const folder = makeTestFolder(t, {
    v1: { etc: { 'revoked.txt': '*.pem', 'a.pem': alice.certificate } },
    v2: { etc: { 'revoked.txt': '*.pem', 'a.pem': bob.certificate } }
  })
  symlinkSync('v1', join(folder, 'current'))
  const watcher = await startWatcher(t, { file: join(folder, 'current', 'etc', 'revoked.txt') })
  t.ok(revokes(watcher, alice))
  await stateAfter(watcher, 'swapped', () => point(join(folder, 'current'), 'v2'), () => revokes(watcher, bob))
  await stateAfter(watcher, 'swapped', () => point(join(folder, 'current'), 'v1'), () => revokes(watcher, alice))
})

t.test('a change is seen when a linked folder above the files points elsewhere', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'current/*.pem', v1: { 'a.pem': alice.certificate }, v2: { 'a.pem': bob.certificate } })
  symlinkSync('v1', join(folder, 'current'))
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt') })
  await stateAfter(watcher, 'swapped', () => point(join(folder, 'current'), 'v2'), () => revokes(watcher, bob))
})

t.test('a write in place to one of many link targets is seen, in a folder that is not watched', async (t) => {
  const names = Array.from({ length: 100 }, (_, index) => `${index}.pem`)
  const folder = makeTestFolder(t, { 'revoked.txt': 'certs/*.pem', certs: {}, store: Object.fromEntries(names.map((name) => [name, alice.certificate])) })
  for (const name of names) symlinkSync(join('..', 'store', name), join(folder, 'certs', name))
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt') })
  for (const name of ['7.pem', '99.pem']) {
    await stateAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'store', name), bob.certificate), () => revokes(watcher, alice, bob))
    await stateAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'store', name), alice.certificate), () => revokes(watcher, alice))
  }
})

t.test('a new file with a plain name is seen in a folder that a wildcard matches', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'tenants/*/revoked.pem', tenants: { a: {}, b: { 'revoked.pem': alice.certificate } } })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt') })
  await stateAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'tenants', 'a', 'revoked.pem'), bob.certificate), () => revokes(watcher, alice, bob))
})

t.test('a new folder is seen below a folder that a wildcard matches', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': 'tenants/*/certs/*.pem', tenants: { a: {} } })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt') })
  await stateAfter(watcher, 'swapped', () => {
    mkdirSync(join(folder, 'tenants', 'a', 'certs'))
    writeFileSync(join(folder, 'tenants', 'a', 'certs', 'x.pem'), bob.certificate)
  }, () => revokes(watcher, bob))
})
