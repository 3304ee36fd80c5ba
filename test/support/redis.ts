/**
 * A Redis server on a free port of loopback, ended by its pid, and what tests do to it from outside.
 */
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { Child } from './children.js'
import { freePort } from './loopback.js'
import { makeShortFolder } from './unix-sockets.js'

export interface RunningRedis {
  readonly port: number
  /** As a line of a list has it; the set is called `revoked`. */
  readonly address: string
  readonly child: Child
  /** A client of the test's own. */
  readonly client: Redis
  /** Kills it, and starts another on the same port, with nothing in it unless it was saved. */
  restart (args?: readonly string[]): Promise<RunningRedis>
  kill (): Promise<void>
}

const TRIES = 5

/** Starts Redis with nothing in it, and nothing saved. */
export async function startRedis (t: Test, args: readonly string[] = [], before?: { port: number, folder: string }): Promise<RunningRedis> {
  const folder = before?.folder ?? makeShortFolder(t)
  for (let left = TRIES; ; left--) {
    const port = before?.port ?? await freePort()
    const child = new Child(t, 'redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no', ...args])
    try {
      await child.prints(/Ready to accept connections|Loading RDB/)
    } catch (thrown) {
      // Somebody else was given the port meanwhile.
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
