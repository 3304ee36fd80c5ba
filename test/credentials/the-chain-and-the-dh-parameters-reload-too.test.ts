import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { LogCapture } from '../support/log.js'
import { get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { hasProgram, run } from '../support/programs.js'
import { renewals } from '../support/renewal.js'

t.test('a renewed extraCertChain gives a client the intermediate that it lacked', async (t) => {
  const root = await createAuthority({ name: 'Server Root' })
  const issuing = await createAuthority({ name: 'Server Issuing', issuer: root })
  const site = await makeSite(t)
  const server = await issuing.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.key'), server.key)
  await writeFile(site.path('server.pem'), server.certificate)
  await writeFile(site.path('extra.pem'), root.certificate)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(`:extraCertChain=${quoteEndpointArgument(site.path('extra.pem'))}`), undefined, { logger: log.logger })
  const client = { ca: root.certificate, servername: 'localhost' }
  await t.rejects(get(port, client), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  await writeFile(site.path('extra.pem'), issuing.certificate)
  await renewals(log, 1)
  t.equal((await get(port, client)).status, 200)
})

t.test('the next client that insists on DHE gets the renewed dhParameters', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  const write = async (group: string): Promise<void> => {
    const { stdout } = await run('openssl', ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', `group:${group}`])
    await writeFile(site.path('dh.pem'), stdout)
  }
  await write('ffdhe2048')
  await site.write('server', await site.ca.issue({ name: 'localhost', usage: 'server', keyAlgorithm: 'RSA-2048' }))
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(`:dhParameters=${quoteEndpointArgument(site.path('dh.pem'))}:sslmethod=TLSv1_2_METHOD`), undefined, { logger: log.logger })
  const connect = async (): Promise<string> => (await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-cipher', 'DHE'])).stdout
  t.match(await connect(), /Server Temp Key: DH, 2048 bits/)
  await write('ffdhe3072')
  await renewals(log, 1)
  t.match(await connect(), /Server Temp Key: DH, 3072 bits/)
})
