import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { runMain } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('check shows what a valid string does', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { status, stdout } = await runMain(['check', site.endpoint()])
  t.equal(status, 0)
  const lines = stdout.split('\n')
  t.equal(lines[0], site.endpoint())
  t.equal(lines[1], '  tcp 127.0.0.1:0 (backlog 50)')
  t.equal(lines[2], '  TLS: TLSv1.2, TLSv1.3, http/1.1, handshake within 10 s')
  t.match(stdout, /^ {2}private key ".*server\.key": EC P-256, matches the certificate$/m)
  t.match(stdout, /^ {2}certificate \(complete chain\)\n {4}CN=localhost: for DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1, from CN=Test CA, EC P-256, until \d{4}-\d\d-\d\d, 36\d days left$/m)
  t.match(stdout, /^ {2}client certificates: required, from 1 authority\n {4}CN=Test CA: self-signed, /m)
  t.match(stdout, /^ {2}revocation list ".*revoked\.txt": 1 revoked \(revocationDepth=chain, unknownStatus=allow, expiredCrl=use\)\n {4}line 2: mallory\.pem: 1 file, 1 certificate$/m)
})

t.test('check reads the strings of ENDPOINT, one per line', async (t) => {
  t.match(await runMain(['check'], { env: { ENDPOINT: 'tcp:80\n\ntcp6:81\n' } }), { status: 0, stdout: 'tcp:80\n  tcp 0.0.0.0:80 (backlog 50)\n  good\ntcp6:81\n  tcp6 [::]:81 (backlog 50)\n  good\n' })
  t.match(await runMain(['check', '--env', 'ADMIN'], { env: { ENDPOINT: 'tcp:80', ADMIN: 'tcp:81' } }), { stdout: /^tcp:81\n/ })
})

t.test('check reads the strings of a JSON array', async (t) => {
  t.match(await runMain(['check'], { env: { ENDPOINT: '["tcp:80", "tcp6:80:ipv6Only=1"]' } }), { status: 0, stdout: 'tcp:80\n  tcp 0.0.0.0:80 (backlog 50)\n  good\ntcp6:80:ipv6Only=1\n' })
  t.match(await runMain(['check'], { env: { ENDPOINT: '["tcp:80"' } }), { status: 2, stderr: /^fastify-endpoint: ENDPOINT starts with \[, as a JSON array of endpoint strings does, but it is not valid JSON/ })
})

t.test('check reads a .env file if the environment does not set the variable', async (t) => {
  const folder = makeTestFolder(t, { '.env': 'ENDPOINT=\'unix:/run/a\\:b.sock\'\n' })
  t.match(await runMain(['check', '--dotenv', `${folder}/.env`]), { status: 0, stdout: /^unix:\/run\/a\\:b\.sock\n {2}unix \/run\/a:b\.sock \(mode 666, backlog 50\)\n/ })
  t.match(await runMain(['check', '--dotenv', `${folder}/.env`], { env: { ENDPOINT: 'tcp:80' } }), { stdout: /^tcp:80\n/ })
  t.match(await runMain(['check', '--dotenv', `${folder}/other`]), { status: 2, stderr: /--dotenv ".*other" cannot be read: there is no such file/ })
})

t.test('check says where each type of endpoint listens', async (t) => {
  const show = async (text: string): Promise<string | undefined> => (await runMain(['check', text])).stdout.split('\n')[1]
  t.equal(await show('stdio'), '  stdio standard input and output')
  t.equal(await show('fd:3'), '  fd descriptor 3')
  t.equal(await show('systemd:INET:name=https'), '  systemd INET https')
  t.equal(await show('systemd:UNIX:0'), '  systemd UNIX 0')
  t.match((await runMain(['check', 'haproxy:tcp:80'])).stdout, /PROXY protocol: every connection must begin with a header, from 127\.0\.0\.0\/8, /)
  t.match((await runMain(['check', 'haproxy:tcp:80:proxyFrom=10.1.0.0/16'])).stdout, /from 10\.1\.0\.0\/16 only/)
  t.match((await runMain(['check', 'haproxy:systemd:UNIX:0'])).stdout, /accepted from any peer/)
})

t.test('check points at a mistake in the string', async (t) => {
  const { status, stdout } = await runMain(['check', 'tcp:80:interfce=\\:\\:1:backlog=x'])
  t.equal(status, 1)
  t.match(stdout, /^tcp:80:interfce=\\:\\:1:backlog=x\n {7}\^\n {2}problem: FST_ENDPOINT_UNKNOWN_ARGUMENT: tcp has no argument "interfce": did you mean interface\?.*name\ntcp:80:interfce=\\:\\:1:backlog=x\n {30}\^\n {2}problem: FST_ENDPOINT_INVALID_ARGUMENT: .*not "x"\n$/)
})

t.test('the mark is below the right character, even after characters that take two columns or none', async (t) => {
  for (const [path, columns] of [['日本語', 6], ['e\u0301', 1], ['🔑', 2], ['Zoë', 3]] as const) {
    const [text, mark] = (await runMain(['check', `unix:/${path}:mode=9`])).stdout.split('\n')
    t.equal(text, `unix:/${path}:mode=9`)
    t.equal(mark, `${' '.repeat('unix:/:mode='.length + columns)}^`, path)
  }
  const { stdout } = await runMain(['check', `unix:/${'語🔑'.repeat(14)}:mode=9:lockfile=${'語🔑'.repeat(50)}`], { env: { NO_COLOR: '1' }, terminal: { columns: 80 } })
  const [text = '', mark = ''] = stdout.split('\n')
  t.match(text, /^(🔑)?(語🔑)+:mode=9:lockfile=(語🔑)+語?$/u, 'and none of them is split')
  t.equal(2 * [...text.slice(0, text.indexOf(':mode='))].length + ':mode='.length, mark.indexOf('^'))
  t.ok(2 * [...text].length - ':mode=9:lockfile='.length <= 80)
})

t.test('if a string is longer than the terminal, check shows the part around the mistake', async (t) => {
  const text = `unix:/${'a'.repeat(90)}:mod=1:backlog=1:lockfile=${'0'.repeat(100)}`
  const { stdout } = await runMain(['check', text], { env: { NO_COLOR: '1' }, terminal: { columns: 80 } })
  const [line = '', mark = ''] = stdout.split('\n')
  t.equal(line.length, 80)
  t.ok(text.includes(line))
  t.equal(line.slice(mark.indexOf('^'), mark.indexOf('^') + 4), 'mod=')
})

t.test('with --strict, check treats a warning as a problem', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), '*.crl\n')
  t.match(await runMain(['check', site.endpoint()]), { status: 0, stdout: /warning: line 1 matches no file/ })
  t.match(await runMain(['check', '--strict', site.endpoint()]), { status: 1 })
})
