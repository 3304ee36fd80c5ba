import t from 'tap'
import { backoff, jittered } from '../../lib/watching/backoff.js'

t.test('the backoff doubles with each failure, up to a maximum', async (t) => {
  t.same([1, 2, 3, 4, 5, 5000].map((failures) => backoff(failures, 100, 1000)), [100, 200, 400, 800, 1000, 1000])
  t.equal(backoff(0, 100, 1000), 100)
})

t.test('the jitter stays within its share of the wait', async (t) => {
  t.same([0, 0.5, 1].map((random) => jittered(1000, 0.25, random)), [750, 1000, 1250])
  for (let tries = 0; tries < 100; tries++) {
    const wait = backoff(3, 100, 1000, 0.5)
    t.ok(wait >= 200 && wait <= 600, `${wait} ms`)
  }
})
