import t from 'tap'
import { ProblemReport } from '../../lib/watching/problem-report.js'
import { until } from '../support/until.js'

const PROBLEMS = { problems: [new Error('half a file')], notices: [], warnings: [] }
const NONE = { problems: [], notices: [], warnings: [] }

t.test('the problem is reported when the file is stable and still wrong', async (t) => {
  const logged: string[] = []
  const report = new ProblemReport('revocations', { info: (_details, message) => logged.push(message), warn: (_details, message) => logged.push(message), error: (_details, message) => logged.push(message) })
  t.equal(report.record(PROBLEMS, { isRacy: true }), undefined)
  t.equal(logged.length, 0)
  t.equal(report.record(PROBLEMS, { isRacy: false }), 'failed')
  t.equal(logged.length, 1)
  t.equal(report.record(PROBLEMS, { isRacy: false }), undefined, 'once')
  t.equal(report.record(NONE, { isRacy: false }), 'recovered')
})

t.test('the problem is never reported if the file becomes valid', async (t) => {
  const report = new ProblemReport('revocations')
  t.equal(report.record(PROBLEMS, { isRacy: true }), undefined)
  t.equal(report.record(NONE, { isRacy: false }), undefined)
})

t.test('the problem is reported after a while even if the file keeps changing', async (t) => {
  const report = new ProblemReport('revocations')
  const start = performance.now()
  const outcome = await until('the problem is reported', () => report.record(PROBLEMS, { isRacy: true }))
  t.equal(outcome, 'failed')
  t.ok(performance.now() - start >= 500)
})
