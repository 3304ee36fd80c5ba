/** The credential source in docs/acme.md, as it stands there, with a server that answers as Vault does. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connect } from 'node:tls'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory, type CredentialSourceContext, type CredentialSource } from '../../lib/index.js'
import { ROOT } from '../support/documents.js'
import { LogCapture } from '../support/log.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const [, block = ''] = /a-vault-gives-the-certificate\.test\.ts -->\n\n```js\n([^]*?)```/.exec(readFileSync(join(ROOT, 'docs/acme.md'), 'utf8')) ?? []

t.test('an app takes its certificate from Vault', async (t) => {
  const ca = await createAuthority({ name: 'Vault CA' })
  const asked: unknown[] = []
  const vault = createServer((request, response) => {
    let body = ''
    request.on('data', (piece) => { body += String(piece) }).on('end', async () => {
      asked.push([request.method, request.url, request.headers['x-vault-token'], JSON.parse(body)])
      const { key, certificate } = await ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org', 'www.example.org'] })
      response.end(JSON.stringify({ data: { private_key: key, certificate, ca_chain: [ca.certificate] } }))
    })
  }).listen(0, '127.0.0.1')
  await once(vault, 'listening')
  t.teardown(() => vault.close())
  const file = join(makeTestFolder(t, {}), 'vault.mjs')
  writeFileSync(file, block.replace("'fastify-endpoint'", JSON.stringify(pathToFileURL(join(ROOT, 'lib/index.ts')).href)))
  const { VaultCertificate } = await import(pathToFileURL(file).href) as { VaultCertificate: { open (context: CredentialSourceContext, settings: object): Promise<CredentialSource> } }
  const settings = { url: `http://127.0.0.1:${(vault.address() as AddressInfo).port}`, token: 'secret', role: 'web', names: ['example.org', 'www.example.org'] }
  const log = new LogCapture()
  const app = Fastify({ serverFactory, logger: log.logger })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tls:0:interface=127.0.0.1:credentials=vault', credentials: { vault: (context) => VaultCertificate.open(context, settings) } })
  await app.listen()
  const socket = connect({ port: (app.server.address() as AddressInfo).port, host: '127.0.0.1', servername: 'www.example.org', ca: ca.certificate })
  await once(socket, 'secureConnect')
  socket.destroy()
  t.same(asked, [['POST', '/v1/pki/issue/web', 'secret', { common_name: 'example.org', alt_names: 'www.example.org' }]])
  t.notMatch(JSON.stringify(log.lines), /secret|PRIVATE/)
})
