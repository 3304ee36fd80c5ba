import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { makeSite } from '../support/mutual-tls.js'

t.test('if a file system does not respond, the start fails with a coded error before the timeout of Fastify', async (t) => {
  const site = await makeSite(t)
  // Teardown runs in reverse: this comes after the intercept has ended.
  t.teardown(syncBuiltinESMExports)
  t.intercept(fs, 'stat', { value: () => new Promise(() => {}) })
  syncBuiltinESMExports()
  const app = Fastify({ serverFactory, pluginTimeout: 2000 })
  t.teardown(() => app.close())
  app.register(endpoint, { endpoint: site.endpoint() })
  await t.rejects(async () => await app.ready(), {
    code: 'FST_ENDPOINT_START_TIMEOUT',
    message: /not ready within 1800 ms/
  })
})
