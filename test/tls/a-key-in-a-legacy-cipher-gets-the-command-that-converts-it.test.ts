import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { parseEndpoint, quoteEndpointArgument } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

const PROVIDERS = ['-provider', 'legacy', '-provider', 'default']

for (const scheme of [['-v1', 'PBE-MD5-DES'], ['-v1', 'PBE-SHA1-RC2-40'], ['-v2', 'rc2-cbc'], ['-v2', 'bf-cbc']]) {
  t.test(`a key that is encrypted with ${scheme.join(' ')} is not blamed on the passphrase`, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const site = await makeSite(t)
    await writeFile(site.path('passphrase.txt'), 'right')
    const key = site.path('server.key')
    const made = await run('openssl', ['pkcs8', '-topk8', '-in', key, ...scheme, '-passout', 'pass:right', '-out', site.path('legacy.key'), ...PROVIDERS])
    t.equal(made.status, 0)
    const text = site.endpoint(`:privateKeyPassphraseFile=${quoteEndpointArgument(site.path('passphrase.txt'))}`).replace('server.key', 'legacy.key')
    await t.rejects(loadCredentials(parseEndpoint(text) as TlsEndpoint), {
      code: 'FST_ENDPOINT_KEY_INVALID',
      argument: 'privateKey',
      message: /cipher that OpenSSL 3 supports only in its legacy provider\. Convert it with openssl pkcs8/
    })
    // The advice works.
    const converted = await run('openssl', ['pkcs8', '-topk8', '-v2', 'aes-256-cbc', ...PROVIDERS, '-in', site.path('legacy.key'), '-passin', 'pass:right', '-passout', 'pass:right', '-out', key])
    t.equal(converted.status, 0)
    t.ok(await loadCredentials(parseEndpoint(text.replace('legacy.key', 'server.key')) as TlsEndpoint))
  })
}
