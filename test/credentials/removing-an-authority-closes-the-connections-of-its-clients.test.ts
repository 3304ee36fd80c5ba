import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { alertIn } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { renewals } from '../support/renewal.js'

t.test('the clients of an authority that is removed from the file are cut, and no others', async (t) => {
  const site = await makeSite(t)
  const other = await createAuthority({ name: 'Other CA' })
  const bob = await other.issue({ name: 'bob', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const alice = await connectTls(port, asClient(site, site.alice))
  const guest = await connectTls(port, asClient(site, bob))
  guest.on('error', () => {})
  alice.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  guest.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await Promise.all([once(alice, 'data'), once(guest, 'data')])

  const isCut = once(guest, 'close')
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await renewals(log, 1)
  await isCut
  const error = await get(port, asClient(site, bob)).catch((error) => error)
  t.equal(alertIn(error), 'unknown_ca')
  alice.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.match(String(await once(alice, 'data')), /200 OK/)
  alice.destroy()
})
