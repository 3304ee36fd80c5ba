import t from 'tap'
import { startInstalledApp } from '../support/installed.js'
import { hasProgram, PYTHON, run, type Run } from '../support/programs.js'

/** One request with Python's http.client, which prints what it gets. */
const CLIENT = `
import http.client, ssl, sys
port, ca, certificate, key, version = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
context.load_cert_chain(certificate, key)
connection = http.client.HTTPSConnection('localhost', int(port), context=context)
try:
    connection.request('GET', '/news')
    response = connection.getresponse()
    print(response.status, response.read().decode())
except ssl.SSLError as error:
    print('refused', error.reason)
`

for (const version of ['TLSv1_2', 'TLSv1_3']) {
  t.test(`Python's ssl is served until its certificate is revoked, then raises the alert (${version})`, async (t) => {
    if (!hasProgram(t, 'python')) return
    const { site, port, revokeMallory } = await startInstalledApp(t)
    const visit = (name: string): Promise<Run> => run(PYTHON, ['-c', CLIENT, String(port), site.path('ca.pem'), site.path(`${name}.pem`), site.path(`${name}.key`), version])
    t.equal((await visit('mallory')).stdout, '200 good news\n')
    await revokeMallory()
    t.match(await visit('mallory'), { status: 0, stdout: /^refused (SSLV3|TLSV1|SSL\/TLS)_ALERT_CERTIFICATE_REVOKED\n$/ })
    t.equal((await visit('alice')).stdout, '200 good news\n')
  })
}
