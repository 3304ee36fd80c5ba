import { fileURLToPath } from 'node:url'
import t from 'tap'
import { startInstalledApp } from '../support/installed.js'
import { hasProgram, run, type Run } from '../support/programs.js'

const PROGRAM = fileURLToPath(new URL('Client.java', import.meta.url))

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  t.test(`the HttpClient of Java is served over HTTP/2 until its certificate is revoked, then reports the alert (${version})`, async (t) => {
    if (!hasProgram(t, 'java')) return
    const { site, port, revokeMallory } = await startInstalledApp(t, ':alpn=h2+http/1.1')
    const visit = async (name: string): Promise<Run> =>
      await run('java', ['-XX:TieredStopAtLevel=1', PROGRAM, `https://localhost:${port}/news`, site.path('ca.pem'), version, site.path(name)])
    t.match(await visit('mallory'), { status: 0, stdout: '200 good news HTTP_2\n' })
    await revokeMallory()
    t.match(await visit('mallory'), { status: 0, stdout: /refused .*certificate_revoked/ })
  })
}
