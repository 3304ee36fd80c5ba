import { createPrivateKey } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parseEndpoint, quoteEndpointArgument } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'

async function makeSiteWithEncryptedKey (t: Test, passphrase: string): Promise<Site> {
  const site = await makeSite(t)
  const key = createPrivateKey(site.server.key)
  await writeFile(site.path('server.key'), key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' }))
  await writeFile(site.path('passphrase.txt'), passphrase)
  return site
}

const argument = (site: Site): string => `:privateKeyPassphraseFile=${quoteEndpointArgument(site.path('passphrase.txt'))}`

t.test('a key with a passphrase is used, and the line end of the passphrase file is not part of it', async (t) => {
  const site = await makeSiteWithEncryptedKey(t, 'right\n')
  const { port } = await startApp(t, site.endpoint(argument(site)))
  t.match(await get(port, asClient(site)), { status: 200 })
})

t.test('a wrong passphrase is a coded error that does not show it', async (t) => {
  const site = await makeSiteWithEncryptedKey(t, 'wrong secret')
  const error = await loadCredentials(parseEndpoint(site.endpoint(argument(site))) as TlsEndpoint).catch((error) => error)
  t.match(error, { code: 'FST_ENDPOINT_KEY_INVALID', message: /cannot be decrypted with the passphrase in ".*passphrase\.txt"/, argument: 'privateKey' })
  t.notMatch(error.message, /wrong secret/)
  t.equal(error.cause, undefined)
})

t.test('an empty passphrase file is a coded error', async (t) => {
  const site = await makeSiteWithEncryptedKey(t, '\n')
  await t.rejects(loadCredentials(parseEndpoint(site.endpoint(argument(site))) as TlsEndpoint), { code: 'FST_ENDPOINT_FILE_EMPTY', argument: 'privateKeyPassphraseFile' })
})

t.test('a byte order mark in front of the passphrase is not part of it', async (t) => {
  const site = await makeSiteWithEncryptedKey(t, '\ufeffright\r\n')
  t.ok(await loadCredentials(parseEndpoint(site.endpoint(argument(site))) as TlsEndpoint))
})
