import { mkdir, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { asClient, connectTls, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import type { Issued, KeyAlgorithm } from '../support/pki.js'

const ECDSA = 'ECDSA+SHA256'
const RSA = 'rsa_pss_rsae_sha256:RSA+SHA256'

async function issue (site: Site, name: string, keyAlgorithm: KeyAlgorithm): Promise<Issued> {
  return await site.ca.issue({ name, usage: 'server', dnsNames: [name], keyAlgorithm })
}

/** The kind of key and the name of the certificate that a client gets if it verifies only these signatures. */
async function keyFor (site: Site, port: number, sigalgs: string, maxVersion: 'TLSv1.2' | 'TLSv1.3', servername = 'localhost'): Promise<string | undefined> {
  // Without a certificate of its own, which would have to be for the same signatures.
  const socket = await connectTls(port, { ...asClient(site), servername, sigalgs, maxVersion, rejectUnauthorized: false })
  const { publicKey, subject } = socket.getPeerX509Certificate() ?? {}
  socket.destroy()
  return `${publicKey?.asymmetricKeyType} ${subject}`
}

async function siteWithTwo (t: Test): Promise<{ site: Site, text: string }> {
  const site = await makeSite(t)
  await site.write('rsa', await issue(site, 'localhost', 'RSA-2048'))
  const text = site.endpoint().replace(/privateKey=([^:]*):certKey=([^:]*)/, `privateKey=${site.path('rsa.key')},$1:certKey=${site.path('rsa.pem')},$2`)
  return { site, text }
}

t.test('with two key pairs, a client gets the one whose signatures it can verify', async (t) => {
  const { site, text } = await siteWithTwo(t)
  const { app, port } = await startApp(t, `${text}:verify=optional`)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.equal(await keyFor(site, port, ECDSA, version), 'ec CN=localhost', version)
    t.equal(await keyFor(site, port, RSA, version), 'rsa CN=localhost', version)
  }
  const renewed = await issue(site, 'localhost', 'RSA-2048')
  await site.write('rsa', renewed)
  await app.endpoint.reload()
  const socket = await connectTls(port, { ...asClient(site), sigalgs: RSA, rejectUnauthorized: false })
  t.equal(socket.getPeerX509Certificate()?.serialNumber, renewed.x509.serialNumber, 'each of them is watched')
  socket.destroy()
})

t.test('check shows both keys and all certificates', async (t) => {
  const { site, text } = await siteWithTwo(t)
  const { endpoints: [report] } = JSON.parse((await runMain(['check', '--json', text])).stdout) as CheckReport
  t.match(report, {
    problems: [],
    tls: {
      privateKey: { file: site.path('rsa.key'), type: 'RSA 2048', fits: true },
      otherKeys: [{ file: site.path('server.key'), type: 'EC P-256', fits: true }],
      certificates: [{ file: site.path('rsa.pem') }, { file: site.path('server.pem') }]
    }
  })
  const { stdout } = await runMain(['check', text])
  t.match(stdout, /private key .*rsa\.key"?: RSA 2048, matches the certificate/)
  t.match(stdout, /private key .*server\.key"?: EC P-256, matches the certificate/)
})

t.test('two key pairs of one kind are an error, because OpenSSL would use only one', async (t) => {
  const { site, text } = await siteWithTwo(t)
  await site.write('rsa', await issue(site, 'localhost', 'P-384'))
  await t.rejects(startApp(t, text), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', argument: 'certKey', file: site.path('server.pem'), message: /is of the same kind as that of ".*rsa\.pem"/ })
})

t.test('a key pair that fits none of the ciphers is an error', async (t) => {
  const { site, text } = await siteWithTwo(t)
  await t.rejects(startApp(t, `${text}:sslmethod=TLSv1_2_METHOD:ciphers=ECDHE-ECDSA-AES128-GCM-SHA256`), {
    code: 'FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE', argument: 'certKey', file: site.path('rsa.pem')
  })
})

t.test('a name of sni may have a file for each kind of key', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('names'))
  const write = async (file: string, { key, chain }: Issued): Promise<void> => { await writeFile(site.path(`names/${file}`), key + chain) }
  await write('example.org.pem.ecdsa', await issue(site, 'example.org', 'P-256'))
  await write('example.org.pem.rsa', await issue(site, 'example.org', 'RSA-2048'))
  const { app } = await startApp(t, site.endpoint(`:sni=${site.path('names')}:authorities=${site.path('ca.pem')}:verify=optional`))
  const { port } = app.server.address() as AddressInfo
  t.equal(await keyFor(site, port, ECDSA, 'TLSv1.3', 'example.org'), 'ec CN=example.org')
  t.equal(await keyFor(site, port, RSA, 'TLSv1.3', 'example.org'), 'rsa CN=example.org')

  await write('example.org.pem', await issue(site, 'example.org', 'P-256'))
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', argument: 'sni', message: /of the same kind as that of/ })
  t.equal(await keyFor(site, port, RSA, 'TLSv1.3', 'example.org'), 'rsa CN=example.org', 'both stay as they were')
})
