/** Closes an app, with a time limit that tells a close that waits for a peer from one on a slow machine. */
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { until } from './until.js'

/** Shorter than every time-out of Fastify and Node.js that could end a connection before `close()` does. */
const GUARD = 8000

/** Closes the app; fails the test if that takes so long that it must be waiting for somebody. */
export async function closesAtOnce (t: Test, app: FastifyInstance, message = 'close() waits for nobody'): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => { timer = setTimeout(resolve, GUARD, 'late') })
  const outcome = await Promise.race([app.close().then(() => 'closed'), late])
  clearTimeout(timer)
  t.equal(outcome, 'closed', message)
  if (outcome === 'late') app.server.closeAllConnections()
}

/** Waits until the server has accepted so many connections: a client may be connected long before. */
export async function untilConnected (app: FastifyInstance, count: number): Promise<void> {
  const connections = promisify(app.server.getConnections.bind(app.server))
  await until(`${count} connections are open`, async () => await connections() === count)
}

/** Waits until the server has no address: it accepts no connection, and has closed those without a request. */
export async function untilDeaf (app: FastifyInstance): Promise<void> {
  await until('the server accepts nobody any more', () => app.server.address() === null)
}
