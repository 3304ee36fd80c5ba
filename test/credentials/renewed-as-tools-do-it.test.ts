import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { Issued } from '../support/pki.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { renewals, serverSerial } from '../support/renewal.js'

async function renewed (site: Site): Promise<Issued> {
  return await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
}

t.test('cp: written in place, the key first', async (t) => {
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

t.test('atomic renames, the certificate first', async (t) => {
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

t.test('certbot: links in live/ that are pointed to the next files of archive/, one after the other', async (t) => {
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

t.test('cert-manager: a mounted Secret, whose ..data is swapped, twice', async (t) => {
  const site = await makeSite(t)
  const mount = async (name: string, { chain, key }: Issued): Promise<void> => {
    await mkdir(site.path(name))
    await writeFile(site.path(`${name}/tls.crt`), chain)
    await writeFile(site.path(`${name}/tls.key`), key)
    await symlink(name, site.path('..data_tmp'))
    await rename(site.path('..data_tmp'), site.path('..data'))
  }
  await mount('..2026_01', site.server)
  for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, site.path(name))
  const log = new LogCapture()
  const endpoint = site.endpoint().replace('server.key', 'tls.key').replace('server.pem', 'tls.crt')
  const { port } = await startApp(t, endpoint, undefined, { logger: log.logger })
  for (const round of [2, 3]) {
    const next = await renewed(site)
    await mount(`..2026_0${round}`, next)
    await renewals(log, round - 1)
    t.equal(await serverSerial(port, site), next.x509.serialNumber)
  }
})
