import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { run } from '../support/programs.js'
import { renewals, serverSerial } from '../support/renewal.js'

async function renewed (site: Site): Promise<Issued> {
  return await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
}

t.test('cp overwrites the files in place, the key first', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.equal(await serverSerial(port, site), site.server.x509.serialNumber)
  const next = await renewed(site)
  await writeFile(site.path('next.key'), next.key)
  await writeFile(site.path('next.pem'), next.chain)
  await copyFile(site.path('next.key'), site.path('server.key'))
  await copyFile(site.path('next.pem'), site.path('server.pem'))
  await renewals(log, 1)
  t.equal(await serverSerial(port, site), next.x509.serialNumber)
})

t.test('atomic renames replace the files, the certificate first', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const next = await renewed(site)
  await writeFile(site.path('next.key'), next.key)
  await writeFile(site.path('next.pem'), next.chain)
  await rename(site.path('next.pem'), site.path('server.pem'))
  await rename(site.path('next.key'), site.path('server.key'))
  await renewals(log, 1)
  t.equal(await serverSerial(port, site), next.x509.serialNumber)
})

t.test('certbot points the links in live/ to the next files in archive/, one by one', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('archive'))
  const archive = async (number: number, { chain, key }: Issued): Promise<void> => {
    await writeFile(site.path(`archive/fullchain${number}.pem`), chain)
    await writeFile(site.path(`archive/privkey${number}.pem`), key)
    for (const [name, link] of [['privkey', 'server.key'], ['fullchain', 'server.pem']]) {
      await symlink(`archive/${name}${number}.pem`, site.path('link'))
      await rename(site.path('link'), site.path(link as string))
    }
  }
  await archive(1, site.server)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  for (const round of [2, 3]) {
    const next = await renewed(site)
    await archive(round, next)
    await renewals(log, round - 1)
    t.equal(await serverSerial(port, site), next.x509.serialNumber)
  }
})

/** Updates a mounted volume as the kubelet does: a new folder, and one rename that points `..data` to it. */
async function mount (folder: string, version: number, files: Record<string, string>): Promise<void> {
  const data = join(folder, `..version_${version}`)
  await mkdir(data, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(data, name), content)
  await symlink(`..version_${version}`, join(folder, '..data_tmp'))
  await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  if (version === 1) for (const name of Object.keys(files)) await symlink(`..data/${name}`, join(folder, name))
}

t.test('cert-manager swaps ..data of a mounted Secret twice', async (t) => {
  const site = await makeSite(t)
  const secret = ({ chain, key }: Issued): Record<string, string> => ({ 'tls.crt': chain, 'tls.key': key })
  await mount(site.folder, 1, secret(site.server))
  const log = new LogCapture()
  const endpoint = site.endpoint().replace('server.key', 'tls.key').replace('server.pem', 'tls.crt')
  const { port } = await startApp(t, endpoint, undefined, { logger: log.logger })
  for (const round of [2, 3]) {
    const next = await renewed(site)
    await mount(site.folder, round, secret(next))
    await renewals(log, round - 1)
    t.equal(await serverSerial(port, site), next.x509.serialNumber)
  }
})

t.test('mounted volumes renew the authorities, the chain, and the certificates by name', async (t) => {
  const site = await makeSite(t)
  const [otherCa, sender] = await Promise.all([createAuthority({ name: 'Other CA' }), createAuthority({ name: 'Sent Along' })])
  const [stranger, before, after] = await Promise.all([
    otherCa.issue({ name: 'stranger', usage: 'client' }),
    ...[1, 2].map(() => site.ca.issue({ name: 'a.example.org', usage: 'server', dnsNames: ['a.example.org'] }))
  ]) as [Issued, Issued, Issued]
  const volume = site.path('volume')
  const names = site.path('names')
  await mount(volume, 1, { 'ca.crt': site.ca.certificate, 'chain.crt': site.ca.certificate })
  await mount(names, 1, { 'a.example.org.pem': before.key + before.chain })
  const named = quoteEndpointArgument
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(`:authorities=${named(join(volume, 'ca.crt'))}:extraCertChain=${named(join(volume, 'chain.crt'))}:sni=${named(names)}`), undefined, { logger: log.logger })
  t.equal(await serverSerial(port, site, 'a.example.org'), before.x509.serialNumber)

  await mount(names, 2, { 'a.example.org.pem': after.key + after.chain })
  await renewals(log, 1)
  t.equal(await serverSerial(port, site, 'a.example.org'), after.x509.serialNumber)

  t.equal(await alertSeenByNode({ port }, asClient(site, stranger)), 'unknown_ca')
  await mount(volume, 2, { 'ca.crt': site.ca.certificate + otherCa.certificate, 'chain.crt': sender.certificate })
  await renewals(log, 2)
  t.match(await get(port, asClient(site, stranger)), { status: 200 })
  const { stdout } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-showcerts'])
  t.match(stdout, 'CN = Sent Along')
})
