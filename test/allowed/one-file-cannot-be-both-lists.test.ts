import { link, rename, symlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

const SHARED = { code: 'FST_ENDPOINT_ALLOWED_INVALID', argument: 'allowedFile', message: /is the same file as revokedFile/ }

t.test('an allowedFile that is the revokedFile, also through a link, stops the app and is a problem in check', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  // Lines that both kinds of list may have.
  await writeFile(site.path('revoked.txt'), `tbs:${identifyCertificate(site.mallory.der).tbs}\n`)
  await symlink('revoked.txt', site.path('symbolic.txt'))
  await link(site.path('revoked.txt'), site.path('hard.txt'))
  for (const file of ['revoked.txt', 'symbolic.txt', 'hard.txt']) {
    const named = quoteEndpointArgument(site.path(file))
    const endpoint = site.endpoint(`:authorities=${quoteEndpointArgument(site.path('ca.pem'))}:revokedFile=${quoteEndpointArgument(site.path('revoked.txt'))}:allowedFile=${named}`)
    await t.rejects(startApp(t, endpoint), { ...SHARED, file: site.path(file) }, file)
    const { status, stdout } = await runMain(['check', '--json', endpoint])
    t.not(status, 0)
    t.match(JSON.parse(stdout), { endpoints: [{ problems: [SHARED] }] }, file)
  }
})

t.test('an allowedFile that becomes the revokedFile changes no rules, also when the authorities change, until it is another file again', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { app, port } = await startApp(t, site.allowed)
  const mayConnect = async (client: typeof site.alice): Promise<boolean> => await get(port, asClient(site, client)).then(() => true, () => false)
  await site.revoke(`tbs:${identifyCertificate(site.mallory.der).tbs}`)
  await app.endpoint.reload()
  await symlink('revoked.txt', site.path('link.txt'))
  await rename(site.path('link.txt'), site.path('allowed.txt'))
  await t.rejects(app.endpoint.reload(), SHARED)
  t.match(app.endpoint.health().reasons, [{ code: 'allowed_failed', error: SHARED.code }])
  t.same([await mayConnect(site.alice), await mayConnect(site.mallory)], [true, false])
  // Other authorities, so another watcher.
  await writeFile(site.path('ca.pem'), site.ca.certificate + (await createAuthority({ name: 'Another CA' })).certificate)
  await t.rejects(app.endpoint.reload(), SHARED)
  t.same([await mayConnect(site.alice), await mayConnect(site.mallory)], [true, false])
  await site.allow('cn:mallory')
  await writeFile(site.path('revoked.txt'), '# nobody\n')
  await app.endpoint.reload()
  t.same([await mayConnect(site.alice), await mayConnect(site.mallory)], [false, true])
})
