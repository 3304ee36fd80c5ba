/** The follower pauses between loads, even if each load asks for the next within a millisecond. */
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Follower, type Loaded } from '../../lib/watching/follower.js'

const AT_ONCE: Loaded = { observed: new Map(), problems: [], again: 1 }
const LONGEST_WAIT = 30_000

/** Milliseconds between the end of each load and the beginning of the next. */
async function pausesOf (t: Test, loads: number, load: () => Promise<Loaded>): Promise<number[]> {
  const pauses: number[] = []
  let end = performance.now()
  return await new Promise((resolve, reject) => {
    // Nothing of a follower keeps the process alive.
    const timer = setTimeout(() => reject(new Error('nothing was loaded')), LONGEST_WAIT)
    const follower = new Follower({
      loaded: AT_ONCE,
      load: async () => {
        pauses.push(performance.now() - end)
        if (pauses.length === loads) {
          clearTimeout(timer)
          resolve(pauses)
        }
        return await load().finally(() => { end = performance.now() })
      },
      apply: () => {},
      closedError: () => new Error('closed'),
      interval: 100
    })
    t.teardown(() => follower.close())
  })
}

t.test('a load that takes long is followed by a pause', async (t) => {
  const pauses = await pausesOf(t, 4, () => delay(100, AT_ONCE))
  t.ok(pauses.reduce((sum, pause) => sum + pause) > 300, pauses.join())
})

t.test('a load that keeps failing is followed by a pause', async (t) => {
  const [, ...pauses] = await pausesOf(t, 3, () => Promise.reject(new Error('a bug')))
  for (const pause of pauses) t.ok(pause > 200, `${pause} ms`)
})
