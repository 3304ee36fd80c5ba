/** An app that orders its certificate from Pebble, and a client of it. */
import Fastify, { type FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import endpoint, { type EndpointOptions, serverFactory } from '../../lib/index.js'
import { LogCapture } from './log.js'
import type { RunningPebble } from './pebble.js'
import { run } from './programs.js'
import { PATIENCE } from './until.js'

/** @param plugin further options of the plugin */
export async function startOrderingApp (t: Test, endpoints: string[], plugin: Omit<EndpointOptions, 'endpoint'> = {}): Promise<{ app: FastifyInstance<any, any, any, any>, log: LogCapture }> {
  const log = new LogCapture()
  const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, logger: log.logger })
  t.teardown(() => app.close())
  app.get('/', async () => 'hello')
  await app.register(endpoint, { ...plugin, endpoint: endpoints })
  await app.listen()
  return { app, log }
}

/** What curl prints, which trusts the root of Pebble alone. */
export async function curl (pebble: RunningPebble, root: string, name: string): Promise<string> {
  const { stdout, stderr } = await run('curl', ['-sS', '--cacert', root, '--resolve', `${name}:${pebble.tlsPort}:127.0.0.1`, `https://${name}:${pebble.tlsPort}/`])
  return `${stdout}${stderr}`
}
