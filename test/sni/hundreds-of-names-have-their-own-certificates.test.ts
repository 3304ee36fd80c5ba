import { rename } from 'node:fs/promises'
import t from 'tap'
import { mapConcurrently } from '../../lib/turns.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { withNames } from '../support/names.js'
import { serverSerial } from '../support/renewal.js'

const HOSTS = Array.from({ length: 200 }, (_, index) => index % 4 === 0 ? `*.zone-${index}.test` : `host-${index}.test`)

t.test('each of 200 names has its own certificate, and no handshake reads the folder', async (t) => {
  const site = await makeSite(t)
  const names = await withNames(site)
  const expected = new Map<string, string>()
  for (const host of HOSTS) expected.set(host.replace('*', 'any'), (await names.put(host)).x509.serialNumber)
  const { port } = await startApp(t, names.endpoint)
  // A handshake that reads a file would find none; the watcher keeps the last good certificates.
  await rename(names.folder, `${names.folder}-elsewhere`)
  const shown = await mapConcurrently([...expected.keys()], 4, async (host) => [host, await serverSerial(port, site, host)] as const)
  t.same(new Map(shown), expected)
  t.equal(await serverSerial(port, site, 'other.test'), site.server.x509.serialNumber)
})
