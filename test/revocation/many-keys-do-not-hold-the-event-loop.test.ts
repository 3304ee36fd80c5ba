import { createHash } from 'node:crypto'
import t from 'tap'
import { type Key, KeyTable } from '../../lib/revocation/set/key-table.js'

function * keys (count: number): Generator<Key> {
  for (let index = 0; index < count; index++) {
    yield { kind: 'tbs', value: `sha256//${createHash('sha256').update(`${index}`).digest('base64')}` }
  }
}

t.test('the event loop keeps turning while 200,000 keys are added', async (t) => {
  let turns = 0
  let isOver = false
  const turn = (): void => { if (!isOver) { turns++; setImmediate(turn) } }
  setImmediate(turn)
  const table = await KeyTable.of(keys(200_000))
  isOver = true
  t.equal(table.size, 200_000)
  t.ok(turns > 10, `${turns} turns`)
})
