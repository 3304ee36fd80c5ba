import t, { type Test } from 'tap'
import { retainCrls } from '../../lib/revocation/crl/retention.js'
import { Authorities } from '../../lib/x509/authorities.js'
import type { SourcedCrl } from '../../lib/revocation/crl/series.js'
import { verifyCrl } from '../../lib/revocation/crl/verify.js'
import { RevocationKeys } from '../../lib/revocation/set/keys.js'
import { ListContents } from '../../lib/revocation/set/list-contents.js'
import type { PatternEntry } from '../../lib/revocation/list/list-file.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { ProblemReport } from '../../lib/watching/problem-report.js'
import { makeCrl, type CrlOptions } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const FEW = 1500
const TIMES = 8
/** Quadratic work would take 64 times as long. */
const AT_MOST = 24
const TRIES = 3

const root = await createAuthority({ name: 'Root' })
const authorities = new Authorities([root.x509])
const { all: signers } = authorities

async function read (options: CrlOptions): Promise<SourcedCrl> {
  const outcome = await verifyCrl(makeCrl(root, options).der, signers, { limit: 100, tooMany: () => new Error('too many') })
  if ('problem' in outcome) throw new Error(outcome.problem)
  return { ...outcome.verified, source: {} }
}

/** Processor time in milliseconds. */
async function costOf (act: () => unknown): Promise<number> {
  let least = Infinity
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = process.cpuUsage()
    await act()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

async function growsWithCount (t: Test, actOf: (count: number) => () => unknown): Promise<void> {
  const few = await costOf(actOf(FEW))
  const many = await costOf(actOf(FEW * TIMES))
  t.ok(many < AT_MOST * Math.max(few, 5), `${many} ms for ${FEW * TIMES}, ${few} ms for ${FEW}`)
}

const complete = await read({ number: 5 })
const delta = await read({ number: 7, base: 6 })
const FORMS: Array<[name: string, crl: SourcedCrl, change: (index: number) => Partial<SourcedCrl['crl']>]> = [
  ['of one series', complete, (index) => ({ number: BigInt(index) })],
  ['of many scopes', complete, (index) => ({ scopeKey: String(index) })],
  ['that are delta CRLs without a complete CRL', delta, (index) => ({ number: BigInt(index + 10), baseNumber: BigInt(index + 9), thisUpdate: index })],
  ['of which none can be shown to be newer', complete, () => ({ number: undefined, thisUpdate: undefined, defect: 'no number' })]
]
for (const [name, crl, change] of FORMS) {
  const some = (count: number, what: string, file?: string): SourcedCrl[] => Array.from({ length: count }, (_, index) => {
    return { ...crl, digest: `${what} ${index}`, source: { file: file ?? `${index}.crl` }, pattern: '*.crl', crl: { ...crl.crl, ...change(index) } }
  })
  t.test(`the time grows in proportion to the number of CRLs ${name}`, async (t) => {
    await growsWithCount(t, (count) => {
      const keeping = { signers, mayStay: () => true, isLineRemoved: () => false, room: Infinity }
      const [first, second] = [some(count, 'first'), some(count, 'second', 'all.crl')]
      return () => {
        const { crls, newest } = retainCrls(first, { ...keeping, previous: [], newest: new Map() })
        retainCrls(second, { ...keeping, previous: crls, newest })
        return new RevocationSet({ loadedAt: new Date(), authorities, crls })
      }
    })
  })
}

t.test('the time grows in proportion to the number of problems', async (t) => {
  await growsWithCount(t, (count) => () => {
    const report = new ProblemReport('the revocations')
    const errors = (): Error[] => Array.from({ length: count }, (_, index) => new Error(`problem ${index}`))
    for (let round = 0; round < 3; round++) report.record({ problems: errors(), notices: [], warnings: [], concerns: errors() }, { isRacy: false })
  })
})

t.test('the time grows in proportion to the number of lines that name a CRL each', async (t) => {
  await growsWithCount(t, (count) => {
    const entries = Array.from({ length: count }, (_, index): PatternEntry => ({ kind: 'pattern', value: `${index}.crl`, line: index + 1 }))
    const edit = ListContents.none.edit('/revoked.txt', entries, false, { delay: 0, now: 0, clock: () => 0, isConfirming: false }, RevocationKeys.none.edit())
    for (const entry of entries) edit.apply({ path: `/${entry.value}`, content: { tbs: [], crls: [complete], problems: [], warnings: [] } }, [entry])
    const contents = edit.finish()
    return () => {
      t.equal([...contents.crls()].length, count)
    }
  })
})
