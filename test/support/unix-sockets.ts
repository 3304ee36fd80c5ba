/** Unix sockets for tests: short paths, stale leftovers, and requests over them. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** The age of a lock that cannot belong to a process that is about to bind. */
export const LONG_AGO = new Date('2020-01-01')

/** A new folder with a short path, since that of a unix socket may have 107 bytes. */
export function makeShortFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'ep-'))
  // What an app that is closing still writes may come in between.
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

/** Leaves a socket at `path` without a listener, as a killed process does. */
export async function leaveStaleSocket (path: string): Promise<void> {
  const server = createServer().listen(`${path}.elsewhere`)
  await once(server, 'listening')
  await rename(`${path}.elsewhere`, path)
  server.close()
  await once(server, 'close')
}

/** One GET over a unix socket; gives the status. */
export async function getOverUnix (socketPath: string): Promise<number> {
  const outgoing = request({ socketPath, path: '/', agent: false }).end()
  const [response] = await once(outgoing, 'response')
  response.resume()
  await once(response, 'end')
  return response.statusCode
}
