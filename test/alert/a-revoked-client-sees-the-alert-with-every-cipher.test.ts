import { getCiphers } from 'node:tls'
import t from 'tap'
import { alertSeenByOpenssl } from '../support/alerts.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

t.test('a revoked client sees alert 44 with every cipher that Node enables by default', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  // Both kinds of server key, because each cipher of TLS 1.2 needs one of them.
  const rsa = await site.ca.issue({ name: 'localhost', usage: 'server', keyAlgorithm: 'RSA-2048' })
  const ecdsa = await startApp(t, site.endpoint())
  // In separate files, because the other app watches its own.
  await site.write('rsa', rsa)
  const withRsa = await startApp(t, site.endpoint().replace('/server.key', '/rsa.key').replace('/server.pem', '/rsa.pem'))
  const as = (name: string): string[] => ['-cert', site.path(`${name}.pem`), '-key', site.path(`${name}.key`)]
  const tested: string[] = []
  for (const cipher of getCiphers().map((name) => name.toUpperCase())) {
    const { port } = cipher.includes('ECDSA') ? ecdsa : withRsa
    const args = cipher.startsWith('TLS_') ? ['-tls1_3', '-ciphersuites', cipher] : ['-tls1_2', '-cipher', cipher]
    const good = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args, ...as('alice')])
    if (!good.stdout.includes(`Cipher is ${cipher}`)) continue
    tested.push(cipher)
    t.equal(await alertSeenByOpenssl(port, [...args, ...as('mallory')]), 44, cipher)
  }
  t.ok(tested.includes('TLS_AES_128_GCM_SHA256') && tested.includes('TLS_AES_256_GCM_SHA384') && tested.includes('TLS_CHACHA20_POLY1305_SHA256'))
  t.ok(tested.some((cipher) => cipher.startsWith('ECDHE-ECDSA')) && tested.some((cipher) => cipher.startsWith('ECDHE-RSA')))
  t.comment(`${tested.length} ciphers`)
})
