import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

t.test('a key that OpenSSL finds too small is a coded error with OpenSSL\'s reason', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  const made = await run('openssl', ['req', '-x509', '-newkey', 'rsa:512', '-nodes', '-subj', '/CN=localhost', '-days', '2', '-keyout', site.path('server.key'), '-out', site.path('server.pem')])
  t.equal(made.status, 0)
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  await t.rejects(loadCredentials(endpoint), { code: 'FST_ENDPOINT_TLS_INVALID', message: /No TLS context can be made of .*too small/, endpoint: site.endpoint() })
})
