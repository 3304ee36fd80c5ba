import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { entries, entry, openSource } from '../support/redis-source.js'

t.test('a source reads the whole set, and follows its changes', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  t.same(await acceptInRedis({ address }), { changed: 0, size: 0, isMarked: true, isReplicated: true })
  t.same(await addToRedis({ address }, entries(3)), { changed: 3, size: 3, isMarked: true, isReplicated: true })
  // Longer than the test may take, so that only the message can trigger the load.
  const { source, load, until } = openSource(t, address, { interval: 1_000_000 })
  const first = await load()
  t.same([...first.keys].sort(), entries(3).sort())
  t.same(first.problems, [])
  t.equal((await load()).version, first.version, 'nothing is read again while nothing changes')
  t.equal(source.name, address)

  await until((content) => content?.keys.includes(entry('alice')) === true, () => addToRedis({ address }, [entry('alice')]))
  await until((content) => content?.keys.includes(entry('alice')) === false, () => removeFromRedis({ address }, [entry('alice')]))
  const last = await load()
  t.same([...last.keys].sort(), entries(3).sort(), 'the others still exist')
  t.same(last.problems, [], 'an entry that was removed on purpose is gone without a warning')

  const state = await client.hgetall('revoked:state')
  t.equal(state['count'], '3')
  t.ok(Number(state['version']) > Number(state['accepted']))
})

t.test('writing the same entry again changes nothing, and a dry run writes nothing', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await acceptInRedis({ address })
  t.same(await addToRedis({ address, isDryRun: true }, [entry(1), entry(1), entry(2)]), { changed: 2, size: 2, isMarked: true, isReplicated: true })
  t.equal(await client.scard('revoked'), 0)
  await addToRedis({ address }, [entry(1), entry(1)])
  const before = await client.hgetall('revoked:state')
  t.same(await addToRedis({ address }, [entry(1)]), { changed: 0, size: 1, isMarked: true, isReplicated: true })
  t.same(await removeFromRedis({ address, isDryRun: true }, [entry(1), entry(3)]), { changed: 1, size: 0, isMarked: true, isReplicated: true })
  t.same(await acceptInRedis({ address, isDryRun: true }), { changed: 0, size: 1, isMarked: true, isReplicated: true })
  t.same(await client.hgetall('revoked:state'), before)
})

t.test('an invalid entry is not written, and neither are the entries beside it', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await t.rejects(addToRedis({ address }, [entry(1), 'stolen/*.pem']), { code: 'FST_ENDPOINT_REDIS_MEMBER' })
  await t.rejects(removeFromRedis({ address }, ['']), { code: 'FST_ENDPOINT_REDIS_MEMBER' })
  t.equal(await client.scard('revoked'), 0)
})
