import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { asClient, connectTls, get, makeSite, type RunningApp, type Site, startApp } from '../support/mutual-tls.js'
import { hasProgram } from '../support/programs.js'
import { startRedis, type RunningRedis } from '../support/redis.js'
import { entries } from '../support/redis-source.js'
import { until } from '../support/until.js'

interface Fleet extends RunningApp {
  readonly site: Site
  readonly redis: RunningRedis
  readonly address: string
  /** The entry for mallory. */
  readonly mallory: string
}

async function start (t: Test): Promise<Fleet> {
  const redis = await startRedis(t)
  const { address } = redis
  await acceptInRedis({ address })
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), `${address}\n`)
  const mallory = `tbs:${identifyCertificate(site.mallory.der).tbs}`
  return { ...await startApp(t, site.endpoint()), site, redis, address, mallory }
}

async function untilHealth (app: FastifyInstance, holds: (health: ReturnType<FastifyInstance['endpoint']['health']>) => boolean): Promise<void> {
  await until(`the health is as ${String(holds)} says`, () => holds(app.endpoint.health()))
}

t.test('adding a certificate to the set closes its client\'s connection and rejects the client', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, site, address, mallory } = await start(t)
  const held = await connectTls(port, asClient(site, site.mallory))
  const cut = once(held.on('error', () => {}).resume(), 'close')
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
  await addToRedis({ address }, [mallory])
  await cut
  await t.rejects(get(port, asClient(site, site.mallory)), 'her next handshake fails')
  t.equal((await get(port, asClient(site, site.alice))).status, 200, 'no other client is')
})

t.test('a Redis that crashes and returns empty un-revokes no client, and health reports it', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { app, port, site, redis, address, mallory } = await start(t)
  await addToRedis({ address }, [mallory])
  await app.endpoint.reload()
  const isRefused = async (): Promise<void> => { await t.rejects(get(port, asClient(site, site.mallory))) }
  await isRefused()
  await redis.kill()
  await untilHealth(app, ({ status }) => status === 'degraded')
  await isRefused()
  await redis.restart()
  await untilHealth(app, (health) => /it may have lost entries/.test(JSON.stringify(health)) || health.status === 'ready')
  await isRefused()
  t.equal(app.endpoint.health().status, 'degraded', 'the returned entry alone is not enough')

  await addToRedis({ address }, [mallory])
  await acceptInRedis({ address })
  await untilHealth(app, ({ status }) => status === 'ready')
  await isRefused()
  await removeFromRedis({ address }, [mallory])
  await until('mallory is served when she is taken out on purpose', () => get(port, asClient(site, site.mallory)).then(({ status }) => status === 200, () => false))
})

t.test('a hundred thousand entries at once delay neither requests nor the next revocation', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { app, port, site, address, mallory } = await start(t)
  const held = await connectTls(port, asClient(site, site.mallory))
  const cut = once(held.on('error', () => {}).resume(), 'close')
  await Promise.all([addToRedis({ address }, entries(100_000)).then(() => addToRedis({ address }, [mallory])), cut])
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await app.endpoint.reload()
  t.equal(app.endpoint.listeners[0]?.revocation?.size, 100_001)
})

t.test('an app does not start with a set that has no marker of completeness', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address } = await startRedis(t)
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), `${address.replace('//', '//:hunter2@')}\n`)
  const error = await startApp(t, site.endpoint()).then(() => undefined, (thrown: Error & { code?: string }) => thrown)
  t.match(error?.code, /^FST_ENDPOINT_/)
  t.notMatch(error?.message, /hunter2/)
  await writeFile(site.path('revoked.txt'), `${address}\n`)
  await t.rejects(startApp(t, site.endpoint()), { message: /the set has no marker that says it is complete/ })
})
