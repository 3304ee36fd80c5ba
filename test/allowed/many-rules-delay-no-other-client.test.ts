import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import type { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { readSubjectNames } from '../../lib/x509/subject-names.js'
import { issue } from '../support/allowed.js'
import { manyRules } from '../support/many-rules.js'

const list = (count: number): Buffer => Buffer.from(manyRules(count))

async function read (bytes: Buffer): Promise<AllowedSet> {
  return await parseAllowedList(bytes, 'allowed.txt', { file: 'allowed.txt' })
}

t.test('the event loop keeps running while a hundred thousand rules are loaded', async (t) => {
  const bytes = list(100_000)
  let turns = 0
  let isOver = false
  const turn = (): void => { if (!isOver) { turns++; setImmediate(turn) } }
  setImmediate(turn)
  const set = await read(bytes)
  isOver = true
  t.equal(set.size, 100_000)
  t.same([...set.roles], ['reader', 'writer'])
  // A slice takes a millisecond, and all of them took 180 ms of one processor.
  t.ok(turns > 50, `${turns} turns`)
})

t.test('long turns of the event loop do not multiply the time that a list takes', async (t) => {
  // As in a flood of handshakes.
  const LONG = 20
  let turns = 0
  let isOver = false
  const turn = (): void => {
    if (isOver) return
    turns++
    const start = performance.now()
    while (performance.now() - start < LONG);
    setImmediate(turn)
  }
  setImmediate(turn)
  const start = performance.now()
  await read(list(100_000))
  isOver = true
  const others = performance.now() - start - turns * LONG
  // With slices of a millisecond each there would be as many turns as milliseconds.
  t.ok(turns < Math.max(60, others / 3), `${turns} turns, and ${others.toFixed()} ms of work`)
})

t.test('the event loop keeps running while very many wrong lines are rejected', async (t) => {
  let turns = 0
  let isOver = false
  const turn = (): void => { if (!isOver) { turns++; setImmediate(turn) } }
  setImmediate(turn)
  await t.rejects(read(Buffer.concat([list(50_000), Buffer.from('x\n'.repeat(50_000))])), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 50_001 })
  isOver = true
  t.ok(turns > 20, `${turns} turns`)
})

/** The shortest of several runs, in milliseconds. */
function cost (work: () => void): number {
  let least = Infinity
  for (let run = 0; run < 20; run++) {
    const start = performance.now()
    for (let time = 0; time < 200; time++) work()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

t.test('matching a client takes as much work with a hundred thousand rules as with ten', async (t) => {
  const { der } = await issue({ name: 'client 4', uris: ['spiffe://example.org/ns/shop/sa/client-0'], dnsNames: ['client-1.example.org', 'x.example.org'], emails: ['client-2@example.org'], ipAddresses: ['10.0.0.3', '2001:db8::1'] })
  const applicant = { names: readSubjectNames(der), tbs: '', spki: '' }
  const [few, many] = [await read(list(10)), await read(list(100_000))]
  for (const set of [few, many]) t.same(set.rulesFor(applicant).map(({ line }) => line), [1, 2, 3, 4, 5])
  const [before, after] = [cost(() => { few.rulesFor(applicant) }), cost(() => { many.rulesFor(applicant) })]
  // A walk over all of them would take ten thousand times as long.
  t.ok(after < Math.max(before * 10, 20), `${before.toFixed(2)} ms, then ${after.toFixed(2)} ms for 200`)
})
