import { once } from 'node:events'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { LogCapture } from '../support/log.js'
import { find, mount, readManifests, type Manifest } from '../support/kubernetes.js'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Issued, type LeafOptions } from '../support/pki.js'
import { renewals, serverSerial } from '../support/renewal.js'

const manifests = await readManifests()

/** What cert-manager writes into the Secret of a Certificate. */
const KEYS = ['tls.key', 'tls.crt', 'ca.crt']

t.test('each Certificate has an Issuer in the manifests, and the Deployment mounts the Secret of the server', async (t) => {
  const ours = manifests.filter(({ apiVersion }) => apiVersion.startsWith('cert-manager'))
  t.same(ours.filter(({ apiVersion, kind }) => apiVersion !== 'cert-manager.io/v1' || !['Issuer', 'Certificate'].includes(kind)), [])
  const secrets = ours.filter(({ kind }) => kind === 'Certificate').map(({ spec }) => spec.secretName)
  t.equal(new Set(secrets).size, secrets.length, 'each has a Secret of its own')
  for (const { kind, metadata, spec } of ours) {
    if (kind === 'Certificate') t.ok(find(manifests, spec.issuerRef.kind, spec.issuerRef.name), metadata.name)
    else if (spec.selfSigned === undefined) {
      const authority = ours.find((one) => one.kind === 'Certificate' && one.spec.secretName === spec.ca?.secretName) as Manifest
      t.match(authority.spec, { isCA: true, usages: ['cert sign', 'crl sign'], privateKey: { rotationPolicy: 'Never' } })
    }
  }
  const [server, client] = [find(manifests, 'Certificate'), find(manifests, 'Certificate', 'example-client')]
  t.same(server.spec.issuerRef, client.spec.issuerRef, 'ca.crt of the one is the authority of the other')
  const { containers: [{ env, volumeMounts }], volumes } = find(manifests, 'Deployment').spec.template.spec
  const volume = volumes.find(({ secret }) => secret?.secretName === server.spec.secretName)
  const folder = volumeMounts.find(({ name }) => name === volume?.name)?.mountPath as string
  const named = env.find(({ name }) => name === 'ENDPOINT')?.value.match(/(?<=(privateKey|certKey|authorities)=)[^:\n]*/g)
  t.same(named, KEYS.map((key) => `${folder}/${key}`))
})

const EXTENDED: Record<string, NonNullable<LeafOptions['usage']>> = { 'server auth': 'server', 'client auth': 'client' }

/** The extended key usage that a Certificate asks for. */
function usageOf ({ spec }: Manifest): NonNullable<LeafOptions['usage']> {
  const [usage, ...others] = spec.usages.flatMap((usage) => EXTENDED[usage] ?? [])
  if (usage === undefined || others.length > 0) throw new Error(`${spec.usages.join(', ')} is not one extended key usage`)
  return usage
}

t.test('the issued certificates work for server and clients, and renewals take effect without a restart, of the authority too', async (t) => {
  const site = await makeSite(t)
  const [serverUsage, clientUsage] = [usageOf(find(manifests, 'Certificate')), usageOf(find(manifests, 'Certificate', 'example-client'))]
  const secret = async (version: string, ca = site.ca): Promise<Issued> => {
    const issued = await ca.issue({ name: 'localhost', usage: serverUsage, dnsNames: ['localhost'] })
    await mount(site.path('tls'), version, { 'tls.key': issued.key, 'tls.crt': issued.chain, 'ca.crt': ca.certificate })
    return issued
  }
  const first = await secret('..1')
  const log = new LogCapture()
  const [key, crt, ca] = KEYS.map((key) => quoteEndpointArgument(site.path(`tls/${key}`)))
  const { port } = await startApp(t, `tls:0:interface=127.0.0.1:privateKey=${key}:certKey=${crt}:authorities=${ca}:revokedFile=${quoteEndpointArgument(site.path('revoked.txt'))}`, undefined, { logger: log.logger })
  const client = asClient(site, await site.ca.issue({ name: 'example-client', usage: clientUsage }))
  t.equal((await get(port, client)).status, 200)
  t.equal(await serverSerial(port, site), first.x509.serialNumber)
  await t.rejects(get(port, asClient(site, first)), 'a server certificate is not accepted from a client')
  t.equal((await get(port, asClient(site, await site.ca.issue({ name: 'without usages' })))).status, 200, 'without usages it would be accepted')

  const second = await secret('..2')
  await renewals(log, 1)
  t.equal(await serverSerial(port, site), second.x509.serialNumber)

  const open = await connectTls(port, client)
  const renewed = await createAuthority({ name: 'Test CA', keyPair: site.ca.keyPair })
  await secret('..3', renewed)
  await renewals(log, 2)
  open.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.match(String((await once(open, 'data'))[0]), /200 OK/, 'connected clients stay connected')
  open.destroy()
  t.equal((await get(port, client)).status, 200, 'whose certificate is from before')
  t.equal((await get(port, asClient(site, await renewed.issue({ name: 'next', usage: clientUsage })))).status, 200)
})
