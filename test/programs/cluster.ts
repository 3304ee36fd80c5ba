/**
 * A cluster of workers, one if no number is given, which listen on the endpoint that is given. The primary
 * prints a line for each that listens; at SIGTERM all end. One that dies is not replaced.
 *
 *     cluster endpoint [workers]
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const [description, count = '1'] = process.argv.slice(2) as [string, string?]

async function beWorker (): Promise<void> {
  const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
  app.get('/', async () => ({ pid: process.pid }))
  await app.register(endpoint, { endpoint: description })
  await app.listen()
  process.once('SIGTERM', () => { app.close().then(() => cluster.worker?.disconnect()) })
  process.send?.({ pid: process.pid, address: app.server.address() })
}

function bePrimary (): void {
  const workers = Array.from({ length: Number(count) }, () => cluster.fork())
  for (const worker of workers) worker.on('message', (message) => console.log(`listening ${JSON.stringify(message)}`))
  process.once('SIGTERM', async () => {
    const living = workers.filter((worker) => !worker.isDead())
    const ended = living.map((worker) => once(worker, 'exit'))
    for (const { process } of living) process.kill('SIGTERM')
    await Promise.all(ended)
    // What was handed to one that died before it took it would keep the primary.
    process.exit()
  })
}

if (cluster.isPrimary) bePrimary()
else await beWorker()
