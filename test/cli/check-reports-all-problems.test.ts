import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'

t.test('check reports all problems in one run, with code, argument, file and line', async (t) => {
  const site = await makeSite(t)
  await rm(site.path('server.key'))
  await writeFile(site.path('broken.pem'), '-----BEGIN CERTIFICATE-----\n')
  await writeFile(site.path('revoked.txt'), 'missing.pem\nbroken.pem\nwhat:ever\nmallory.pem\n')
  const text = `${site.endpoint()}:dhParameters=${site.path('ca.pem')}`
  const { status, stdout } = await runMain(['check', '--json', 'tcp:x', text])
  t.equal(status, 1)
  const { ok, endpoints: [first, second] } = JSON.parse(stdout) as CheckReport
  t.equal(ok, false)
  t.match(first, { ok: false, problems: [{ code: 'FST_ENDPOINT_INVALID_ARGUMENT', argument: 'port', index: 4 }] })
  t.same(second?.problems.map(({ code, argument, file, line }) => [code, argument, file, line]), [
    ['FST_ENDPOINT_FILE_UNREADABLE', 'privateKey', site.path('server.key'), undefined],
    ['FST_ENDPOINT_DH_INVALID', 'dhParameters', site.path('ca.pem'), undefined],
    ['FST_ENDPOINT_LIST_UNKNOWN_WORD', 'revokedFile', site.path('revoked.txt'), 3],
    ['FST_ENDPOINT_LIST_MISSING', 'revokedFile', site.path('revoked.txt'), 1],
    ['FST_ENDPOINT_FILE_INVALID', 'revokedFile', site.path('broken.pem'), 1]
  ])
  t.same(second?.tls?.certificates.map(({ subject }) => subject), ['CN=localhost'], 'valid parts are shown too')
  t.match(second?.tls?.revocation?.lines, [{ line: 1, files: 0 }, { line: 2, files: 1, certificates: 0 }, { line: 4, certificates: 1 }])
})

t.test('check shows each problem where it belongs, and counts them', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('server.key'), site.alice.key)
  await writeFile(site.path('revoked.txt'), 'missing.pem\n')
  const { stdout } = await runMain(['check', site.endpoint()])
  t.match(stdout, /private key ".*": EC P-256, does not match the certificate\n/)
  t.match(stdout, /certificate \(complete chain\)\n {4}CN=localhost: .*\n {4}problem: FST_ENDPOINT_KEY_MISMATCH: /)
  t.match(stdout, /\n {4}problem: FST_ENDPOINT_LIST_MISSING: revocation list ".*" line 1: .*\n {2}2 problems, 1 warning\n$/)
})
