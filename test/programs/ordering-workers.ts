/**
 * A cluster of workers on one endpoint, which print their log. A worker that dies is not replaced.
 *
 *     ordering-workers endpoint workers
 */
import cluster from 'node:cluster'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const [description, count] = process.argv.slice(2) as [string, string]

if (cluster.isPrimary) {
  for (let left = Number(count); left > 0; left--) cluster.fork()
} else {
  const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, logger: true })
  app.get('/', async () => String(process.pid))
  await app.register(endpoint, { endpoint: description })
  await app.listen()
}
