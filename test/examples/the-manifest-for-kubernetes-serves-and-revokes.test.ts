import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { Child } from '../support/children.js'
import { find as findIn, mount, readManifests, type Manifest, type Volume } from '../support/kubernetes.js'
import { asClient, connectTls, get, makeSite } from '../support/mutual-tls.js'

const ROOT = join(import.meta.dirname, '../..')

t.test('the strings of the manifest work with its mounts and probes, and a new line in the ConfigMap closes the connections of a client', async (t) => {
  const manifests = await readManifests()
  const find = (kind: string, name?: string): Manifest => findIn(manifests, kind, name)
  const { containers: [container], volumes } = find('Deployment').spec.template.spec
  const endpoint = container.env.find(({ name }) => name === 'ENDPOINT')?.value as string
  const site = await makeSite(t)
  const revoked = find('ConfigMap', 'example-revoked').data['revoked.txt'] as string
  // What each volume holds, by its source.
  const contents: Record<string, Record<string, string>> = {
    [find('Certificate').spec.secretName]: { 'tls.key': site.server.key, 'tls.crt': site.server.chain, 'ca.crt': site.ca.certificate },
    'example-revoked': { 'revoked.txt': revoked }
  }
  const at = (path: string): string => path.replace('/etc/example', site.folder)
  const folders = new Map<string, string>()
  for (const { name, mountPath, subPath } of container.volumeMounts) {
    t.equal(subPath, undefined, 'Kubernetes never updates a file that is mounted by itself')
    const { secret, configMap } = volumes.find((volume) => volume.name === name) as Volume
    const source = secret?.secretName ?? configMap?.name as string
    await mount(at(mountPath), '..1', contents[source] as Record<string, string>)
    folders.set(source, at(mountPath))
  }
  const [service, probes] = container.ports
  t.same(find('Service').spec.ports.map(({ targetPort }) => targetPort), [service?.containerPort], 'the Service leads only to TLS')
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
