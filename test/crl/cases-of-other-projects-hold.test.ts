/**
 * Repeats the CRL tests of other projects under their own names: x509-limbo (limbo), rustls' webpki, OpenSSL's
 * crltest, and Go's crypto/x509. The strict policies apply unless a row says otherwise. A row that expects another
 * result than the other project says why.
 */
import t from 'tap'
import type { RevocationPolicy } from '../../lib/revocation/index.js'
import { commonName, directoryName, extension, integer, loadCrls, makeCrl, namesPoints, scope, serialOf, STRICT, subjectOf, uri, wordFor, type CrlOptions } from '../support/crl.js'
import { createAuthority, element, KeyUsageFlags, type Authority } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root })
const mute = await createAuthority({ name: 'Root', keyPair: root.keyPair, keyUsage: KeyUsageFlags.keyCertSign })
const free = await createAuthority({ name: 'Root', keyPair: root.keyPair, keyUsage: null })
const other = await createAuthority({ name: 'Other' })
const leaf = await issuing.issue({ name: 'leaf', serial: '11' })
const client = await root.issue({ name: 'client', serial: '22' })
const pointed = await root.issue({ name: 'pointed', serial: '33', extensions: [namesPoints({ names: [uri('http://crl.test/1')] })] })
const CRITICAL = extension('1.3.6.1.4.1.99999.1', element(0x05), true)
const PAST = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-02-01') }
const cut = (crl: { der: Buffer }, from: number, to: number): { der: Buffer } => ({ der: crl.der.subarray(from, to) })
const flipped = (crl: { der: Buffer }): { der: Buffer } => ({ der: Buffer.concat([crl.der.subarray(0, -1), Buffer.of((crl.der.at(-1) as number) ^ 1)]) })
const of = (options: CrlOptions = {}): { der: Buffer } => makeCrl(root, options)
const listing = (options: object = {}): CrlOptions => ({ entries: [{ serial: '22', ...options }] })

interface Row {
  readonly name: string
  readonly crls: Array<{ der: Buffer }>
  /** The status of the client, or the code of the error. */
  readonly is: string
  readonly authorities?: Authority[]
  readonly policy?: RevocationPolicy
  readonly of?: { x509: typeof client.x509 }
}

const rows: Row[] = [
  { name: 'limbo: revoked-certificate-with-crl', crls: [of(listing())], is: 'revoked' },
  { name: 'limbo: certificate-not-on-crl', crls: [of({ entries: [{ serial: '23' }] })], is: 'good' },
  { name: 'limbo: certificate-serial-on-crl-different-issuer', crls: [makeCrl(other, listing()), of()], is: 'good' },
  { name: 'limbo: crlnumber-missing', crls: [of({ number: null })], is: 'unknown' },
  { name: 'limbo: crlnumber-critical', crls: [of({ number: null, extensions: [extension('2.5.29.20', integer(1), true)] })], is: 'unknown' },
  { name: 'limbo: a CRL without nextUpdate', crls: [of({ nextUpdate: null })], is: 'good' },
  { name: 'webpki: valid', crls: [of({ ...listing({ reason: 1 }), number: 0x171cce3de482ba61n })], is: 'revoked keyCompromise' },
  { name: 'webpki: empty', crls: [of()], is: 'good' },
  { name: 'webpki: mismatched signature algorithms', crls: [of({ innerAlgorithm: 'ECDSA-SHA512' })], is: 'FST_ENDPOINT_FILE_INVALID' },
  { name: 'webpki: invalid thisUpdate', crls: [of({ rewrite: (parts) => parts.with(3, element(0x17, Buffer.from('999999999999Z'))) })], is: 'unknown' },
  { name: 'webpki: wrong version', crls: [of({ rewrite: (parts) => parts.with(0, integer(7)) })], is: 'unknown' },
  { name: 'webpki: missing extensions (version 2 without any: no CRL number)', crls: [of({ rewrite: (parts) => parts.slice(0, -1) })], is: 'unknown' },
  { name: 'webpki: delta CRL alone', crls: [of({ number: 2, base: 1 })], is: 'unknown' },
  { name: 'webpki: unknown critical extension', crls: [of({ extensions: [CRITICAL] })], is: 'unknown' },
  { name: 'webpki: negative CRL number', crls: [of({ number: null, extensions: [extension('2.5.29.20', element(0x02, Buffer.of(0x80)))] })], is: 'unknown' },
  { name: 'webpki: negative serial number in an entry (webpki rejects the CRL, we accept the number)', crls: [of({ entries: [{ serial: '80' }] })], is: 'good' },
  { name: 'webpki: entry without extensions', crls: [of(listing())], is: 'revoked' },
  { name: 'webpki: entry with an empty list of extensions', crls: [of({ rewrite: (parts) => parts.toSpliced(5, 0, element(0x30, element(0x30, element(0x02, Buffer.of(0x22)), element(0x17, Buffer.from('260101000000Z')), element(0x30)))) })], is: 'revoked' },
  { name: 'webpki: entry with an unknown critical extension', crls: [of({ entries: [{ serial: '23', extensions: [CRITICAL] }] })], is: 'unknown' },
  { name: 'webpki: entry with an unknown reason', crls: [of(listing({ reason: 42 }))], is: 'revoked' },
  { name: 'webpki: entry with an invalidity date', crls: [of(listing({ extensions: [extension('2.5.29.24', element(0x18, Buffer.from('20260101000000Z')))] }))], is: 'revoked' },
  { name: 'webpki: entry with a certificate issuer in a CRL that is not indirect', crls: [of({ entries: [{ serial: '23', certificateIssuer: subjectOf(other.der) }] })], is: 'unknown' },
  { name: 'webpki: no relevant CRL, unknown allowed', crls: [makeCrl(other)], is: 'good', policy: {} },
  { name: 'webpki: no relevant CRL, unknown denied', crls: [makeCrl(other)], is: 'unknown' },
  { name: 'webpki: end entity depth, intermediate uncovered', crls: [makeCrl(issuing)], is: 'good', policy: { ...STRICT, revocationDepth: 'leaf' }, of: leaf },
  { name: 'webpki: chain depth, intermediate uncovered', crls: [makeCrl(issuing)], is: 'unknown', of: leaf },
  { name: 'webpki: chain depth, intermediate revoked', crls: [of({ entries: [{ serial: serialOf(issuing.der) }] }), makeCrl(issuing)], is: 'revoked', of: leaf },
  { name: 'webpki: chain depth, nobody revoked', crls: [of(), makeCrl(issuing)], is: 'good', of: leaf },
  { name: 'webpki: wrong key usage', crls: [of(listing())], is: 'FST_ENDPOINT_CRL_UNSIGNED', authorities: [mute] },
  { name: 'webpki: no key usage', crls: [of(listing())], is: 'revoked', authorities: [free] },
  { name: 'webpki: bad signature', crls: [flipped(of(listing()))], is: 'FST_ENDPOINT_CRL_UNSIGNED' },
  { name: 'webpki: distribution point of the certificate', crls: [of({ scope: scope({ names: [uri('http://crl.test/1')] }) })], is: 'good', of: pointed },
  { name: 'webpki: unrelated distribution point', crls: [of({ scope: scope({ names: [uri('http://crl.test/9')] }) })], is: 'unknown', of: pointed },
  { name: 'webpki: distribution point, and a certificate that names none', crls: [of({ scope: scope({ names: [uri('http://crl.test/1')] }) })], is: 'unknown' },
  { name: 'webpki: only authorities, asked about a user', crls: [of({ scope: scope({ onlyAuthority: true }) })], is: 'unknown' },
  { name: 'webpki: only users, asked about a user', crls: [of({ scope: scope({ onlyUser: true }) })], is: 'good' },
  { name: 'webpki: some reasons only', crls: [of({ scope: scope({ reasons: [1] }) })], is: 'unknown' },
  { name: 'webpki: attribute certificates only', crls: [of({ scope: scope({ onlyAttribute: true }) })], is: 'unknown' },
  { name: 'webpki: expired, expiry enforced', crls: [of(PAST)], is: 'unknown' },
  { name: 'webpki: expired, expiry ignored', crls: [of(PAST)], is: 'good', policy: { unknownStatus: 'deny' } },
  { name: 'webpki: an expired CRL does not shadow a current one', crls: [of({ ...PAST, number: 1 }), of({ number: 2 })], is: 'good' },
  { name: 'webpki: an expired CRL does not shadow one of another scope', crls: [of({ ...PAST, number: 9, scope: scope({ onlyUser: true }) }), of({ number: 1 })], is: 'good' },
  { name: 'OpenSSL: basic CRL', crls: [of({ version: 1 })], is: 'good' },
  { name: 'OpenSSL: basic CRL and one that revokes', crls: [of({ version: 1, thisUpdate: new Date('2026-01-01') }), of({ version: 1, ...listing() })], is: 'revoked' },
  { name: 'OpenSSL: CRL of a bad issuer', crls: [of({ issuer: commonName('Bad') })], is: 'FST_ENDPOINT_CRL_UNSIGNED' },
  { name: 'OpenSSL: known critical extension', crls: [of({ scope: scope({ names: [directoryName(subjectOf(root.der))] }) })], is: 'good' },
  { name: 'OpenSSL: unknown critical extension, before and after a known one', crls: [of({ extensions: [CRITICAL, scope({})] })], is: 'unknown' },
  { name: 'OpenSSL: unknown critical extension after a known one', crls: [of({ scope: scope({}), extensions: [CRITICAL] })], is: 'unknown' },
  { name: 'OpenSSL: unknown critical extension in a CRL that revokes', crls: [of({ ...listing(), extensions: [CRITICAL] })], is: 'revoked' },
  { name: 'Go: data after the CRL', crls: [{ der: Buffer.concat([of().der, Buffer.from('0500', 'hex')]) }], is: 'FST_ENDPOINT_FILE_INVALID' },
  { name: 'Go: truncated', crls: [cut(of(listing()), 0, -3)], is: 'FST_ENDPOINT_FILE_INVALID' },
  { name: 'Go: only the signed part', crls: [cut(of(), 4, 80)], is: 'FST_ENDPOINT_FILE_INVALID' },
  { name: 'Go: certificates on hold', crls: [of(listing({ reason: 6 }))], is: 'revoked certificateHold' },
  { name: 'Go: a serial number of twenty bytes and the top bit set', crls: [of({ entries: [{ serial: `00${'ff'.repeat(20)}` }] })], is: 'good' }
]

for (const { name, crls, is, authorities = [root, issuing, other], policy = STRICT, of: subject = client } of rows) {
  t.test(`${name}: ${is}`, async (t) => {
    if (is.startsWith('FST_')) {
      await t.rejects(loadCrls(t, authorities, crls), { code: is })
      return
    }
    const set = await loadCrls(t, authorities, crls)
    t.equal(wordFor(set.status([subject.x509], policy)), is)
  })
}
