import { once } from 'node:events'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { Child } from '../support/children.js'
import { asClient, connectTls, get, makeSite } from '../support/mutual-tls.js'

const ROOT = join(import.meta.dirname, '../..')
const MANIFEST = join(ROOT, 'examples/kubernetes/example.yaml')

interface Volume {
  readonly name: string
  readonly secret?: { readonly secretName: string }
  readonly configMap?: { readonly name: string }
}

/** Of all kinds of objects together what is looked at here. */
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data: Record<string, string>
  readonly spec: {
    readonly secretName: string
    readonly ports: ReadonlyArray<{ readonly targetPort: number }>
    readonly template: { readonly spec: { readonly containers: readonly [Container], readonly volumes: readonly Volume[] } }
  }
}

interface Container {
  readonly env: ReadonlyArray<{ readonly name: string, readonly value: string }>
  readonly ports: ReadonlyArray<{ readonly name?: string, readonly containerPort: number }>
  readonly readinessProbe: Probe
  readonly livenessProbe: Probe
  readonly volumeMounts: ReadonlyArray<{ readonly name: string, readonly mountPath: string, readonly subPath?: string }>
}

interface Probe {
  readonly httpGet: { readonly path: string, readonly port: string }
}

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

t.test('the strings of the manifest serve its mounts and its probes, and a new line of the ConfigMap cuts a client', async (t) => {
  const objects = parseAllDocuments(await readFile(MANIFEST, 'utf8')).map((document) => document.toJS() as Manifest)
  const find = (kind: string, name = 'example'): Manifest => objects.find((object) => object.kind === kind && object.metadata.name === name) as Manifest
  const { containers: [container], volumes } = find('Deployment').spec.template.spec
  const endpoint = container.env.find(({ name }) => name === 'ENDPOINT')?.value as string
  const site = await makeSite(t)
  const revoked = find('ConfigMap', 'example-revoked').data['revoked.txt'] as string
  // What each volume holds, by its source.
  const contents: Record<string, Record<string, string>> = {
    [find('Certificate').spec.secretName]: { 'tls.key': site.server.key, 'tls.crt': site.server.chain },
    'example-clients': Object.fromEntries(Object.keys(find('ConfigMap', 'example-clients').data).map((file) => [file, site.ca.certificate])),
    'example-revoked': { 'revoked.txt': revoked }
  }
  const at = (path: string): string => path.replace('/etc/example', site.folder)
  const folders = new Map<string, string>()
  for (const { name, mountPath, subPath } of container.volumeMounts) {
    t.equal(subPath, undefined, 'Kubernetes never updates a file that is mounted alone')
    const { secret, configMap } = volumes.find((volume) => volume.name === name) as Volume
    const source = secret?.secretName ?? configMap?.name as string
    await mount(at(mountPath), '..1', contents[source] as Record<string, string>)
    folders.set(source, at(mountPath))
  }
  const [service, probes] = container.ports
  t.same(find('Service').spec.ports.map(({ targetPort }) => targetPort), [service?.containerPort], 'the Service leads to TLS alone')
  const strings = endpoint.replace(`tls:${service?.containerPort}:`, 'tls:0:interface=127.0.0.1:').replace(`tcp:${probes?.containerPort}`, 'tcp:0:interface=127.0.0.1')
  t.equal(strings.match(/:0:/g)?.length, 2, 'the ports of the strings are those of the container')
  const server = new Child(t, process.execPath, ['dist/examples/probes/second-endpoint.js'], { cwd: ROOT, env: { ...process.env, ENDPOINT: strings.replaceAll('/etc/example', site.folder) } })
  const port = Number((await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/))[1])
  const [, probePort] = await server.prints(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/)
  for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
    t.equal(httpGet.port, probes?.name)
    t.equal((await fetch(`http://127.0.0.1:${probePort}${httpGet.path}`)).status, 200, httpGet.path)
  }
  t.equal((await fetch(`http://127.0.0.1:${probePort}/`)).status, 404)
  const mallory = await connectTls(port, asClient(site, site.mallory))
  const cut = once(mallory.on('error', () => {}).resume(), 'close')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  await mount(folders.get('example-revoked') as string, '..2', { 'revoked.txt': revoked, 'mallory.pem': site.mallory.chain })
  await cut
  await t.rejects(get(port, asClient(site, site.mallory)))
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
})
