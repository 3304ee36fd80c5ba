import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

t.test('the log warns of authorities with one name and no key identifiers, because OpenSSL admits the clients of only one', async (t) => {
  const [first, second] = await Promise.all([1, 2].map(() => createAuthority({ name: 'Twin CA', keyIdentifiers: false })))
  if (first === undefined || second === undefined) throw new Error('no authorities')
  const site = await makeSite(t)
  await writeFile(site.path('ca.pem'), first.certificate + second.certificate)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.match(log.about('2 certificates with different keys have the name CN=Twin CA'), [{ level: 40 }])
  const clients = await Promise.all([first, second].map((authority) => authority.issue({ name: 'alice', usage: 'client', keyIdentifiers: false })))
  const outcomes = await Promise.all(clients.map(async (client) => await get(port, asClient(site, client)).then(({ status }) => status, () => 'refused')))
  t.same(outcomes.sort(), [200, 'refused'], 'the warning is true')
})

t.test('there is no warning if the authorities have key identifiers, or share one key', async (t) => {
  const first = await createAuthority({ name: 'Twin CA' })
  const others = [await createAuthority({ name: 'Twin CA' }), await createAuthority({ name: 'Twin CA', keyPair: first.keyPair })]
  const site = await makeSite(t)
  await writeFile(site.path('ca.pem'), [first, ...others].map(({ certificate }) => certificate).join(''))
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.same(log.about('certificates with different keys'), [])
  for (const authority of [first, ...others]) t.equal((await get(port, asClient(site, await authority.issue({ name: 'alice', usage: 'client' })))).status, 200)
})
