import t from 'tap'
import { type RevocationEntry, RevocationKeys } from '../../lib/revocation/set/keys.js'

function * entries (count: number): Generator<RevocationEntry> {
  for (let index = 0; index < count; index++) yield { kind: 'tbs', value: `sha256//${index}`, source: { line: 1 } }
}

t.test('the event loop keeps turning while 200,000 keys are added', async (t) => {
  let turns = 0
  let isOver = false
  const turn = (): void => { if (!isOver) { turns++; setImmediate(turn) } }
  setImmediate(turn)
  const keys = await RevocationKeys.none.withMany(entries(200_000))
  isOver = true
  t.equal(keys.size, 200_000)
  t.ok(turns > 10, `${turns} turns`)
  t.ok(keys.isSameAs(RevocationKeys.none.with(entries(200_000))), 'and are the same as without slices')
})
