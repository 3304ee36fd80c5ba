/* eslint-disable no-control-regex */
import { mkdir, writeFile } from 'node:fs/promises'
import t from 'tap'
import { runMain } from '../support/command-line.js'
import { commonName, makeCrl } from '../support/crl.js'
import { makeSite } from '../support/mutual-tls.js'

/** Clears the screen, in both spellings; reverses the direction of the text; ends the line. */
const HOSTILE = 'x\u001b[2J\u009b2J\u202Egpj.exe\r\n\u2028y'
/** Allowed output: letters, and the codes of our own colours. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

t.test('check prints no control characters from a certificate, a CRL, a list, a file name or the string', async (t) => {
  const site = await makeSite(t)
  const folder = 'a\u001b[2J\u202Eb'
  await mkdir(site.path(folder))
  const named = await site.ca.issue({ name: HOSTILE, usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.pem'), named.chain)
  await writeFile(site.path('server.key'), named.key)
  await writeFile(site.path(`${folder}/m.pem`), site.mallory.certificate)
  await writeFile(site.path(`${folder}/c.pem`), '-----BEGIN CERTIFICATE-----\n')
  await writeFile(site.path(`${folder}/o.crl`), makeCrl(site.ca, { issuer: commonName(HOSTILE) }).pem)
  await writeFile(site.path('revoked.txt'), `${folder}/*\n\u001b[2J*.none\n`)
  for (const text of [site.endpoint(), `tcp:80:${HOSTILE}=1`, `tls:80:privateKey=/${HOSTILE}`]) {
    for (const args of [['check', text], ['check', '--json', text]]) {
      for (const terminal of [undefined, { columns: 80 }]) {
        const { stdout, stderr } = await runMain(args, { env: { LANG: 'C.UTF-8' }, ...(terminal === undefined ? {} : { terminal }) })
        for (const line of stdout.replace(/\u001b\[\d{1,2}m/g, '').split('\n')) t.notMatch(line, OBEYED)
        // On a busy machine the command shows how long it has been at work.
        t.equal(stderr.replace(/\r(?:reading what the string names … \d+ s|\u001b\[2K)/g, ''), '')
      }
    }
  }
})

t.test('status and revoke print no control characters either', async (t) => {
  const site = await makeSite(t)
  const folder = 'a\u001b[2J\u202Eb'
  await mkdir(site.path(folder))
  await site.write('evil', await site.ca.issue({ name: HOSTILE, usage: 'client' }))
  await writeFile(site.path(`${folder}/list.txt`), `tbs:\u001b[2J\n${'\u202E'}none.pem\n`)
  const list = site.path(`${folder}/list.txt`)
  for (const [file, ...args] of [
    ['evil.pem', site.endpoint()],
    ['evil.pem', '--list', list],
    ['evil.pem', `tcp:${HOSTILE}`],
    [`${folder}/none.pem`, '--list', list]
  ] as Array<[string, ...string[]]>) {
    for (const command of [['status'], ['status', '--json'], ['revoke']]) {
      const { stdout, stderr } = await runMain([...command, site.path(file), ...args], { env: { LANG: 'C.UTF-8' }, terminal: { columns: 80 } })
      t.not(stdout + stderr, '')
      for (const line of (stdout + stderr).replace(/\u001b\[(\d{1,2}m|2K)|\r/g, '').split('\n')) t.notMatch(line, OBEYED)
    }
  }
})

t.test('JSON still contains the exact text', async (t) => {
  const site = await makeSite(t)
  const named = await site.ca.issue({ name: 'right\u202Eto left', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.pem'), named.chain)
  await writeFile(site.path('server.key'), named.key)
  const { stdout } = await runMain(['check', '--json', site.endpoint()])
  t.match(JSON.parse(stdout), { endpoints: [{ tls: { certificates: [{ subject: 'CN=right\u202Eto left' }] } }] })
})
