/**
 * A Redis server on a free port of loopback, and what tests do to it.
 */
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { Child } from './children.js'
import { freePort } from './loopback.js'
import { makeShortFolder } from './unix-sockets.js'

export interface RunningRedis {
  readonly port: number
  /** Its address, as in a line of a list; the set is called `revoked`. */
  readonly address: string
  readonly child: Child
  /** A client for the test. */
  readonly client: Redis
  /** Kills it and starts another on the same port, empty unless it was saved. */
  restart (args?: readonly string[]): Promise<RunningRedis>
  kill (): Promise<void>
}

const TRIES = 5

/** Starts an empty Redis that saves nothing. */
export async function startRedis (t: Test, args: readonly string[] = [], before?: { port: number, folder: string }): Promise<RunningRedis> {
  const folder = before?.folder ?? makeShortFolder(t)
  for (let left = TRIES; ; left--) {
    const port = before?.port ?? await freePort()
    const child = new Child(t, 'redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no', ...args])
    try {
      await child.prints(/Ready to accept connections|Loading RDB/)
    } catch (thrown) {
      // Another process has taken the port meanwhile.
      if (left > 0 && /Address already in use/.test(child.output)) continue
      throw thrown
    }
    const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
    client.on('error', () => {})
    t.teardown(() => { client.disconnect() })
    const kill = async (): Promise<void> => {
      client.disconnect()
      child.kill('SIGKILL')
      await child.ended
    }
    return {
      port,
      address: `redis://127.0.0.1:${port}/0?key=revoked`,
      child,
      client,
      kill,
      restart: async (other = args) => {
        await kill()
        return await startRedis(t, other, { port, folder })
      }
    }
  }
}
