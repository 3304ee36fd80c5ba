import { join } from 'node:path'
import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

for (const version of ['1.2', '1.3']) {
  t.test(`curl says that its certificate is revoked (TLS ${version})`, async (t) => {
    if (!hasProgram(t, 'curl')) return
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    const path = join(makeShortFolder(t), 's')
    const { port } = await startApp(t, [site.endpoint(), site.over(`unix:${path}`)])
    const ask = async (name: string, ...where: string[]): ReturnType<typeof run> =>
      await run('curl', ['--silent', '--show-error', '--cacert', site.path('ca.pem'), '--cert', site.path(`${name}.pem`), '--key', site.path(`${name}.key`), `--tlsv${version}`, '--tls-max', version, ...where])
    for (const where of [[`https://localhost:${port}/`], ['--unix-socket', path, 'https://localhost/']]) {
      const { status, stderr } = await ask('mallory', ...where)
      t.not(status, 0)
      t.match(stderr, /alert certificate revoked/, where.join(' '))
      t.match((await ask('alice', ...where)).stdout, 'CN=alice')
    }
  })
}
