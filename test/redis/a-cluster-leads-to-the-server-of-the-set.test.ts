/** Debian's redis-server as a cluster of three primaries with replicas, whose slot moves and whose servers end. */
import t from 'tap'
import { parseRedisAddress } from '../../lib/revocation/sources/redis/address.js'
import { RedisConnection } from '../../lib/revocation/sources/redis/connection.js'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { type ClusterServer, startCluster } from '../support/redis-cluster.js'
import { codesOf, entries, entry, openSource } from '../support/redis-source.js'
import { until } from '../support/until.js'

const UNAVAILABLE = 'FST_ENDPOINT_REDIS_UNAVAILABLE'
const KEYS = ['{revoked}', '{revoked}:state', '{revoked}:removed', '{revoked}:log']

t.test('a set is found in a cluster, wherever its slot is, and outlives each of its servers', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const cluster = await startCluster(t)
  const { address, slot, all } = cluster
  const writer = { address }
  const { until: untilContent, load, source } = openSource(t, address, { timeout: 2000 })
  const owner = await cluster.owner()
  const others = cluster.primaries.filter(({ port }) => port !== owner.port) as [ClusterServer, ClusterServer]
  const setSlot = (server: ClusterServer, ...args: Array<string | number>): Promise<unknown> => server.client.call('CLUSTER', 'SETSLOT', slot, ...args)
  const migrate = (from: ClusterServer, to: ClusterServer, ...keys: string[]): Promise<unknown> => from.client.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys)

  await t.test('a node reads what the command has written, from whichever server it asks first', async (t) => {
    t.match(await acceptInRedis(writer), { isReplicated: true })
    t.match(await addToRedis(writer, entries(3000)), { changed: 3000, isReplicated: true })
    for (const { port } of all) {
      t.equal((await openSource(t, `redis-cluster://127.0.0.1:${port}/?key={revoked}`).load()).keys.length, 3000)
    }
    t.equal((await load()).keys.length, 3000)
    t.match(source.name, /^redis-cluster:\/\/127\.0\.0\.1:\d+,.*\/0\?key=%7Brevoked%7D$/)
    const [elsewhere] = others
    await t.rejects(openSource(t, `redis://127.0.0.1:${elsewhere.port}/0?key={revoked}`).load(), { code: UNAVAILABLE, message: /it belongs to a cluster: write redis-cluster:/ })
  })

  const [target] = others
  await t.test('while the slot moves, key by key, the set can be read, and nothing is un-revoked', async (t) => {
    await setSlot(target, 'IMPORTING', owner.id)
    await setSlot(owner, 'MIGRATING', target.id)
    let writing: Promise<object> | undefined
    let isWritten = false
    for (const key of KEYS) {
      await migrate(owner, target, key)
      const content = await load()
      t.equal(content.keys.length, 3000)
      t.same(codesOf(content), [])
      t.equal((await openSource(t, address).load()).keys.length, 3000, 'a node that starts now')
      writing ??= addToRedis(writer, [entry('meanwhile')]).finally(() => { isWritten = true })
    }
    await until('the command waits until all keys are on one server', async () => /TRYAGAIN/.test(await owner.client.info('errorstats')))
    t.notOk(isWritten)
    for (const server of [target, owner]) await setSlot(server, 'NODE', target.id)
    t.match(await writing, { changed: 1 })
    await untilContent((content) => content?.keys.length === 3001 && content.problems.length === 0)
    t.equal((await cluster.owner()).port, target.port)
  })

  await t.test('a set that moves while it is read is read again from its new server', async (t) => {
    await setSlot(owner, 'IMPORTING', target.id)
    await setSlot(target, 'MIGRATING', owner.id)
    const connection = await RedisConnection.open(parseRedisAddress(address, '/'))
    const readAll = async (): Promise<void> => {
      for await (const page of connection.members()) {
        t.ok(page.length < 3001, 'there are more pages')
        await migrate(target, owner, ...KEYS)
      }
    }
    // The cursor of one server means another place on the other.
    await t.rejects(readAll(), { code: UNAVAILABLE, message: /the set has moved to another server while it was read/ })
    connection.close()
    for (const server of [owner, target]) await setSlot(server, 'NODE', owner.id)
    t.match(await addToRedis(writer, [entry('another')]), { changed: 1 })
    await untilContent((content) => content?.keys.length === 3002 && content.problems.length === 0)
    t.match(await removeFromRedis(writer, [entry('another')]), { changed: 1 })
    await untilContent((content) => content?.keys.length === 3001 && content.problems.length === 0)
  })

  await t.test('with only a minority of its servers, the cluster serves nothing, and the last good set stays', async () => {
    const minority = new Set([owner.port, cluster.replicas[cluster.primaries.indexOf(owner)]?.port])
    const majority = all.filter(({ port }) => !minority.has(port))
    for (const { child } of majority) child.kill('SIGSTOP')
    await untilContent((_content, error) => error !== undefined && /CLUSTERDOWN/.test(error.message))
    for (const { child } of majority) child.kill('SIGCONT')
    await cluster.untilOk()
    await untilContent((content) => content?.keys.length === 3001 && content.problems.length === 0)
  })

  await t.test('when its primary ends, the replica takes over, and nobody was un-revoked', async (t) => {
    const before = await cluster.owner()
    await before.kill()
    await untilContent((content) => {
      if (content !== undefined) t.equal(content.keys.length, 3001)
      return content !== undefined
    }, () => untilContent((_content, error) => error !== undefined))
    const after = await cluster.owner()
    t.not(after.port, before.port)
    await cluster.untilOk(all.filter(({ port }) => port !== before.port))
    await untilContent((content) => content?.keys.length === 3002 && content.problems.length === 0, () => addToRedis(writer, [entry('after')]))
  })
})
