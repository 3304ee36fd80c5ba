import { mock } from 'node:test'
import t from 'tap'
import { ExpiryWarnings } from '../../lib/watching/expiry-warnings.js'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR

function logInto (lines: string[]): ConstructorParameters<typeof ExpiryWarnings>[0]['log'] {
  return { warn: (_details, message) => lines.push(message), error: (_details, message) => lines.push(message) }
}

function at (now: number, begins: number, ends: number, lastPart = 1 / 10): string[] {
  const said: string[] = []
  const warnings = new ExpiryWarnings({ lastPart, now: () => now, log: logInto(said) })
  const expiring = { id: 'x', file: 'a.pem', begins, ends, soon: 'soon', over: 'over', details: {} }
  warnings.watch([expiring])
  warnings.watch([expiring])
  warnings.close()
  return said
}

t.test('a long-lived certificate causes a warning in the last part of its lifetime', async (t) => {
  t.same(at(89 * DAY, 0, 100 * DAY), [])
  t.same(at(91 * DAY, 0, 100 * DAY), ['soon'])
  t.same(at(101 * DAY, 0, 100 * DAY), ['over'])
})

t.test('a warning comes at the latest one day before the end', async (t) => {
  t.same(at(1.9 * DAY, 0, 3 * DAY), [])
  t.same(at(2.1 * DAY, 0, 3 * DAY), ['soon'])
})

t.test('a certificate that lives less than two days causes a warning only in its last part', async (t) => {
  t.same(at(0.5 * HOUR, 0, HOUR), [])
  t.same(at(0.95 * HOUR, 0, HOUR), ['soon'])
})

t.test('both warnings come in time, even if a timer cannot wait that long', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  t.teardown(() => mock.timers.reset())
  const said: string[] = []
  const warnings = new ExpiryWarnings({ lastPart: 1 / 10, now: Date.now, log: logInto(said) })
  const begins = Date.now()
  warnings.watch([{ id: 'x', file: 'a.pem', begins, ends: begins + 400 * DAY, soon: 'soon', over: 'over', details: {} }])
  t.same(said, [])
  for (let day = 0; day < 361; day++) mock.timers.tick(DAY)
  t.same(said, ['soon'])
  for (let day = 0; day < 41; day++) mock.timers.tick(DAY)
  t.same(said, ['soon', 'over'])
})
