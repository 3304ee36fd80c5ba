import { createDiffieHellman } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { refuseEach } from '../support/credentials.js'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

const argument = (site: Site): string => `:dhParameters=${quoteEndpointArgument(site.path('dh.pem'))}`

refuseEach(t, [
  {
    title: 'a file without DH parameters',
    file: 'dh.pem',
    content: (site) => site.server.certificate,
    extra: argument,
    code: 'FST_ENDPOINT_DH_INVALID',
    message: /dh\.pem": it holds no block -----BEGIN DH PARAMETERS-----/,
    argument: 'dhParameters'
  },
  {
    title: 'DH parameters that are too short',
    file: 'dh.pem',
    content: () => parametersPem(createDiffieHellman(512).getPrime(), 2),
    extra: argument,
    code: 'FST_ENDPOINT_DH_INVALID',
    message: /DH parameter/,
    argument: 'dhParameters'
  }
])

t.test('a client that insists on DHE gets the parameters of the file', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  const made = await run('openssl', ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048'])
  await writeFile(site.path('dh.pem'), made.stdout)
  await site.write('server', await site.ca.issue({ name: 'localhost', usage: 'server', keyAlgorithm: 'RSA-2048' }))
  const { port } = await startApp(t, site.endpoint(`${argument(site)}:sslmethod=TLSv1_2_METHOD`))
  const { stdout } = await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-cipher', 'DHE'])
  t.match(stdout, /Server Temp Key: DH, 2048 bits/)
})

/** PKCS #3: SEQUENCE { prime INTEGER, base INTEGER }. */
function parametersPem (prime: Buffer, base: number): string {
  const content = Buffer.concat([Buffer.from([0x02, prime.length + 1, 0]), prime, Buffer.from([0x02, 1, base])])
  const der = Buffer.concat([Buffer.from([0x30, content.length]), content])
  return `-----BEGIN DH PARAMETERS-----\n${der.toString('base64')}\n-----END DH PARAMETERS-----\n`
}
