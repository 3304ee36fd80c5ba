/**
 * A cluster of two workers, which listen on the endpoint that is given. The primary prints the pid of each
 * that listens; at SIGTERM all end. One that dies is not replaced.
 */
import cluster from 'node:cluster'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'

if (cluster.isPrimary) {
  for (const worker of [cluster.fork(), cluster.fork()]) {
    worker.on('message', (message) => console.log(JSON.stringify(message)))
    process.once('SIGTERM', () => {
      if (worker.isDead()) return
      // What it has handed to one that died would keep the primary.
      worker.once('exit', () => process.exit())
      worker.process.kill('SIGTERM')
    })
  }
} else {
  const app = Fastify({ serverFactory })
  app.get('/', async () => ({ pid: process.pid }))
  await app.register(endpoint, { endpoint: process.argv[2] as string })
  await app.listen()
  process.once('SIGTERM', () => { app.close().then(() => cluster.worker?.disconnect()) })
  process.send?.({ pid: process.pid, address: app.server.address() })
}
