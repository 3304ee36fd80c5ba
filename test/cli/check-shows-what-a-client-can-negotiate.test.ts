import t from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

t.test('check shows exactly the ciphers and versions that a real client can negotiate', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  const text = site.endpoint(':sslmethod=TLSv1_1_METHOD+TLSv1_2_METHOD:ciphers=ECDHE-ECDSA-AES256-SHA,ECDHE-ECDSA-AES128-GCM-SHA256,ECDHE-RSA-AES128-GCM-SHA256')
  const { endpoints: [endpoint] } = JSON.parse((await runMain(['check', '--json', text])).stdout) as CheckReport
  t.same(endpoint?.tls?.versions, [
    { version: 'TLSv1.1', ciphers: ['ECDHE-ECDSA-AES256-SHA'] },
    { version: 'TLSv1.2', ciphers: ['ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-GCM-SHA256'] }
  ])
  const { port } = await startApp(t, text)
  const gets = async (...args: string[]): Promise<boolean> => {
    const { stdout } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { input: '' })
    return /Cipher is (?!\(NONE\))/.test(stdout)
  }
  t.ok(await gets('-tls1_1', '-cipher', 'ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0'))
  t.ok(await gets('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0'))
  t.ok(await gets('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'))
  t.notOk(await gets('-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'), 'the key is not for RSA')
  t.notOk(await gets('-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'))
  t.notOk(await gets('-tls1_3'))
})

t.test('check shows the ciphers in the order that the server prefers', async (t) => {
  const site = await makeSite(t)
  const versionsOf = async (extra: string) => (JSON.parse((await runMain(['check', '--json', site.endpoint(extra)])).stdout) as CheckReport).endpoints[0]?.tls?.versions
  t.same(await versionsOf(':sslmethod=TLSv1_3_METHOD:ciphers=TLS_CHACHA20_POLY1305_SHA256,TLS_AES_128_GCM_SHA256'), [{ version: 'TLSv1.3', ciphers: ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'] }])
})
