import t from 'tap'
import { DeadlineTimer } from '../../lib/layers/deadline-timer.js'

const DAY = 24 * 60 * 60 * 1000

t.test('a deadline beyond 24.8 days does not fire at once', async (t) => {
  let due = 0
  const timer = new DeadlineTimer(Date.now, () => { due++ })
  timer.arm(Date.now() + 30 * DAY)
  // A setTimeout of more than 2^31 − 1 ms fires after 1 ms, so later timers of 1 ms would fire after it.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => { setTimeout(resolve, 1) })
  t.equal(due, 0)
  timer.close()
})

t.test('the timer fires at the nearest deadline, in whatever order they are set', async (t) => {
  const fired = new Promise<number>((resolve) => {
    const started = Date.now()
    const timer = new DeadlineTimer(Date.now, () => resolve(Date.now() - started))
    timer.arm(started + 60_000)
    timer.arm(started + 20)
    timer.arm(started + 90_000)
    // The timer itself does not keep the process alive.
    t.teardown(() => clearInterval(alive))
    const alive = setInterval(() => {}, 1000)
  })
  t.ok(await fired > 20)
})

t.test('a closed timer does not fire', async (t) => {
  let due = 0
  const timer = new DeadlineTimer(Date.now, () => { due++ })
  timer.arm(Date.now() + 1)
  timer.close()
  timer.arm(Date.now() + 1)
  // Nothing signals that nothing happens, so the test waits: a timer of 1 ms would fire before later ones.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => { setTimeout(resolve, 1) })
  t.equal(due, 0)
})
