/**
 * The servers that are measured with a CRL: ours and Node's, each a process with `crl-server.ts`, and nginx and HAProxy from
 * Debian, which get a signal as from an operator.
 *
 * Each has ca.pem, server.pem, server.key and the CRL in its own folder, and listens on a unix socket or a port of the
 * loopback interface.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CrlCommand } from './crl-server.js'
import { startHaproxy, startNginx } from './peers/proxies.js'
import { memory, processorTime } from './processes.js'
import { answerOf } from './server-process.js'

export const SIDES = ['ours', 'node', 'nginx', 'haproxy'] as const
export type Side = typeof SIDES[number]

export const NAMES: Readonly<Record<Side, string>> = { ours: 'ours', node: 'Node\'s `crl`', nginx: 'nginx', haproxy: 'HAProxy' }

export interface Contestant {
  /** What a client connects to. */
  readonly address: { readonly path: string } | { readonly host: string, readonly port: number }
  /** Replaces the CRL by the file `next`, and sends a signal to a server that needs one. */
  change (): void
  /** Sends a command to our server or Node's. */
  tell<Answer> (command: CrlCommand): Promise<Answer>
  /** Milliseconds of processor time of all its processes. */
  processorTime (): number
  /** Bytes of memory of all its processes. */
  memory (): number
  stop (): Promise<void>
}

export async function start (side: Side, folder: string): Promise<Contestant> {
  const path = (file: string): string => join(folder, file)
  const proxy = { path, listen: path('s'), crl: path('crl'), tickets: false, protocols: ['TLSv1.3'] } as const
  const child = side === 'nginx' ? startNginx(proxy) : side === 'haproxy' ? startHaproxy(proxy) : startServer(side, folder)
  const isOther = side === 'nginx' || side === 'haproxy'
  const place = isOther ? { path: path('s') } : { host: '127.0.0.1', port: (await answerOf<{ port: number }>(child)).port }
  const tell = async <Answer>(command: CrlCommand): Promise<Answer> => {
    const answer = answerOf<Answer>(child)
    child.send(command)
    return await answer
  }
  return {
    address: place,
    change: () => {
      if (isOther) {
        renameSync(path('next'), path('crl'))
        child.kill(side === 'nginx' ? 'SIGHUP' : 'SIGUSR2')
      } else {
        child.send('change' satisfies CrlCommand)
      }
    },
    tell,
    processorTime: () => processorTime(child.pid as number),
    memory: () => memory(child.pid as number),
    stop: async () => {
      const exit = once(child, 'exit')
      child.kill()
      await Promise.race([exit, pause(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))])
    }
  }
}

function startServer (side: string, folder: string): ChildProcess {
  return fork(fileURLToPath(new URL('crl-server.js', import.meta.url)), [side, folder], { execArgv: ['--expose-gc'] })
}
