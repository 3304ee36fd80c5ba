/**
 * A writer adds many entries in steps. A node applies the steps of a short time together, because each change of the set in
 * force costs more than its entries.
 */
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { entries, entry, openSource } from '../support/redis-source.js'

const ENTRIES = 40_000
/** Milliseconds from one change to the next. */
const APART = 350

t.test('a node applies many entries that are added in steps in few changes', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address } = await startRedis(t)
  await acceptInRedis({ address })
  // Longer than a test takes, so that nothing is polled.
  const { load, source } = openSource(t, address, { interval: 1_000_000, timeout: 20_000 })
  await load()
  const changes = new EventEmitter()
  let count = 0
  let last = Promise.resolve()
  source.watch(() => {
    last = last.then(async () => {
      count++
      const { tables: [table] } = await source.load(AbortSignal.timeout(30_000))
      changes.emit('size', table?.size)
    }).catch(() => {})
  })
  const reach = async (size: number): Promise<void> => {
    const signal = AbortSignal.timeout(30_000)
    while ((await once(changes, 'size', { signal }))[0] !== size);
  }
  const began = performance.now()
  await Promise.all([reach(ENTRIES), addToRedis({ address }, entries(ENTRIES))])
  const took = performance.now() - began
  t.ok(count <= took / APART + 2, `${count} changes in ${took} ms`)
  await Promise.all([reach(ENTRIES + 1), addToRedis({ address }, [entry('alice')])])
})
