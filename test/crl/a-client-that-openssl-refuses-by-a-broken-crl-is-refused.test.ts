/**
 * Takes good CRLs, breaks one element in every possible way, and signs them again. A client that `openssl verify`
 * rejects as revoked is rejected here too, and a CRL that OpenSSL cannot read proves no client good.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { mapConcurrently } from '../../lib/turns.js'
import { loadRevocations } from '../../lib/revocation/index.js'
import { directoryName, extension, keyIdOf, type MadeCrl, makeCrl, namesPoints, scope, signAgain, signedPartOf, STRICT, subjectOf, uri } from '../support/crl.js'
import { mutationsOf } from '../support/der-mutations.js'
import { createAuthority, element } from '../support/pki.js'
import { hasProgram, run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root })
const alice = await root.issue({ name: 'alice', serial: '31' })
const bob = await root.issue({ name: 'bob', serial: '32' })
const elsewhere = { extensions: [namesPoints({ crlIssuer: [directoryName(subjectOf(root.der))] })] }
const carol = await issuing.issue({ name: 'carol', serial: '31', ...elsewhere })
const dave = await issuing.issue({ name: 'dave', serial: '32', ...elsewhere })

const entry = { serial: '31', reason: 1 }
const keyId = keyIdOf(root.der)
const other = extension('1.2.3.4', element(0x05))

interface Kind { name: string, crl: MadeCrl, args: string[], listed: typeof alice, unlisted: typeof alice }

const kinds: Kind[] = [
  { name: 'an ordinary CRL', crl: makeCrl(root, { keyId, entries: [entry, { serial: '0101' }] }), args: [], listed: alice, unlisted: bob },
  { name: 'one of version 1', crl: makeCrl(root, { version: 1, entries: [{ serial: '31' }] }), args: [], listed: alice, unlisted: bob },
  {
    name: 'one with a scope, and extensions in its entry',
    crl: makeCrl(root, { scope: scope({ onlyUser: true, names: [uri('http://crl.test')] }), generalizedTime: true, entries: [{ ...entry, extensions: [extension('2.5.29.24', element(0x18, Buffer.from('20260101000000Z'))), other] }], extensions: [other] }),
    args: ['-extended_crl'],
    listed: await root.issue({ name: 'erin', serial: '31', extensions: [namesPoints({ names: [uri('http://crl.test')] })] }),
    unlisted: await root.issue({ name: 'frank', serial: '32', extensions: [namesPoints({ names: [uri('http://crl.test')] })] })
  },
  {
    name: 'an indirect one',
    crl: makeCrl(root, { scope: scope({ indirect: true }), entries: [{ serial: '0101' }, { ...entry, certificateIssuer: subjectOf(issuing.der) }] }),
    args: ['-extended_crl'],
    listed: carol,
    unlisted: dave
  }
]

/** One of this many mutations is tried. Set it to 1 to try all three thousand, which takes minutes. */
const ONE_OF = Number(process.env['ONE_OF'] ?? 8)

/** Mutations that OpenSSL rejects and that are harmless here, because the serial number is unambiguous. */
const READ_HERE = /has a zero before it|is negative|is very long/

t.test('a client that OpenSSL rejects as revoked by a broken CRL is rejected here too', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const folder = makeTestFolder(t, { 'root.pem': root.certificate, 'issuing.pem': issuing.certificate })
  for (const { name, crl, args, listed, unlisted } of kinds) {
    t.test(`OpenSSL and the package agree on ${name}`, async (t) => {
      const mutations = [{ name: 'nothing', bytes: signedPartOf(crl.der) }, ...mutationsOf(signedPartOf(crl.der))].filter((_, index) => index % ONE_OF === 0)
      const counters = { revoked: 0, read: 0, all: mutations.length }
      const leaf = join(folder, `${listed.x509.subject}.pem`)
      writeFileSync(leaf, listed.certificate)
      await mapConcurrently([...mutations.entries()], 3, async ([index, { name, bytes }]) => {
        const made = signAgain(crl.der, root, bytes)
        const file = join(folder, `${index}.pem`)
        writeFileSync(file, made.pem)
        writeFileSync(`${file}.der`, made.der)
        const { stderr } = await run('openssl', ['verify', '-crl_check', ...args, '-no-CApath', '-CAfile', join(folder, 'root.pem'), '-untrusted', join(folder, 'issuing.pem'), '-CRLfile', file, leaf])
        const isRead = !stderr.includes('Could not read')
        const isRevoked = stderr.includes('error 23 at')
        if (isRead) counters.read++
        if (isRevoked) counters.revoked++
        for (const [form, patterns] of [['PEM', [file]], ['DER', [`${file}.der`]]] as const) {
          const set = await loadRevocations({ patterns, authorities: [root.x509, issuing.x509] }).catch((thrown: Error) => thrown)
          const statusOf = (who: typeof alice): string => set instanceof Error ? set.message : set.status([who.x509]).status
          if (isRevoked) t.equal(statusOf(listed), 'revoked', `${index} ${name}, in ${form}`)
          if (!isRead && !(set instanceof Error) && set.status([unlisted.x509], STRICT).status === 'good' && !READ_HERE.test(name)) t.fail(`${index} ${name}, in ${form}: proves somebody good`)
        }
      })
      t.comment(counters)
      t.ok(counters.revoked > 20 / ONE_OF && counters.read > counters.revoked && counters.all > counters.read, 'all cases occurred')
    })
  }
})
