import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { withNames } from '../support/names.js'
import { createAuthority } from '../support/pki.js'
import { renewals, serverSerial } from '../support/renewal.js'

t.test('the app follows files that are added, changed, removed and broken while it runs', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test')
  const log = new LogCapture()
  const { port } = await startApp(t, names.endpoint, undefined, { logger: log.logger })

  const two = await names.put('two.test')
  await renewals(log, 1)
  t.equal(await serverSerial(port, site, 'two.test'), two.x509.serialNumber, 'added')

  const renewed = await names.put('one.test')
  await renewals(log, 2)
  t.equal(await serverSerial(port, site, 'one.test'), renewed.x509.serialNumber, 'changed')

  await names.remove('two.test.pem')
  await renewals(log, 3)
  t.equal(await serverSerial(port, site, 'two.test'), site.server.x509.serialNumber, 'removed')

  await writeFile(`${names.folder}/one.test.pem`, renewed.chain)
  const line = await log.line('cannot be loaded')
  t.match(line['err'], { code: 'FST_ENDPOINT_KEY_INVALID', message: /it holds no PEM block with a private key/ })
  t.equal(await serverSerial(port, site, 'one.test'), renewed.x509.serialNumber, 'broken: the last good content')

  const three = await names.put('three.test')
  await renewals(log, 4)
  t.equal(await serverSerial(port, site, 'three.test'), three.x509.serialNumber, 'the rest stays in force')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

/** An app with a name, and a client of an authority that it does not know. */
async function startWithStranger (t: Test) {
  const site = await makeSite(t)
  const names = await withNames(site, 'one.test')
  const other = await createAuthority({ name: 'Other' })
  const bob = { ...asClient(site, await other.issue({ name: 'bob', usage: 'client' })), servername: 'one.test', checkServerIdentity: () => undefined }
  const { app, port } = await startApp(t, names.endpoint)
  return { site, names, app, port, other, bob }
}

t.test('authorities that change while a file is broken come into force for its name too', async (t) => {
  const { site, names, app, port, other, bob } = await startWithStranger(t)
  t.equal(await alertSeenByNode({ port }, bob), 'unknown_ca')
  const good = await readFile(`${names.folder}/one.test.pem`)
  await writeFile(`${names.folder}/one.test.pem`, 'broken')
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID' })
  t.equal((await get(port, bob)).status, 200, 'also when the file is broken')
  await writeFile(`${names.folder}/one.test.pem`, good)
  await app.endpoint.reload()
  t.equal((await get(port, bob)).status, 200, 'and when it is repaired')
})

t.test('authorities that change while the folder has errors come into force for all names', async (t) => {
  const { site, names, app, port, other, bob } = await startWithStranger(t)
  await writeFile(`${names.folder}/no name.pem`, 'broken')
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_SNI_INVALID' })
  t.equal((await get(port, bob)).status, 200)
})
