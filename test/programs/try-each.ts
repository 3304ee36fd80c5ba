/**
 * Gives each of its arguments to an app of its own, all in one process, and prints the outcome: one
 * line of JSON. Those that listen go on until all have been tried.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const apps: FastifyInstance[] = []
for (const description of process.argv.slice(2)) {
  const app = Fastify({ pluginTimeout: PATIENCE, serverFactory }) as unknown as FastifyInstance
  apps.push(app)
  await app.register(endpoint, { endpoint: description })
  await app.listen().then(
    () => console.log(JSON.stringify({ listening: description })),
    ({ code, message, endpoint, argument }) => console.log(JSON.stringify({ code, message, endpoint, argument })))
}
await Promise.all(apps.map((app) => app.close()))
