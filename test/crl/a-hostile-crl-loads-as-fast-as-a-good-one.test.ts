import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { type CrlOutcome, verifyCrl } from '../../lib/revocation/crl/verify.js'
import { commonName, directoryName, extension, makeCrl, scope, subjectOf, type CrlOptions } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority, element } from '../support/pki.js'

const SIZE = 1024 * 1024
/** At most this many times the cost of the good CRL. With an error for each element it was several hundred times. */
const AT_MOST = 12
/** The fastest try counts, because other programs slow the machine down. */
const TRIES = 3

const root = await createAuthority({ name: 'Root' })
const stranger = await createAuthority({ name: 'Stranger' })
const { all: signers } = new Authorities([root.x509])
const limits = { limit: 1_000_000, tooMany: () => new Error('too many') }

/** Elements of two bytes that mean nothing in a CRL. */
const NULLS = Buffer.alloc(SIZE, Buffer.of(0x05, 0))
const NUMBER = element(0x02, Buffer.of(7))
const DATE = element(0x17, Buffer.from('260101000000Z'))
const ALGORITHM = Buffer.from('06082a8648ce3d040302', 'hex')

const filled = (one: Buffer): Buffer => Buffer.alloc(Math.floor(SIZE / one.length) * one.length, one)
const entriesWith = (...rest: Buffer[]): CrlOptions => ({ madeEntries: filled(element(0x30, NUMBER, DATE, ...rest)) })
const indirect = scope({ indirect: true })

const forms: Array<[name: string, options: CrlOptions]> = [
  ['invalid extensions', { extensions: [NULLS] }],
  ['an entry with invalid extensions', { madeEntries: element(0x30, NUMBER, DATE, element(0x30, NULLS)) }],
  ['an entry with invalid extensions, of other issuers', { scope: indirect, madeEntries: element(0x30, NUMBER, DATE, element(0x30, NULLS)) }],
  ['entries with an invalid extension', entriesWith(element(0x30, element(0x05)))],
  ['entries with truncated extensions', entriesWith(element(0x30, Buffer.of(0x30, 9)))],
  ['entries with other data in place of extensions', entriesWith(element(0x05))],
  ['entries with an invalid reason', entriesWith(element(0x30, extension('2.5.29.21', element(0x05))))],
  ['entries with an invalid BOOLEAN', entriesWith(element(0x30, element(0x30, Buffer.from('0603551d150100', 'hex'))))],
  ['entries with an invalid issuer', { scope: indirect, ...entriesWith(element(0x30, extension('2.5.29.29', element(0x05)))) }],
  ['entries with an issuer whose name is invalid', { scope: indirect, ...entriesWith(element(0x30, extension('2.5.29.29', element(0x30, directoryName(element(0x30, element(0x05))))))) }],
  ['unexpected parts', { rewrite: (parts) => [...parts, NULLS] }],
  ['a signature algorithm with many parts', { rewrite: (parts) => parts.with(1, element(0x30, ALGORITHM, NULLS)) }],
  ['a scope with many parts', { scope: extension('2.5.29.28', element(0x30, NULLS)) }],
  ['an issuer with many parts', { issuer: element(0x30, element(0x31, NULLS)) }]
]

async function read (der: Buffer): Promise<CrlOutcome | undefined> {
  return await verifyCrl(der, signers, limits).catch((error: Error & { code: string }) => {
    if (error.code !== 'FST_ENDPOINT_DER_INVALID') throw error
    return undefined
  })
}

/** Processor time in milliseconds. */
async function costOf (der: Buffer): Promise<number> {
  let least = Infinity
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = process.cpuUsage()
    await read(der)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

const good = makeLargeCrl(root, { count: 31_000 })
t.ok(Math.abs(good.der.length - SIZE) < SIZE / 10, 'the good one is as large')
const cost = await costOf(good.der)

for (const [name, options] of forms) {
  for (const [signer, which] of [[root, 'an authority'], [stranger, 'somebody who uses its name']] as const) {
    t.test(`a CRL with ${name}, signed by ${which}, takes no longer than a good one`, async (t) => {
      const { der } = makeCrl(signer, { issuer: subjectOf(root.der), ...options })
      t.ok(der.length > SIZE * 0.9)
      const hostile = await costOf(der)
      t.ok(hostile < AT_MOST * cost, `${hostile} ms, ${cost} ms for a good one`)
    })
  }
}

t.test('after many unreadable issuers no issuer is read, and the entries revoke for any issuer', async (t) => {
  const { madeEntries = NULLS } = entriesWith(element(0x30, extension('2.5.29.29', element(0x05))))
  const readable = element(0x30, NUMBER, DATE, element(0x30, extension('2.5.29.29', element(0x30, directoryName(commonName('Other'))), true)))
  const issuersOf = async (...entries: Buffer[]): Promise<unknown> => {
    const outcome = await read(makeCrl(root, { scope: indirect, madeEntries: Buffer.concat(entries) }).der)
    return outcome !== undefined && 'verified' in outcome && outcome.verified.crl.isPartial && outcome.verified.crl.issuers.length
  }
  t.equal(await issuersOf(readable, madeEntries), 3, 'the issuer of the CRL, the readable one, anybody')
  t.equal(await issuersOf(madeEntries, readable), 2, 'the issuer of the CRL, anybody')
})

t.test('a CRL with a signature algorithm that is too long is rejected', async (t) => {
  const { der } = makeCrl(root, { rewrite: (parts) => parts.with(1, element(0x30, ALGORITHM, NULLS.subarray(0, 512))) })
  await t.rejects(verifyCrl(der, signers, limits), { code: 'FST_ENDPOINT_DER_INVALID', message: /signature algorithm is too long/ })
})
