import t from 'tap'
import { startInstalledApp } from '../support/installed.js'
import { hasProgram, run, type Run } from '../support/programs.js'

for (const [version, option] of [['1.1', '--http1.1'], ['2', '--http2']] as const) {
  t.test(`curl is served over HTTP/${version} until its certificate is revoked, then reports the revocation`, async (t) => {
    if (!hasProgram(t, 'curl')) return
    const { site, port, revokeMallory } = await startInstalledApp(t, ':alpn=h2+http/1.1')
    const visit = (name: string): Promise<Run> => run('curl', [
      '--silent', '--show-error', '--fail', '--write-out', ' HTTP/%{http_version}', option, '--cacert', site.path('ca.pem'),
      '--cert', site.path(`${name}.pem`), '--key', site.path(`${name}.key`), `https://localhost:${port}/news`
    ])
    t.match(await visit('mallory'), { status: 0, stdout: `good news HTTP/${version}` })
    await revokeMallory()
    const refused = await visit('mallory')
    t.not(refused.status, 0)
    t.match(refused.stderr, /alert certificate revoked/)
    t.match(await visit('alice'), { status: 0, stdout: 'good news' })
  })
}
