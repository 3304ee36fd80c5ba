/** Closing an app, with a bound that tells a close that waits for a peer from one on a slow machine. */
import type { Test } from 'tap'
import type { FastifyInstance } from 'fastify'

/** Every time-out of Fastify and Node that could end a connection in the place of `close()` is longer. */
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
