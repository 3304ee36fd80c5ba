import { once } from 'node:events'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'

const MANIFEST = join(import.meta.dirname, '../../examples/kubernetes/example.yaml')

/** Mounts files as the kubelet does: links to a folder behind `..data`, which is swapped as a whole. */
async function mount (folder: string, version: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(folder, version), { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, version, name), content)
    await symlink(join('..data', name), join(folder, name)).catch((error) => { if (error.code !== 'EEXIST') throw error })
  }
  await symlink(version, join(folder, '..next'))
  await rename(join(folder, '..next'), join(folder, '..data'))
}

t.test('the string of the manifest serves the mounts of the manifest, and a new line of the ConfigMap cuts a client', async (t) => {
  const manifest = await readFile(MANIFEST, 'utf8')
  const [, endpoint] = /name: ENDPOINT\n +value: (\S+)/.exec(manifest) as unknown as [string, string]
  const mounts = [...manifest.matchAll(/mountPath: (\S+),/g)].map(([, path]) => path as string)
  t.same(mounts, ['/etc/example/tls', '/etc/example/clients', '/etc/example/revoked'])
  const site = await makeSite(t)
  const at = (path: string): string => path.replace('/etc/example', site.folder)
  await mount(at('/etc/example/tls'), '..1', { 'tls.key': site.server.key, 'tls.crt': site.server.chain })
  await mount(at('/etc/example/clients'), '..1', { 'clients-ca.pem': site.ca.certificate })
  await mount(at('/etc/example/revoked'), '..1', { 'revoked.txt': '*.pem\n' })
  const { port } = await startApp(t, endpoint.replace('tls:8443:', 'tls:0:interface=127.0.0.1:').replaceAll('/etc/example', site.folder))
  const mallory = await connectTls(port, asClient(site, site.mallory))
  const cut = once(mallory.on('error', () => {}).resume(), 'close')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  await mount(at('/etc/example/revoked'), '..2', { 'revoked.txt': '*.pem\n', 'mallory.pem': site.mallory.chain })
  await cut
  await t.rejects(get(port, asClient(site, site.mallory)))
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
})
