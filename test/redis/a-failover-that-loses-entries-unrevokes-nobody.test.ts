/**
 * A primary that fails, and a replica that takes over. A server that poses as a sentinel names the primary: real sentinels close
 * connections when they please, and so does a replica that they make one once more.
 */
import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { naming, startImpostor } from '../support/redis-impostor.js'
import { untilReplica } from '../support/redis-sentinels.js'
import { codesOf, entry, openSource } from '../support/redis-source.js'

const QUICK = ['--repl-diskless-sync-delay', '0']

t.test('a failover that loses entries un-revokes nobody', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const former = await startRedis(t, QUICK)
  const replica = await startRedis(t, [...QUICK, '--replicaof', '127.0.0.1', `${former.port}`])
  const sentinel = await startImpostor(t, naming('127.0.0.1', former.port))
  const writer = { address: `redis-sentinel://127.0.0.1:${sentinel.port}/0?master=main&key=revoked` }
  await acceptInRedis(writer)
  await addToRedis(writer, [entry('first'), entry('second')])
  await untilReplica(replica.client, former.client)
  // Long, since the machine may be slow: nothing here takes as long.
  const { load, until } = openSource(t, writer.address, { timeout: 10_000 })
  t.equal((await load()).keys.length, 2)
  let returned = former

  await t.test('the former primary returns empty, as a replica, and is not read', async (t) => {
    await former.kill()
    await replica.client.replicaof('no', 'one')
    returned = await former.restart([...QUICK, '--replicaof', '127.0.0.1', `${replica.port}`])
    // The sentinel does not know yet.
    await until((content, error) => {
      if (content !== undefined) t.equal(content.keys.length, 2)
      return error?.code === 'FST_ENDPOINT_REDIS_UNAVAILABLE'
    })
    sentinel.answer = naming('127.0.0.1', replica.port)
    await until((content) => content?.keys.length === 2 && content.problems.length === 0)
    await until((content) => content?.keys.length === 1 && content.problems.length === 0, () => removeFromRedis(writer, [entry('first')]))
    await untilReplica(returned.client, replica.client)
  })

  await t.test('a replica that takes over without the last entry leaves it revoked, and says so', async (t) => {
    await returned.client.replicaof('no', 'one')
    await until((content) => content?.keys.length === 2, () => addToRedis(writer, [entry('lost')]))
    await replica.kill()
    sentinel.answer = naming('127.0.0.1', returned.port)
    await until((content) => {
      if (content !== undefined) t.equal(content.keys.length, 2)
      return codesOf(content).includes('FST_ENDPOINT_REDIS_KEPT')
    })
    await addToRedis(writer, [entry('lost')])
    await acceptInRedis(writer)
    await until((content) => content?.keys.length === 2 && content.problems.length === 0)
  })
})
