/** A cluster of one worker, which listens on the endpoint that is given; at SIGTERM both end. */
import cluster from 'node:cluster'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'

if (cluster.isPrimary) {
  const worker = cluster.fork()
  process.once('SIGTERM', () => { worker.process.kill('SIGTERM') })
} else {
  const app = Fastify({ serverFactory })
  app.get('/', async () => ({ pid: process.pid }))
  await app.register(endpoint, { endpoint: process.argv[2] as string })
  await app.listen()
  process.once('SIGTERM', () => { app.close().then(() => cluster.worker?.disconnect()) })
  console.log('listening')
}
