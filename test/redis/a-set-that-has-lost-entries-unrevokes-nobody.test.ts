import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis, type RunningRedis } from '../support/redis.js'
import { codesOf, entries, entry, type Followed, openSource } from '../support/redis-source.js'
import type { Test } from 'tap'

const KEPT = 'FST_ENDPOINT_REDIS_KEPT'
const LOST = 'FST_ENDPOINT_REDIS_LOST'
const UNMARKED = 'FST_ENDPOINT_REDIS_UNMARKED'

/** A set of ten, and a source that has read it. */
async function start (t: Test): Promise<Followed & { redis: RunningRedis, address: string }> {
  const redis = await startRedis(t)
  const { address } = redis
  await acceptInRedis({ address })
  await addToRedis({ address }, entries(10))
  const followed = openSource(t, address)
  await followed.load()
  return { ...followed, redis, address }
}

function revokes (content: { keys: readonly string[] } | undefined, expected: readonly string[]): boolean {
  return expected.every((key) => content?.keys.includes(key))
}

t.test('lost entries stay revoked after Redis restarts empty', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, address, until, load, warnings } = await start(t)
  await until((_content, error) => error?.code === 'FST_ENDPOINT_REDIS_UNAVAILABLE', () => redis.kill())
  await redis.restart()
  await until((content) => codesOf(content).includes(UNMARKED))
  const kept = await load()
  t.ok(revokes(kept, entries(10)), 'all stay revoked')
  t.same(codesOf(kept), [UNMARKED, KEPT], 'and it says so')

  await t.rejects(openSource(t, address).load(), { code: UNMARKED }, 'a node does not start now')
  t.same(await addToRedis({ address }, [entry('alice')]), { changed: 1, size: 1, isMarked: false, isReplicated: true }, 'the writer says that it has no marker')
  await until((content) => revokes(content, [...entries(10), entry('alice')]))
  t.pass('a new entry counts at once')

  t.same(warnings, [])
  await until((content) => content?.problems.length === 0, () => acceptInRedis({ address }))
  t.same((await load()).keys, [entry('alice')], 'the set that was accepted counts')
  t.match(warnings, [/the set was accepted as complete, so 10 of its former entries no longer revoke/], 'and it is in the log')
})

t.test('the source recovers when the lost entries are added again', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, address, until, load } = await start(t)
  await redis.client.flushall()
  await until((content) => codesOf(content).includes(KEPT))
  await addToRedis({ address }, entries(10))
  await acceptInRedis({ address })
  await until((content) => content?.problems.length === 0)
  t.same([...(await load()).keys].sort(), entries(10).sort())
})

t.test('entries stay revoked if Redis evicts the set alone', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, address, until, load } = await start(t)
  await until((content) => codesOf(content).includes(KEPT), () => redis.client.del('revoked'))
  t.same(codesOf(await load()), [LOST, KEPT])
  t.ok(revokes(await load(), entries(10)))
  await t.rejects(openSource(t, address).load(), { code: LOST })
})

t.test('an entry that is removed without the writer stays revoked', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, address, until, load } = await start(t)
  await until((content) => codesOf(content).includes(KEPT), () => redis.client.srem('revoked', entry('certificate 3')))
  t.ok(revokes(await load(), entries(10)))
  await until((content) => content?.keys.length === 9, () => removeFromRedis({ address }, [entry('certificate 3')]))
  t.same(codesOf(await load()), [LOST], 'the marker still counts ten, because nobody has accepted fewer')
  await until((content) => content?.problems.length === 0, () => acceptInRedis({ address }))
  t.equal((await load()).keys.length, 9)
})

t.test('lost entries stay revoked after a failover to a replica that receives other entries', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, address, until, load } = await start(t)
  const saved = await redis.client.hgetall('revoked:state')
  await until((content) => revokes(content, entries(3, 'late')), () => addToRedis({ address }, entries(3, 'late')))
  // The state of the replica: without the last three entries, and with the previous marker.
  await redis.client.multi().srem('revoked', ...entries(3, 'late')).hset('revoked:state', saved).exec()
  await addToRedis({ address }, [entry('alice')])
  await removeFromRedis({ address }, [entry('certificate 0')])
  await until((content) => codesOf(content).includes(KEPT) && content?.keys.includes(entry('certificate 0')) === false)
  const content = await load()
  t.ok(revokes(content, [...entries(10).slice(1), ...entries(3, 'late'), entry('alice')]), 'the lost ones stay, the new one counts')
  t.same(codesOf(content), [KEPT], 'only the entry that was removed on purpose no longer revokes')
})

t.test('entries that are added without the writer count', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, until, load } = await start(t)
  await until((content) => content?.keys.includes(entry('alice')) === true, () => redis.client.sadd('revoked', entry('alice')))
  t.same(codesOf(await load()), [])
})
