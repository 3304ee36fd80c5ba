import { performance } from 'node:perf_hooks'
import t from 'tap'
import { Slices } from '../../lib/turns.js'

/** Whether slices are over in which so much time has passed; of many, since the machine may take time that is not ours. */
function areOver (milliseconds: number, most: number, begin: () => Slices): boolean[] {
  const found: boolean[] = []
  for (let tries = 0; tries < 500 && found.length < 20; tries++) {
    const before = performance.now()
    const slices = begin()
    const start = performance.now()
    while (performance.now() < start + milliseconds);
    const { over } = slices
    if (performance.now() - before < most) found.push(over)
  }
  return found
}

t.test('a slice that closes no connection goes on, since each slice costs a turn', async (t) => {
  const found = areOver(0.3, 0.9, () => new Slices())
  t.ok(found.length > 0)
  t.notOk(found.includes(true))
})

t.test('a slice that closes a connection ends soon, since the teardown takes longer than the close', async (t) => {
  const found = areOver(0.3, 0.9, () => {
    const slices = new Slices()
    slices.cut()
    return slices
  })
  t.ok(found.length > 0)
  t.notOk(found.includes(false))
})

t.test('the next slice starts with a full budget', async (t) => {
  const found: boolean[] = []
  for (let tries = 0; tries < 500 && found.length < 20; tries++) {
    const slices = new Slices()
    slices.cut()
    await slices.next()
    const start = performance.now()
    while (performance.now() < start + 0.3);
    const { over } = slices
    if (performance.now() - start < 0.5) found.push(over)
  }
  t.ok(found.includes(false))
})
