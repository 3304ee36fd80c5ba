import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { refuseEach } from '../support/credentials.js'
import { hasProgram, run } from '../support/programs.js'

refuseEach(t, [{
  title: 'a cipher list that OpenSSL does not know',
  extra: () => ':ciphers=NO-SUCH-CIPHER',
  code: 'FST_ENDPOINT_CIPHERS_INVALID',
  message: /ciphers "NO-SUCH-CIPHER": OpenSSL supports none of these ciphers/,
  argument: 'ciphers'
}])

t.test('only the ciphers of the list are negotiated', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(':sslmethod=TLSv1_2_METHOD:ciphers=ECDHE-ECDSA-AES256-GCM-SHA384,ECDHE-ECDSA-CHACHA20-POLY1305'))
  const offer = async (cipher: string): Promise<string> => (await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-cipher', cipher])).stdout
  t.match(await offer('ECDHE-ECDSA-AES256-GCM-SHA384'), /Cipher is ECDHE-ECDSA-AES256-GCM-SHA384/)
  t.match(await offer('ECDHE-ECDSA-AES128-GCM-SHA256'), /Cipher is \(NONE\)/)
})
