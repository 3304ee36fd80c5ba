/** An app in a process with few file descriptors, and connections that use them up. */
import { fileURLToPath } from 'node:url'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import type { EndpointOptions } from '../../lib/index.js'
import { Child } from './children.js'

export interface Besieged {
  readonly child: Child
  readonly ports: readonly number[]
  /** Makes the app open all descriptors that are left, or close them again. */
  tell (line: 'hoard' | 'release'): Promise<void>
}

/** Starts test/programs/besieged.ts with a limit of open files. */
export async function startBesieged (t: Test, limit: number, options: EndpointOptions): Promise<Besieged> {
  const program = fileURLToPath(new URL('../programs/besieged.ts', import.meta.url))
  const child = new Child(t, 'sh', ['-c', `ulimit -n ${limit} && exec "$@"`, 'sh', process.execPath, ...process.execArgv, program, JSON.stringify(options)])
  const [, ports = ''] = await child.prints(/^ports (.*)$/m)
  return {
    child,
    ports: ports.split(',').map(Number),
    async tell (line) {
      child.process.stdin?.write(`${line}\n`)
      await child.prints(new RegExp(`^done ${line}$`, 'm'))
    }
  }
}

export interface Siege {
  /** Resolves when the first connection was closed by a limit. */
  readonly crowded: Promise<void>
  end (): void
}

/** Keeps so many connections open: one that is closed is followed by another, until the end. */
export function besiege (t: Test, count: number, connect: () => Socket): Siege {
  const sockets = new Set<Socket>()
  let missing = 0
  let isOver = false
  let tell = (): void => {}
  const crowded = new Promise<void>((resolve) => { tell = resolve })
  const open = (): void => {
    const socket = connect()
    sockets.add(socket)
    socket.on('error', () => {}).resume().once('close', () => {
      sockets.delete(socket)
      tell()
      if (missing++ === 0) setImmediate(follow)
    })
  }
  // One in each turn. A client of the same process could not send its hello between many, and would be dropped as a silent one.
  const follow = (): void => {
    if (isOver) return
    open()
    if (--missing > 0) setImmediate(follow)
  }
  const end = (): void => {
    isOver = true
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(end)
  for (let index = 0; index < count; index++) open()
  return { crowded, end }
}
