/**
 * Compares every set of versions that sslmethod allows, with gaps too, with the versions that `openssl s_client`
 * can negotiate one at a time.
 */
import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

const VERSIONS = [
  { method: 'TLSv1_METHOD', flag: '-tls1' },
  { method: 'TLSv1_1_METHOD', flag: '-tls1_1' },
  { method: 'TLSv1_2_METHOD', flag: '-tls1_2' },
  { method: 'TLSv1_3_METHOD', flag: '-tls1_3' }
]

async function negotiated (port: number): Promise<string[]> {
  const runs = await Promise.all(VERSIONS.map(({ flag }) => run('openssl', [
    's_client', '-connect', `127.0.0.1:${port}`, flag, '-cipher', 'ALL:@SECLEVEL=0'
  ])))
  return VERSIONS.filter((_version, index) => runs[index]?.stdout.includes('Verify return code') === true && / Cipher is (?!\(NONE\))/.test(runs[index].stdout))
    .map(({ method }) => method)
}

t.test('clients can negotiate exactly the versions that sslmethod names', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  for (let subset = 1; subset < 2 ** VERSIONS.length; subset++) {
    const methods = VERSIONS.filter((_version, index) => subset & (1 << index)).map(({ method }) => method)
    await t.test(methods.join('+'), async (t) => {
      const { port } = await startApp(t, site.endpoint(`:sslmethod=${methods.join('+')}`))
      t.same(await negotiated(port), methods)
    })
  }
})

for (const [title, argument, expected] of [
  ['the default is TLS 1.2 and 1.3', '', ['TLSv1_2_METHOD', 'TLSv1_3_METHOD']],
  ['TLS_METHOD is the default set', ':sslmethod=TLS_METHOD', ['TLSv1_2_METHOD', 'TLSv1_3_METHOD']],
  ['SSLv23_METHOD is the default set', ':sslmethod=SSLv23_METHOD', ['TLSv1_2_METHOD', 'TLSv1_3_METHOD']],
  ['an exclusion wins over a method', ':sslmethod=TLSv1_2_METHOD+TLSv1_3_METHOD+OP_NO_TLSv1_2', ['TLSv1_3_METHOD']],
  ['an option alone leaves the default set', ':sslmethod=OP_ALL+SSL_OP_NO_TICKET', ['TLSv1_2_METHOD', 'TLSv1_3_METHOD']]
] as const) {
  t.test(title, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const site = await makeSite(t)
    const { port } = await startApp(t, site.endpoint(argument))
    t.same(await negotiated(port), expected)
  })
}
