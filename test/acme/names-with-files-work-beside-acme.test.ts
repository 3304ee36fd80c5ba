/** A folder of `sni` beside `acme`: each name has its certificate, and files serve until the first one is there. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import t from 'tap'
import { startChallenged } from '../support/challenged.js'
import type { Authority, KeyAlgorithm } from '../support/pki.js'
import { until } from '../support/until.js'

/** The common name of the certificate that a client gets, or the error. */
async function ask (port: number, servername: string, protocol = 'http/1.1'): Promise<string> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername, ALPNProtocols: [protocol], rejectUnauthorized: false })
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.subject.replace('CN=', '') ?? '')
      socket.destroy()
    })
    socket.on('error', ({ message }) => { resolve(/unrecognized name|no application protocol/.exec(message)?.[0] ?? message) })
  })
}

async function put (folder: string, ca: Authority, files: Record<string, { name: string, keyAlgorithm?: KeyAlgorithm }>): Promise<void> {
  await mkdir(join(folder, 'names'), { recursive: true })
  for (const [file, { name, keyAlgorithm = 'P-256' }] of Object.entries(files)) {
    const { key, chain } = await ca.issue({ name, usage: 'server', dnsNames: [name], keyAlgorithm })
    await writeFile(join(folder, 'names', file), key + chain)
  }
}

t.test('names of acme have its certificate, and others have files', async (t) => {
  let names = ''
  const site = await startChallenged(t, {
    more: ':sni=FOLDER/names',
    prepare: async (_app, folder, ca) => {
      names = join(folder, 'names')
      await put(folder, ca, {
        'one.test.pem': { name: 'one.test', keyAlgorithm: 'RSA-2048' },
        '*.example.org.pem': { name: 'any' },
        'example.org.pem': { name: 'old' },
        'DEFAULT.pem': { name: 'default' }
      })
    }
  })
  const [port] = site.ports as [number]
  for (const [name, expected, why] of [
    ['example.org', 'example.org', 'the certificate of acme before a file'],
    ['WWW.example.org', 'example.org', 'and before a wildcard'],
    ['api.example.org', 'any', 'a wildcard for other names'],
    ['one.test', 'one.test', 'a file with another kind of key'],
    ['other.test', 'default', 'DEFAULT.pem for other names'],
    ['', 'default', 'and for no name']
  ] as const) t.equal(await ask(port, name), expected, why)
  t.equal(await ask(port, 'example.org', 'acme-tls/1'), 'validation', 'challenges are answered')
  await rm(join(names, 'DEFAULT.pem'))
  await until('the certificate of acme is the default', async () => await ask(port, 'other.test') === 'example.org')
  t.equal(await ask(port, 'one.test'), 'one.test')
})

t.test('until there is a certificate, files serve their names', async (t) => {
  const site = await startChallenged(t, {
    more: ':sni=FOLDER/names',
    hasCertificate: false,
    prepare: (_app, folder, ca) => put(folder, ca, { 'one.test.pem': { name: 'one.test' }, 'example.org.pem': { name: 'old' } })
  })
  const [port] = site.ports as [number]
  t.equal(await ask(port, 'one.test'), 'one.test')
  t.equal(await ask(port, 'example.org'), 'old', 'also a name whose certificate is ordered')
  t.equal(await ask(port, 'www.example.org'), 'unrecognized name')
  t.equal(await ask(port, 'example.org', 'acme-tls/1'), 'validation')
  t.match(site.app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'acme_failed', message: /there is no certificate yet/ }] })
  const own = await site.ca.issue({ name: 'new', usage: 'server', dnsNames: ['example.org', 'www.example.org'] })
  await site.store.writeCertificate(own.key, own.chain)
  await until('it is in force', async () => await ask(port, 'www.example.org') === 'new')
  t.equal(await ask(port, 'example.org'), 'new', 'it replaces the file')
  t.equal(await ask(port, 'one.test'), 'one.test')
})
