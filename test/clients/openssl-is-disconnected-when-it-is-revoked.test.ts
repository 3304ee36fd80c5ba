import t from 'tap'
import { startInstalledApp } from '../support/installed.js'
import { hasProgram, run, type Run } from '../support/programs.js'

for (const version of ['1.2', '1.3']) {
  t.test(`openssl s_client is served until its certificate is revoked, then reads alert 44 (TLS ${version})`, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const { site, port, revokeMallory } = await startInstalledApp(t)
    const visit = (name: string): Promise<Run> => run('openssl', [
      's_client', '-quiet', '-verify_return_error', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', `-tls${version.replace('.', '_')}`,
      '-CAfile', site.path('ca.pem'), '-cert', site.path(`${name}.pem`), '-key', site.path(`${name}.key`)
    ], { input: 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' })
    t.match((await visit('mallory')).stdout, /^HTTP\/1\.1 200 OK[^]*Hello, mallory/)
    await revokeMallory()
    const refused = await visit('mallory')
    t.match(refused.stderr, 'SSL alert number 44')
    t.equal(refused.stdout, '', 'and not a byte of a response')
    t.match((await visit('alice')).stdout, 'Hello, alice')
  })
}
