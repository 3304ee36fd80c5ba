import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { makeSite } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'
import { freePort } from '../support/loopback.js'
import { startRedis } from '../support/redis.js'
import { naming, startImpostor } from '../support/redis-impostor.js'
import { untilReplica } from '../support/redis-sentinels.js'
import { entry, openSource } from '../support/redis-source.js'
import { makeTestFolder } from '../support/test-folder.js'

/** The access lists of docs/fleets.md. */
const NODE = '~revoked ~revoked:state ~revoked:removed ~revoked:log &revoked:changes -@all +hmget +scard +sscan +zmscore +xread +subscribe +select +auth +ping'.split(' ')
const WRITER = '+eval +time +hget +hset +hincrby +sadd +srem +sismember +exists +zadd +zrem +zremrangebyscore +xadd +xrange +xdel +del +publish'.split(' ')

t.test('the documented access lists are sufficient for nodes and for writers', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, client } = await startRedis(t)
  const folder = makeTestFolder(t, {})
  await client.call('ACL', 'SETUSER', 'gate', 'on', '>hunter2', 'resetchannels', ...NODE)
  await client.call('ACL', 'SETUSER', 'ca', 'on', '>hunter3', 'resetchannels', ...NODE, ...WRITER)
  await client.call('ACL', 'SETUSER', 'default', 'off')
  await Promise.all([writeFile(join(folder, 'gate.password'), 'hunter2\n'), writeFile(join(folder, 'ca.password'), 'hunter3')])
  const as = (user: string): string => `redis://${user}@127.0.0.1:${port}/0?key=revoked&passwordFile=${user}.password`
  const writer = { address: as('ca'), folder }
  await acceptInRedis(writer)
  const { until, load, source } = openSource(t, as('gate'), { folder })
  await load()
  await until((content) => content?.keys.includes(entry(1)) === true, () => addToRedis(writer, [entry(1)]))
  await until((content) => content?.keys.length === 0 && content.problems.length === 0, () => removeFromRedis(writer, [entry(1)]))
  t.notMatch(source.name, /gate|hunter/)
  await t.rejects(addToRedis({ address: as('gate'), folder }, [entry(1)]), { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE', message: /NOPERM.*docs\/fleets\.md/ })

  await writeFile(join(folder, 'gate.password'), 'wrong')
  // ioredis 5 shows the answer to the next command.
  const error = await openSource(t, as('gate'), { folder }).load().then(() => undefined, (thrown: Error) => thrown)
  t.match(error, { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE', message: /(?:WRONGPASS|NOAUTH).*passwordFile=/ })
  t.notMatch(JSON.stringify([error?.message, error?.stack, { ...error }]), /wrong\b.*hunter/)
  await t.rejects(openSource(t, as('nobody'), { folder }).load(), { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /passwordFile/ })
})

t.test('behind Sentinel, the documented additions are sufficient', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, client } = await startRedis(t)
  const behind = `redis-sentinel://gate:hunter2@127.0.0.1:${(await startImpostor(t, naming('127.0.0.1', port))).port}/0?master=main&key=revoked`
  await client.call('ACL', 'SETUSER', 'gate', 'on', '>hunter2', 'resetchannels', ...NODE)
  await acceptInRedis({ address: `redis://127.0.0.1:${port}/0?key=revoked` })
  await t.rejects(openSource(t, behind).load(), { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE', message: /NOPERM/ })
  await client.call('ACL', 'SETUSER', 'gate', '+role')
  t.same((await openSource(t, behind).load()).keys, [])
  await client.call('ACL', 'SETUSER', 'gate', ...WRITER)
  t.match(await addToRedis({ address: behind }, [entry(1)]), { changed: 1, isReplicated: false })
  const replica = await startRedis(t, ['--replicaof', '127.0.0.1', `${port}`, '--repl-diskless-sync-delay', '0'])
  await untilReplica(replica.client, client)
  await client.call('ACL', 'SETUSER', 'gate', '-role')
  t.match(await addToRedis({ address: `redis://gate:hunter2@127.0.0.1:${port}/0?key=revoked` }, [entry(2)]), { changed: 1, isReplicated: true }, 'nobody can know')
  await client.call('ACL', 'SETUSER', 'gate', '+role', '+wait')
  t.match(await addToRedis({ address: behind }, [entry(3)]), { changed: 1, isReplicated: true })
})

t.test('over TLS the server needs a trusted certificate for its host', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const site = await makeSite(t)
  const tlsPort = await freePort()
  const redis = await startRedis(t, ['--tls-port', `${tlsPort}`, '--tls-cert-file', site.path('server.pem'), '--tls-key-file', site.path('server.key'), '--tls-ca-cert-file', site.path('ca.pem'), '--tls-auth-clients', 'no'])
  await acceptInRedis(redis)
  await addToRedis(redis, [entry(1)])
  const address = `rediss://localhost:${tlsPort}/0?key=revoked`
  t.same((await openSource(t, `${address}&ca=ca.pem`, { folder: site.folder }).load()).keys, [entry(1)])
  await t.rejects(openSource(t, address).load(), { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE', message: /certificate/ }, 'the set has no marker')
  await t.rejects(openSource(t, `${address.replace('rediss', 'redis')}`).load(), { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE' })
})

t.test('a source does not keep its process alive', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address } = await startRedis(t)
  await acceptInRedis({ address })
  const program = `
    import { RedisSource } from ${JSON.stringify(new URL('../../dist/lib/revocation/sources/redis/source.js', import.meta.url).href)}
    const source = new RedisSource(${JSON.stringify(address)}, { folder: '/', limits: { fileBytes: 1000, entries: 1000 } })
    await source.load(AbortSignal.timeout(20000))
    source.watch(() => {})
    console.log('over')`
  t.match(await run(process.execPath, ['--input-type=module', '--eval', program]), { status: 0, stdout: 'over\n' })
})
