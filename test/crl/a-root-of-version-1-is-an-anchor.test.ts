import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { makeCrl, serialOf, wordFor } from '../support/crl.js'
import { createAuthority, type Authority } from '../support/pki.js'
import { hasProgram, run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('CRLs count below a root of version 1, which has no extensions', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const folder = makeTestFolder(t, {})
  const maker = await createAuthority({ name: 'Old Root' })
  await writeFile(`${folder}/root.key`, maker.key)
  await run('openssl', ['req', '-new', '-key', `${folder}/root.key`, '-subj', '/CN=Old Root', '-out', `${folder}/root.csr`])
  await run('openssl', ['x509', '-req', '-in', `${folder}/root.csr`, '-signkey', `${folder}/root.key`, '-days', '30', '-out', `${folder}/root.pem`])
  const x509 = new X509Certificate(await readFile(`${folder}/root.pem`))
  t.notOk(x509.ca, 'it is of version 1')
  const root: Authority = { ...maker, x509, der: x509.raw }
  const issuing = await createAuthority({ name: 'Issuing', issuer: root })
  const eve = await issuing.issue({ name: 'eve' })
  await writeFile(`${folder}/issuing.crl`, makeCrl(issuing, { entries: [{ serial: serialOf(eve.der) }] }).der)
  const set = await loadRevocations({ patterns: [`${folder}/*.crl`], authorities: [x509, issuing.x509] })
  t.equal(wordFor(set.status([eve.x509, issuing.x509])), 'revoked')
})
