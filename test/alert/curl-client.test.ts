import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

for (const version of ['1.2', '1.3']) {
  t.test(`curl says that its certificate is revoked (TLS ${version})`, async (t) => {
    if (!hasProgram(t, 'curl')) return
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    const { port } = await startApp(t, site.endpoint())
    const { status, stderr } = await run('curl', ['--silent', '--show-error', '--cacert', site.path('ca.pem'), '--cert', site.path('mallory.pem'), '--key', site.path('mallory.key'), `--tlsv${version}`, '--tls-max', version, `https://localhost:${port}/`])
    t.not(status, 0)
    t.match(stderr, /alert certificate revoked/)
  })
}
