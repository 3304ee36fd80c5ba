/**
 * The single connection of a process that inetd or the like has started for it, on standard input and output.
 */
import cluster from 'node:cluster'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { areSame, statOf } from '../descriptors.js'
import { errors, located } from '../errors.js'
import type { StdioEndpoint } from '../../types/endpoint.js'
import { claim, refuseInWorker } from './descriptor.js'
import type { Transport, TransportOptions } from './listening.js'

/**
 * Makes a connection of standard input and output. `begin` passes it on.
 * @throws FST_ENDPOINT_STDIO, FST_ENDPOINT_DESCRIPTOR_TAKEN, FST_ENDPOINT_INHERITED_IN_WORKER
 */
export async function openStdio ({ description }: StdioEndpoint, { sockets, onSocket }: TransportOptions): Promise<Transport> {
  refuseInWorker(description)
  if (cluster.isWorker) throw refusal(description, 'the workers of a cluster share one standard input')
  for (const fileno of [0, 1]) claim(fileno, description)
  const connection = areOneSocket() ? socketOf(description, sockets) : joined()
  // Nothing else handles its errors until HTTP has it.
  connection.on('error', () => {})
  let begun = false
  return {
    address: null,
    spent: new Promise((resolve) => { connection.once('close', () => resolve()) }),
    begin () {
      begun = true
      onSocket(connection)
    },
    async close () {
      if (!begun) connection.destroy()
    },
    ref () { connection.ref() },
    unref () { connection.unref() }
  }
}

function areOneSocket (): boolean {
  const input = statOf(0)
  return input?.isSocket() === true && areSame(input, statOf(1))
}

function socketOf (description: string, { noDelay, keepAlive, keepAliveInitialDelay }: TransportOptions['sockets']): Socket {
  const socket = new Socket({ fd: 0, allowHalfOpen: true })
  if ('port' in socket.address() && socket.remoteAddress === undefined) {
    socket.on('error', () => {}).destroy()
    throw refusal(
      description,
      'standard input is a socket that accepts connections: write Accept=yes into its socket unit, or listen on it with fd:0'
    )
  }
  return socket.setNoDelay(noDelay).setKeepAlive(keepAlive, keepAliveInitialDelay)
}

/** Pipes, files or a terminal, with what HTTP expects of a socket. */
function joined (): Socket {
  const { stdin, stdout } = process
  const streams = Duplex.from({ readable: stdin, writable: stdout })
  // Otherwise it would continue to read, and keep the process alive.
  streams.once('close', () => stdin.destroy())
  return Object.assign(streams, {
    destroySoon () { streams.end(() => streams.destroy()) },
    ref () { (stdin as Partial<Socket>).ref?.() },
    unref () { (stdin as Partial<Socket>).unref?.() }
  }) as unknown as Socket // with the members that HTTP uses
}

function refusal (endpoint: string, reason: string): Error {
  return located(new errors.FST_ENDPOINT_STDIO(endpoint, reason), { endpoint })
}
