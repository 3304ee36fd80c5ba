/**
 * A node reads the set once, and then follows its log. Whatever the log does not say, it reads from the set: so each test
 * counts how often the set was read.
 */
import t, { type Test } from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis, type RunningRedis } from '../support/redis.js'
import { codesOf, entries, entry, type Followed, openSource } from '../support/redis-source.js'

/** Longer than a test takes, so that nothing is polled. */
const NEVER = 1_000_000

t.test('a node follows the log', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const redis = await startRedis(t)
  const { address, client } = redis

  /** A set of ten, and a source that has read it. */
  const start = async (t: Test, interval = NEVER): Promise<Followed & { reads (): Promise<number> }> => {
    await client.flushall()
    await acceptInRedis({ address })
    await addToRedis({ address }, entries(10))
    const followed = openSource(t, address, { interval, timeout: 4000, logRetry: 0 })
    await followed.load()
    const before = await readsOf(redis)
    return { ...followed, reads: async () => await readsOf(redis) - before }
  }
  const has = (one: string) => (content: { keys: readonly string[] } | undefined): boolean => content?.keys.includes(one) === true
  const lacks = (one: string) => (content: { keys: readonly string[] } | undefined): boolean => content?.keys.includes(one) === false

  await t.test('changes come by the log, and the set is not read again', async (t) => {
    const { until, load, reads } = await start(t)
    const serial = entry('issuer').replace('tbs:', 'serial:4a01@')
    await until(has(entry('alice')), () => addToRedis({ address }, [entry('alice'), serial, ' ' + serial]))
    await until(lacks(entry('alice')), () => removeFromRedis({ address }, [entry('alice')]))
    await until(lacks(serial), () => removeFromRedis({ address }, [serial, ' ' + serial]))
    await addToRedis({ address }, entries(2500, 'many'))
    t.equal((await load()).keys.length, 2510)
    t.equal(await reads(), 0)
    await acceptInRedis({ address })
    const written = await reads()
    t.same((await load()).problems, [])
    t.equal(await reads(), written, 'only --accept reads it, for the digest')
  })

  await t.test('what was written while a node was disconnected is read from the log', async (t) => {
    const { until, reads } = await start(t, 200)
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(has(entry('alice')), () => addToRedis({ address }, [entry('alice')]))
    t.equal(await reads(), 0)
  })

  await t.test('a gap in the log, a long member and an entry of another program make a node read the set once', async (t) => {
    const { until, load, reads } = await start(t)
    await until(has(entry(1)), async () => {
      await client.del('revoked:log')
      await client.hincrby('revoked:state', 'version', 1)
      await addToRedis({ address }, [entry(1)])
    })
    t.equal(await reads(), 1)
    const { certificate } = await (await import('../support/pki.js')).createAuthority({ name: 'Root' })
    await until((content) => content?.keys.length === 12, () => addToRedis({ address }, [certificate]))
    t.equal(await reads(), 2)
    await client.xadd('revoked:log', '*', 'from', '1', 'to', 'nonsense', 'add', entry('nobody'))
    await until(has(entry(2)), () => addToRedis({ address }, [entry(2)]))
    t.notOk(has(entry('nobody'))(await load()))
    const read = await reads()
    await until(has(entry(3)), () => addToRedis({ address }, [entry(3)]))
    t.equal(await reads(), read, 'and then it follows the log again')
  })

  await t.test('with an id in the marker that is none, a node goes on by the marker, and says so once', async (t) => {
    await start(t)
    await client.hset('revoked:state', 'log', '99999999999999999999-0')
    const before = await readsOf(redis)
    const { load, until, warnings } = openSource(t, address, { interval: 200, timeout: 4000 })
    t.same((await load()).problems, [])
    await until(has(entry(1)), () => addToRedis({ address }, [entry(1)]))
    await until(lacks(entry(1)), () => removeFromRedis({ address }, [entry(1)]))
    t.match(warnings, [/its log of changes cannot be read \(ERR Invalid stream ID/])
    t.ok(await readsOf(redis) - before <= 4, 'one reading a change, and one or two at the start')
  })

  await t.test('after a version that somebody has made up, removals count again once the set is accepted', async (t) => {
    const { source, until, load } = await start(t, 200)
    const version = await client.hget('revoked:state', 'version') ?? ''
    await until(() => true)
    await client.xadd('revoked:log', '*', 'from', version, 'to', '999999999999999', 'count', '10', 'size', '10', 'digest', '', 'add', '')
    while (!/ 999999999999999 \d+$/.test((await source.load(AbortSignal.timeout(30_000))).version)) await new Promise((resolve) => setImmediate(resolve))
    await acceptInRedis({ address })
    await load()
    // A writer of an older version, so that the set is read.
    const next = String(Date.now() + 1000)
    await until(lacks(entry('certificate 1')), () => client.multi().srem('revoked', entry('certificate 1')).zadd('revoked:removed', next, entry('certificate 1'))
      .hset('revoked:state', 'version', next).hincrby('revoked:state', 'count', -1).publish('revoked:changes', next).exec())
    t.same((await load()).problems, [])
  })

  await t.test('what other programs change is read once, though the digest is not that of the writer', async (t) => {
    const { until, load, reads } = await start(t)
    await until(has(entry('foreign')), async () => {
      await client.sadd('revoked', entry('foreign'))
      await client.publish('revoked:changes', 'x')
    })
    await until(has(entry(1)), () => addToRedis({ address }, [entry(1)]))
    const read = await reads()
    t.ok(read <= 2, `${read} reads`)
    for (const one of [2, 3, 4]) await until(has(entry(one)), () => addToRedis({ address }, [entry(one)]))
    t.equal(await reads(), read, 'and not again')
    // Another program has broken the digest.
    await client.hset('revoked:state', 'digest', '1 2 3 4 5')
    await until(has(entry(5)), () => addToRedis({ address }, [entry(5)]))
    t.equal(await reads(), read + 1)
    await until(has(entry(6)), () => addToRedis({ address }, [entry(6)]))
    t.equal(await reads(), read + 1)
    t.same((await load()).problems, [])
  })

  await t.test('where Redis notifies of all changes, an exchange of entries by another program is noticed', async (t) => {
    const { until, load } = await start(t)
    await client.config('SET', 'notify-keyspace-events', 'Ks$hgx')
    let count = 0
    // Right behind a change of the writer, a notification may be about that change.
    const exchange = setInterval(() => {
      client.multi().srem('revoked', entry(`certificate ${count}`)).sadd('revoked', entry(`other ${count++}`)).exec().catch(() => {})
    }, 500)
    try {
      await until((content) => codesOf(content).includes('FST_ENDPOINT_REDIS_KEPT'))
    } finally {
      clearInterval(exchange)
    }
    const content = await load()
    t.ok([...entries(10), entry('other 0')].every((one) => has(one)(content)), 'what has gone stays revoked, and what is new is')
    await client.config('SET', 'notify-keyspace-events', '')
  })

  await t.test('without notifications, the next reading of the whole set notices it', async (t) => {
    await start(t)
    const { load, until } = openSource(t, address, { interval: 50, timeout: 4000, wholeInterval: 500 })
    await load()
    await client.multi().srem('revoked', entry('certificate 0')).sadd('revoked', entry('other')).exec()
    await until((content) => codesOf(content).includes('FST_ENDPOINT_REDIS_KEPT') && has(entry('other'))(content))
    t.ok(has(entry('certificate 0'))(await load()), 'what has gone stays revoked')
  })

  await t.test('a log in the place of which another program has put something else is followed again later', async (t) => {
    const { until, load, reads, warnings } = await start(t, 50)
    await client.multi().del('revoked:log').set('revoked:log', 'x').exec()
    while (warnings.length === 0) await load()
    t.match(warnings, [/its log of changes cannot be read \(WRONGTYPE/])
    const { unlogged } = await addToRedis({ address }, [entry('hinted')])
    t.match(unlogged, /WRONGTYPE/, 'the writer says so too')
    await until(has(entry('hinted')))
    await client.del('revoked:log')
    let isFollowed = false
    for (let count = 0; count < 50 && !isFollowed; count++) {
      const before = await reads()
      const one = entry(`logged ${count}`)
      await until(has(one), async () => {
        t.equal((await addToRedis({ address }, [one])).unlogged, undefined)
      })
      isFollowed = await reads() === before
    }
    t.ok(isFollowed, 'the set is not read any more')
    t.equal(warnings.length, 1)
  })

  await t.test('a set of an older version gets its log with the first change', async (t) => {
    await client.flushall()
    await client.sadd('revoked', ...entries(10))
    await client.hset('revoked:state', { version: '1700000000000', count: '10', accepted: '1700000000000' })
    const { load, until } = openSource(t, address, { interval: NEVER })
    t.equal((await load()).keys.length, 10)
    const before = await readsOf(redis)
    await until(has(entry('alice')), () => addToRedis({ address }, [entry('alice')]))
    t.equal(await readsOf(redis), before)
    // A writer of today.
    await until(has(entry('bob')), () => client.multi().sadd('revoked', entry('bob'))
      .hset('revoked:state', 'version', String(Date.now() + 1000)).hincrby('revoked:state', 'count', 1).publish('revoked:changes', String(Date.now() + 1000)).exec())
    t.equal(await readsOf(redis), before + 1)
    t.same((await load()).problems, [])
  })

  await t.test('an older replica that takes over un-revokes nobody, and is followed', async (t) => {
    const { until, load, warnings } = await start(t, 200)
    const saved = new Map<string, Buffer>()
    for (const key of ['revoked', 'revoked:state', 'revoked:log']) saved.set(key, await client.dumpBuffer(key))
    await until(has(entry('late')), () => addToRedis({ address }, [entry('late')]))
    await until((content) => codesOf(content).includes('FST_ENDPOINT_REDIS_KEPT'), async () => {
      await client.multi([...saved].map(([key, dump]) => ['restore', key, '0', dump, 'REPLACE'])).exec()
    })
    t.ok(has(entry('late'))(await load()))
    await until(has(entry('new')), () => addToRedis({ address }, [entry('new')]))
    await until(lacks(entry('late')), () => removeFromRedis({ address }, [entry('late')]))
    t.same((await load()).problems, [])
    t.same(warnings, [])
  })

  await t.test('a node that may not read the log reads the set at each change, and says so once', async (t) => {
    await start(t)
    await client.call('ACL', 'SETUSER', 'gate', 'on', '>hunter2', 'resetkeys', 'resetchannels', '~revoked', '~revoked:state', '~revoked:removed', '&revoked:changes', '-@all', ...'+hmget +scard +sscan +zmscore +subscribe +select +auth +ping'.split(' '))
    const { load, until, warnings } = openSource(t, address.replace('redis://', 'redis://gate:hunter2@'), { interval: NEVER })
    t.same((await load()).problems, [])
    for (const one of [1, 2]) await until(has(entry(one)), () => addToRedis({ address }, [entry(one)]))
    await until(lacks(entry(1)), () => removeFromRedis({ address }, [entry(1)]))
    t.match(warnings, [/its log of changes cannot be read \(NOPERM .*\), so the whole set is read at each change/])
    t.equal(warnings.length, 1)
    t.same((await load()).problems, [])
  })
})

async function readsOf ({ client }: RunningRedis): Promise<number> {
  return Number(/cmdstat_sscan:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
}
