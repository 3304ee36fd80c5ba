/**
 * A node that starts compares the set with its copy in `cacheDir`. Entries that Redis has lost meanwhile stay revoked,
 * as they do on running nodes, and new entries count at once.
 */
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { makeSite, type RunningApp, startApp } from '../support/mutual-tls.js'
import { Partition } from '../support/partition.js'
import { hasProgram } from '../support/programs.js'
import { startRedis, type RunningRedis } from '../support/redis.js'
import { entry, openSource } from '../support/redis-source.js'
import { until } from '../support/until.js'

interface Node {
  readonly redis: RunningRedis
  readonly way: Partition
  /** The entry for mallory's certificate. */
  readonly mallory: string
  /** Starts an app whose list names the set, with or without a copy. */
  start (isWithCopy?: boolean): Promise<RunningApp & { isRevoked (key: string): boolean }>
}

/** A set that lists mallory, and a copy of it that an app has written. */
async function prepare (t: Test, before = async (_redis: RunningRedis): Promise<void> => {}): Promise<Node> {
  const redis = await startRedis(t)
  const way = await Partition.open(t, redis.port)
  const site = await makeSite(t)
  const mallory = `tbs:${identifyCertificate(site.mallory.der).tbs}`
  await writeFile(site.path('revoked.txt'), `${redis.address.replace(`${redis.port}`, `${way.port}`)}\n`)
  await acceptInRedis(redis)
  await addToRedis(redis, [entry('another')])
  await before(redis)
  await addToRedis(redis, [mallory])
  const start: Node['start'] = async (isWithCopy = true) => {
    const running = await startApp(t, site.endpoint(), undefined, isWithCopy ? { plugin: { cacheDir: site.path('cache') } } : {})
    const [listener] = running.app.endpoint.listeners
    const isRevoked = (key: string): boolean => key === mallory ? listener?.revocation?.status([site.mallory.x509]).status === 'revoked' : listener?.revocation?.size === 3
    return { ...running, isRevoked }
  }
  const { app } = await start()
  await app.close()
  return { redis, way, mallory, start }
}

t.test('an entry stays revoked after a failover to a replica that lacked it', async (t) => {
  if (!hasProgram(t, 'redis')) return
  let replica: RunningRedis | undefined
  const { redis, way, mallory, start } = await prepare(t, async ({ port }) => {
    replica = await startRedis(t, ['--replicaof', '127.0.0.1', `${port}`, '--repl-diskless-load', 'on-empty-db', '--repl-diskless-sync-delay', '0'])
    await replica.child.prints(/sync: Finished with success/)
    await replica.client.replicaof('NO', 'ONE')
  })
  const { address, port } = replica as RunningRedis
  t.same(await replica?.client.smembers('revoked'), [entry('another')], 'it is a replica, and stale')
  await redis.kill()
  way.turn(port)
  await addToRedis({ address }, [entry('new')])
  const { app, isRevoked } = await start()
  t.ok(isRevoked(mallory), 'a client in the copy stays rejected')
  t.ok(isRevoked(entry('new')), 'and a new entry counts at once')
  await until('the app is degraded', () => app.endpoint.health().status === 'degraded')
  t.match(app.endpoint.health().reasons, [{ error: 'FST_ENDPOINT_REDIS_KEPT' }])
  await app.close()
  const again = await start()
  t.ok(again.isRevoked(mallory), 'after any number of starts')
  await removeFromRedis({ address }, [mallory])
  await again.app.endpoint.reload()
  t.notOk(again.isRevoked(mallory), 'until she is removed on purpose')
  await again.app.close()
  const { isRevoked: isRevokedThen } = await start()
  t.notOk(isRevokedThen(mallory))
})

t.test('an entry that was removed on purpose or accepted as missing is no longer revoked', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const undone = await prepare(t)
  await removeFromRedis(undone.redis, [undone.mallory])
  t.notOk((await undone.start()).isRevoked(undone.mallory))
  const accepted = await prepare(t)
  await accepted.redis.client.srem('revoked', accepted.mallory)
  await acceptInRedis(accepted.redis)
  t.notOk((await accepted.start()).isRevoked(accepted.mallory))
})

t.test('a Redis that has returned empty un-revokes no client', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { redis, mallory, start } = await prepare(t)
  await redis.restart()
  await t.rejects(start(false), { code: 'FST_ENDPOINT_REDIS_UNMARKED' }, 'without a copy, no node starts')
  const { app, isRevoked } = await start()
  t.ok(isRevoked(mallory))
  await until('the app is degraded', () => app.endpoint.health().status === 'degraded')
  t.match(app.endpoint.health().reasons, [{ error: 'FST_ENDPOINT_REDIS_UNMARKED' }])
  await addToRedis(redis, [entry('new')])
  await app.endpoint.reload().catch(() => {})
  t.ok(isRevoked(entry('new')))
})

t.test('a copy counts however its entries were written, and a copy without a marker does not', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await acceptInRedis({ address })
  const site = await makeSite(t)
  const key = `tbs:${identifyCertificate(site.mallory.der).tbs}`
  await addToRedis({ address }, [site.mallory.certificate])
  const { keys, version } = await openSource(t, address).load()
  t.same(keys, [key])
  const same = openSource(t, address)
  same.source.restore({ keys, version })
  t.match(await same.load(), { keys: [key], problems: [] }, 'nothing is missing')
  await client.del('revoked')
  await acceptInRedis({ address })
  await client.hset('revoked:state', 'accepted', '1')
  const unknown = openSource(t, address)
  unknown.source.restore({ keys })
  t.match(await unknown.load(), { keys: [], problems: [] })
  const gone = openSource(t, address)
  gone.source.restore({ keys, version })
  t.match(await gone.load(), { keys: [key], problems: [{ code: 'FST_ENDPOINT_REDIS_KEPT' }] })
})
