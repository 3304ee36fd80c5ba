import { join } from 'node:path'
import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { makeCrl } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const crl = makeCrl(root, { entries: [{ serial: '01' }, { serial: '02' }, { serial: '03' }] })
const authorities = [root.x509]

t.test('limits.fileBytes bounds a file that holds a CRL', async (t) => {
  const path = join(makeTestFolder(t, { 'root.crl': crl.der }), 'root.crl')
  t.match(await errorOf(() => loadRevocations({ patterns: [path], authorities, limits: { fileBytes: crl.der.length - 1 } })), {
    code: 'FST_ENDPOINT_FILE_TOO_LARGE',
    message: `${crl.der.length - 1} bytes: name the right file, or raise limits.fileBytes`,
    file: path
  })
  t.equal((await loadRevocations({ patterns: [path], authorities, limits: { fileBytes: crl.der.length } })).size, 3)
})

t.test('limits.entries bounds the entries of one CRL', async (t) => {
  const path = join(makeTestFolder(t, { 'root.crl': crl.pem }), 'root.crl')
  t.match(await errorOf(() => loadRevocations({ patterns: [path], authorities, limits: { entries: 2 } })), {
    code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES',
    message: 'limits.entries allows (2)',
    file: path,
    line: 1
  })
  t.equal((await loadRevocations({ patterns: [path], authorities, limits: { entries: 4 } })).size, 3)
})

t.test('limits.entries bounds CRLs and certificates together', async (t) => {
  const folder = makeTestFolder(t, { 'root.crl': crl.pem, 'alice.pem': alice.certificate, 'revoked.txt': 'root.crl\nalice.pem\n' })
  const list = join(folder, 'revoked.txt')
  t.match(await errorOf(() => loadRevocations({ list, authorities, limits: { entries: 3 } })), {
    code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES',
    message: 'limits.entries allows (3)',
    file: list
  })
})
