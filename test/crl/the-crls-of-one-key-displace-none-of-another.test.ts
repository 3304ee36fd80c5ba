import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { type RetentionOptions, retainCrls } from '../../lib/revocation/crl/retention.js'
import { Authorities } from '../../lib/x509/authorities.js'
import type { SourcedCrl } from '../../lib/revocation/crl/series.js'
import { verifyCrl } from '../../lib/revocation/crl/verify.js'
import { makeCrl, wordFor, type CrlOptions, type MadeCrl } from '../support/crl.js'
import { createAuthority, element, type Authority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other' })
const authorities = new Authorities([root.x509, other.x509])
const { all: signers } = authorities
const limits = { limit: 1_000_000, tooMany: () => new Error('too many') }
const GIVEN_UP = 'FST_ENDPOINT_CRL_GIVEN_UP'

async function read (signer: Authority, options: CrlOptions): Promise<SourcedCrl> {
  const outcome = await verifyCrl(makeCrl(signer, options).der, signers, limits)
  if ('problem' in outcome) throw new Error(outcome.problem)
  return { ...outcome.verified, source: { file: 'a.crl' }, pattern: '*.crl' }
}

/** CRLs as a key with many scopes has them. */
function scopesOf (crl: SourcedCrl, count: number): SourcedCrl[] {
  return Array.from({ length: count }, (_, index) => ({ ...crl, digest: `${crl.digest} ${index}`, crl: { ...crl.crl, scopeKey: String(index) } }))
}

const keeping = (previous: readonly SourcedCrl[], options: Partial<RetentionOptions> = {}): RetentionOptions => ({
  signers, previous, newest: new Map(), mayStay: () => true, isLineRemoved: () => false, room: Infinity, ...options
})
const large = await read(root, { entries: Array.from({ length: 100 }, (_, index) => ({ serial: String(1000 + index) })) })
const small = await read(other, { entries: [{ serial: '11' }] })

t.test('each key has its own share of the CRLs that are kept after their files are gone', async (t) => {
  const { retained, dropped, crls } = retainCrls([], keeping([...scopesOf(large, 1100), ...scopesOf(small, 5)]))
  t.equal(retained.filter(({ signer }) => signer === small.signer).length, 5)
  t.equal(retained.filter(({ signer }) => signer === large.signer).length, 1000)
  t.equal(crls.length, 1005)
  t.equal(dropped.length, 100)
  t.ok(dropped.every(({ digest }) => Number(digest.split(' ').at(-1)) >= 1000), 'those that have been gone for the longest time')
})

t.test('the key with the most entries loses its kept CRLs first', async (t) => {
  for (const before of [[...scopesOf(large, 10), ...scopesOf(small, 5)], [...scopesOf(small, 5), ...scopesOf(large, 10)]]) {
    const { retained, dropped } = retainCrls([], keeping(before, { room: 405 }))
    t.equal(retained.filter(({ signer }) => signer === small.signer).length, 5)
    t.equal(retained.filter(({ signer }) => signer === large.signer).length, 4)
    t.equal(dropped.length, 6)
  }
  t.same(retainCrls([], keeping([large], { room: -1 })).retained, [])
})

t.test('the total of kept CRLs has a limit too', async (t) => {
  const many = Array.from({ length: 12 }, (_, key) => scopesOf({ ...large, signer: `key ${key}`, digest: `of key ${key}` }, 1000)).flat()
  const own = signers.flatMap((signer) => signer.name === large.crl.issuer ? Array.from({ length: 12 }, (_, key) => ({ ...signer, identity: { ...signer.identity, spki: `key ${key}` } as typeof signer.identity })) : [])
  const { retained } = retainCrls([], keeping([...many, ...scopesOf(small, 3)], { signers: [...own, ...signers] }))
  t.equal(retained.length, 10_000)
  t.equal(retained.filter(({ signer }) => signer === small.signer).length, 3)
})

t.test('the memory of old series has a limit, and one key takes no space from another', async (t) => {
  let { newest } = retainCrls([small], keeping([]))
  for (let round = 0; round < 3; round++) {
    const found = scopesOf(large, 9000).map((one) => ({ ...one, crl: { ...one.crl, scopeKey: `${round} ${one.crl.scopeKey}` } }))
    newest = retainCrls(found, keeping([], { newest })).newest
  }
  t.equal(newest.size, 10_001)
  t.same([...newest.keys()].filter((key) => key.startsWith(small.signer)).length, 1)
})

/** A CRL whose number and date cannot be read. */
const timeless = (signer: Authority, serial: string): MadeCrl => makeCrl(signer, { number: null, entries: [{ serial }], rewrite: (parts) => parts.with(3, element(0x17, Buffer.from('some time'))) })

t.test('CRLs of one key never displace those of another, and a dropped CRL is reported for as long as its line exists', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.crl\n' }))
  reloading.authorities = authorities
  for (let turn = 0; turn < 3; turn++) {
    writeFileSync(reloading.path('other.crl'), timeless(other, String(10 + turn)).der)
    await reloading.load()
  }
  for (let turn = 0; turn < 20; turn++) {
    t.same(await reloading.load(), [])
    t.same((reloading.loaded?.concerns as Array<Error & { code: string }>).filter(({ code }) => code === GIVEN_UP).length, turn > 17 ? 1 : 0)
    writeFileSync(reloading.path('root.crl'), timeless(root, String(1000 + turn)).der)
  }
  rmSync(reloading.path('root.crl'))
  for (let round = 0; round < 2; round++) {
    t.same(await reloading.load(), [])
    t.match(reloading.loaded?.concerns.find((concern) => (concern as { code?: string }).code === GIVEN_UP), {
      code: GIVEN_UP,
      file: reloading.path('root.crl'),
      message: /Too many CRLs of CN=Root have lost their files, so some are no longer in force, among them one from ".*root\.crl": what they revoked is no longer revoked/
    })
  }
  const word = async (authority: Authority, serial: string) => wordFor(reloading.loaded?.set.status([(await authority.issue({ name: 'one', serial })).x509]) ?? { status: 'good' })
  for (const serial of ['10', '11', '12']) t.equal(await word(other, serial), 'revoked')
  t.equal(await word(root, '1019'), 'good', 'never loaded')
  t.equal(await word(root, '1018'), 'revoked')
  t.equal(await word(root, '1000'), 'good')
  writeFileSync(reloading.list, '# none\n')
  t.same(await reloading.load(), [])
  t.same(reloading.loaded?.concerns, [])
})
