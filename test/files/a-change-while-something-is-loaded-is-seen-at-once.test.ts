import { once } from 'node:events'
import { watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { observe, type Observation } from '../../lib/watching/observation.js'
import { type Changes, Poller } from '../../lib/watching/poller.js'
import { DiskCalls } from '../support/disk-calls.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('a change that the file system reports during a load is checked as soon as the load ends', async (t) => {
  const folder = makeTestFolder(t, { one: '1', two: '2' })
  const calls = DiskCalls.count(t)
  const observed = new Map<string, Observation>()
  for (const name of ['one', 'two']) await observe(join(folder, name), observed)
  // A timer holds the test open while the poller waits.
  const timer = setInterval(() => {}, 1000)
  let tell = (_changes: Changes): void => {}
  const changes = new Promise<Changes>((resolve) => { tell = resolve })
  const poller = new Poller({ interval: 3_600_000, onChange: tell })
  t.teardown(() => {
    clearInterval(timer)
    poller.close()
  })
  poller.watch(observed)
  await calls.watches.reach(folder, 1)
  await setImmediate()
  poller.pause()
  const watcher = watch(folder)
  const event = once(watcher, 'change')
  writeFileSync(join(folder, 'two'), 'another')
  await event
  watcher.close()
  await setImmediate()
  poller.watch(observed)
  t.same([...(await changes).keys()], [join(folder, 'two')])
})
