/**
 * A node that silently loses Redis keeps its last good set and reports the loss in health and metrics. It loads the
 * revocations it missed as soon as Redis is reachable again. `npm run bench:partition` does the same for a minute, with
 * the default times.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import t from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { RedisSource } from '../../lib/revocation/sources/redis/source.js'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import type { RevocationSourceFactory } from '../../lib/index.js'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Partition } from '../support/partition.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { Scrape } from '../support/scrape.js'
import { until } from '../support/until.js'

/** In milliseconds: a tenth of the defaults. */
const TIMES = { interval: 500, timeout: 1000 }

t.test('a client revoked before a partition stays rejected, and a client revoked during it is rejected afterwards', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, port: target } = await startRedis(t)
  const way = await Partition.open(t, target)
  const site = await makeSite(t)
  const key = (der: Buffer): string => `tbs:${identifyCertificate(der).tbs}`
  const bob = await site.ca.issue({ name: 'bob', usage: 'client' })
  await acceptInRedis({ address })
  await addToRedis({ address }, [key(site.mallory.der)])
  await writeFile(site.path('revoked.txt'), 'hasty:\n')
  const hasty: RevocationSourceFactory = (_line, context) => new RedisSource(address.replace(`${target}`, `${way.port}`), context, TIMES)
  const metrics = new Registry()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { sources: { hasty }, metrics } })
  const problems = async (): Promise<number | undefined> => new Scrape(await metrics.metrics()).value('fastify_endpoint_problems', { what: 'revocations' })
  const untilHealth = async (status: string): Promise<void> => {
    await until(`the app is ${status}`, async () => {
      t.equal((await get(port, asClient(site, site.alice))).status, 200)
      return app.endpoint.health().status === status
    })
  }
  t.equal(await problems(), 0)
  const held = await connectTls(port, asClient(site, bob))
  const cut = once(held.on('error', () => {}).resume(), 'close')

  way.cut()
  await addToRedis({ address }, [key(bob.der)])
  await untilHealth('degraded')
  t.match(app.endpoint.health().reasons, [{ error: 'FST_ENDPOINT_REDIS_UNAVAILABLE' }])
  t.equal(await problems(), 1)
  await t.rejects(get(port, asClient(site, site.mallory)))
  t.equal((await get(port, asClient(site, bob))).status, 200, 'no message was sent')

  way.mend()
  await cut
  await t.rejects(get(port, asClient(site, bob)))
  await t.rejects(get(port, asClient(site, site.mallory)))
  await untilHealth('ready')
  t.equal(await problems(), 0)
})
