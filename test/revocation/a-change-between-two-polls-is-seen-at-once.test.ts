import { watch, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { changesAmong, observe, type Observation } from '../../lib/watching/observation.js'
import { type Changes, Poller } from '../../lib/watching/poller.js'
import { makeTestFolder } from '../support/test-folder.js'

/** So slow that polling alone would check nothing before the test is over. */
const SLOW = { looks: 2, roundCost: 1e5, lookCost: 0, share: 0.001, changesAmong }

t.test('a change of one of many polled files is seen at once', async (t) => {
  const folder = makeTestFolder(t, Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${index}.pem`, ''])))
  const path = (index: number): string => join(folder, `${index}.pem`)
  const look = async (): Promise<Map<string, Observation>> => {
    const observed = new Map<string, Observation>()
    for (const looked of [folder, ...Array.from({ length: 20 }, (_, index) => path(index))]) await observe(looked, observed)
    return observed
  }
  let onChange = (_: Changes): void => {}
  const poller = new Poller({ interval: 100, pace: SLOW, onChange: (changes) => onChange(changes) })
  t.teardown(() => poller.close())
  const hold = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(hold))
  const seen = (observed: ReadonlyMap<string, Observation>): Promise<Changes> => new Promise((resolve) => {
    onChange = resolve
    poller.watch(observed)
  })

  const atFirst = await look()
  writeFileSync(path(15), 'changed')
  t.same([...(await seen(atFirst)).keys()], [path(15)], 'before the folder was watched')

  // From here on it pauses.
  const then = await look()
  const watcher = watch(folder)
  const heard = once(watcher, 'change')
  writeFileSync(path(16), 'changed')
  await heard
  await setImmediate()
  watcher.close()
  t.same([...(await seen(then)).keys()], [path(16)], 'while what had changed before was loaded')
})
