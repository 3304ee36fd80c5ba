/**
 * Compares random CRLs of a small PKI with `openssl verify`: a client that OpenSSL rejects as revoked is never
 * good here. A fixed seed makes failures reproducible.
 *
 * The test compares error 23 only (certificate revoked). Where OpenSSL accepts no CRL (errors 3, 8, 12, 44), it is
 * stricter than RFC 5280 section 6.3.3: for an expired complete CRL with a current delta CRL, for a CRL that several
 * distribution points name for some reasons each, and for two keys of one name. The cases leave out delta CRLs
 * without their base, because OpenSSL reads them as complete CRLs. They also leave out removeFromCRL in a complete
 * CRL: OpenSSL ignores such an entry, and this package takes it for a revocation.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { directoryName, extension, keyIdOf, makeCrl, namesPoints, scope, serialOf, STRICT, subjectOf, uri, wordFor, type CrlOptions, type ScopeOptions } from '../support/crl.js'
import { createAuthority, element, KeyUsageFlags } from '../support/pki.js'
import { run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'

const RUNS = 250
const SEED = 20260101
const DAY = 24 * 60 * 60 * 1000

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root })
const twin = await createAuthority({ name: 'Issuing', issuer: root })
const signer = await root.issue({ name: 'Issuing', keyUsage: KeyUsageFlags.cRLSign })
const lister = await root.issue({ name: 'Lister', keyUsage: KeyUsageFlags.cRLSign })
/** X509_V_ERR_CERT_REVOKED. */
const REVOKED = '23'
const PARTS = [uri('http://crl.test/1'), uri('http://crl.test/2')]
const leaves = await Promise.all([
  issuing.issue({ name: 'plain', serial: '11' }),
  issuing.issue({ name: 'in a part', serial: '12', extensions: [namesPoints({ names: PARTS.slice(0, 1) })] }),
  issuing.issue({ name: 'for some reasons', serial: '13', extensions: [namesPoints({ names: PARTS.slice(0, 1), reasons: [1, 2, 3, 4] }, { names: PARTS.slice(1), reasons: [5, 6, 7, 8] })] }),
  issuing.issue({ name: 'listed elsewhere', serial: '14', extensions: [namesPoints({ crlIssuer: [directoryName(subjectOf(lister.der))] })] }),
  twin.issue({ name: 'of the namesake', serial: '11' })
])
const authorities = [root, issuing, twin, signer, lister]
const signers = { root, issuing, twin, signer, lister }

/** The first and the last day of validity, in days from now. */
const dates = fc.constantFrom([-2, 1], [-2, 1], [-1, 2], [-1, 2], [-9, -1], [1, 2]).map(([begins = 0, ends = 0]) => ({
  thisUpdate: new Date(Date.now() + begins * DAY), nextUpdate: new Date(Date.now() + ends * DAY)
}))
const sometimes = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const scopes = sometimes(fc.record({
  names: sometimes(fc.constantFrom(PARTS.slice(0, 1), PARTS.slice(1), PARTS)),
  kind: sometimes(fc.constantFrom<ScopeOptions[]>({ onlyUser: true }, { onlyAuthority: true }, { onlyAttribute: true })),
  reasons: sometimes(fc.constantFrom<number[][]>([1, 2, 3, 4], [5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8])),
  indirect: fc.boolean()
}))
const crls = fc.record({
  by: fc.constantFrom('issuing', 'issuing', 'twin', 'signer', 'lister', 'root'),
  number: fc.integer({ min: 2, max: 4 }),
  base: sometimes(fc.constant(1)),
  dates,
  scope: scopes,
  entries: fc.subarray(['11', '12', '13', '14', serialOf(issuing.der)], { maxLength: 2 }),
  listsLeaf: fc.boolean(),
  reason: sometimes(fc.constantFrom(1, 6, 8)),
  defect: fc.integer({ min: 0, max: 9 }).map((die) => die === 0)
})

type Description = typeof crls extends fc.Arbitrary<infer Value> ? Value : never

function make ({ by, number, base, dates, scope: part, entries, listsLeaf, reason, defect }: Description, leaf: string): { der: Buffer, pem: string } {
  const issuer = part?.indirect === true && by === 'lister' ? { certificateIssuer: subjectOf(issuing.der) } : {}
  const given = reason === undefined || (reason === 8 && base === undefined) ? {} : { reason }
  const { names, kind, reasons, indirect } = part ?? {}
  const options: CrlOptions = {
    number: base === undefined ? number : number + 10,
    ...(base === undefined ? {} : { base }),
    ...dates,
    keyId: keyIdOf(signers[by as keyof typeof signers].der),
    ...(part === undefined ? {} : { scope: scope({ ...kind, ...(names && { names }), ...(reasons && { reasons }), ...(indirect === true && { indirect }) }) }),
    entries: [...entries, ...(listsLeaf ? [leaf] : [])].map((serial) => ({ serial, ...given, ...issuer })),
    extensions: defect ? [extension('1.3.6.1.4.1.99999.1', element(0x05), true)] : []
  }
  return makeCrl(signers[by as keyof typeof signers], options)
}

t.test(`a client that OpenSSL rejects as revoked is not good, in ${RUNS} random cases`, async (t) => {
  const folder = makeTestFolder(t, { crls: {} })
  const files = { root: join(folder, 'root.pem'), others: join(folder, 'others.pem'), lists: join(folder, 'lists.pem'), leaf: join(folder, 'leaf.pem') }
  writeFileSync(files.root, root.certificate)
  const counters = { good: 0, revoked: 0, unknown: 0, claimed: 0 }
  await fc.assert(fc.asyncProperty(fc.nat(leaves.length - 1), fc.array(crls, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 9 }).map((die) => die > 0), async (chosen, descriptions, isRootCovered) => {
    const leaf = leaves[chosen] as typeof leaves[number]
    const issuer = leaf.x509.checkIssued(issuing.x509) && leaf.x509.verify(issuing.x509.publicKey) ? issuing : twin
    // Every case holds the first complete CRLs, so that no delta CRL lacks its base.
    const made = [...descriptions.map((description) => make(description, serialOf(leaf.der))), ...(isRootCovered ? [makeCrl(root)] : []), makeCrl(issuing, { keyId: keyIdOf(issuing.der), thisUpdate: new Date(Date.now() - 8 * DAY), nextUpdate: new Date(Date.now() - 7 * DAY) })]
    writeFileSync(files.lists, made.map(({ pem }) => pem).join(''))
    writeFileSync(files.others, [issuer, issuing, twin, signer, lister].map(({ certificate }) => certificate).join(''))
    writeFileSync(files.leaf, leaf.certificate)
    const set = await loadRevocations({ patterns: [files.lists], authorities: authorities.map(({ x509 }) => x509) })
    const ours = set.status([leaf.x509, issuer.x509], STRICT)
    counters[ours.status]++
    const { status, stderr } = await run('openssl', ['verify', '-crl_check_all', '-extended_crl', '-use_deltas', '-no-CApath', '-CAfile', files.root, '-untrusted', files.others, '-CRLfile', files.lists, files.leaf])
    const theirs = /error (\d+) at/.exec(stderr)?.[1]
    if (status !== 0 && theirs === undefined) throw new Error(`openssl: ${stderr}`)
    if (theirs === REVOKED) counters.claimed++
    if (theirs === REVOKED && ours.status === 'good') throw new Error(`OpenSSL says ${stderr}, we say ${wordFor(ours)}`)
  }), { numRuns: RUNS, seed: SEED, endOnFailure: true })
  t.comment(counters)
  t.ok(counters.good > RUNS / 50 && counters.revoked > RUNS / 5 && counters.unknown > RUNS / 10 && counters.claimed > RUNS / 25, 'all cases occurred')
})
