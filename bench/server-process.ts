/** The process of a server that is measured. */
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import type { Memory, ServerMessage } from './server.js'

export type Side = 'ours' | 'bare'
export type EndpointType = 'tcp' | 'haproxy' | 'ssl' | 'tls' | 'h2'

export const SERVER_CORE = '0'
const LOAD_CORE = '1'

/**
 * Puts this process, which makes the load, on its own core. The servers share another one; only one of them works at a time.
 * @returns whether that is possible: it needs two cores and `taskset`
 */
export function takeOwnCore (): boolean {
  if (availableParallelism() < 2) return false
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', LOAD_CORE, String(process.pid)]).status === 0
}

export class ServerProcess {
  readonly side: Side
  readonly port: number
  readonly #child: ChildProcess

  private constructor (side: Side, child: ChildProcess, port: number) {
    this.side = side
    this.port = port
    this.#child = child
  }

  /** Resolves when the server listens. `pinned` puts it on the servers' core. It gets the Node.js flags of this process, for example --cpu-prof. */
  static async start (side: Side, type: EndpointType, folder: string, pinned: boolean, variant: readonly string[] = []): Promise<ServerProcess> {
    const program = fileURLToPath(new URL('server.js', import.meta.url))
    const child = fork(program, [side, type, folder, ...variant], pinned
      ? { execPath: 'taskset', execArgv: ['--cpu-list', SERVER_CORE, process.execPath, ...process.execArgv] }
      : {})
    const message = await answerOf<ServerMessage>(child)
    if (!('port' in message)) throw new Error('the server did not tell its port')
    return new ServerProcess(side, child, message.port)
  }

  /** Processor time that the server has used, in microseconds: user and system, all threads. */
  async cpu (): Promise<number> {
    const answer = answerOf<ServerMessage>(this.#child)
    this.#child.send('cpu')
    const message = await answer
    if (!('cpu' in message)) throw new Error('the server did not tell its processor time')
    return message.cpu
  }

  /** The memory that it uses after garbage collections. This process must run with --expose-gc. */
  async memory (): Promise<Memory> {
    const answer = answerOf<ServerMessage>(this.#child)
    this.#child.send('memory')
    const message = await answer
    if (!('memory' in message)) throw new Error('the server did not tell its memory')
    return message.memory
  }

  /** Starts to profile it; the second call returns the profile. */
  async profile (): Promise<Profiler.Profile | undefined> {
    const answer = answerOf<ServerMessage>(this.#child)
    this.#child.send('profile')
    const message = await answer
    return 'profile' in message ? message.profile : undefined
  }

  async stop (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}

/** The next message of a child; rejects if it ends before. */
export async function answerOf<Message> (child: ChildProcess): Promise<Message> {
  const controller = new AbortController()
  const { signal } = controller
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as Message),
      once(child, 'exit', { signal }).then(([code]) => { throw new Error(`the server ended with status ${code}`) })
    ])
  } finally {
    controller.abort()
  }
}
