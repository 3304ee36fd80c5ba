/** A server that poses as a sentinel, or as a Redis server, with the answers that a test gives it. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createSecureServer, type TlsOptions } from 'node:tls'
import type { Test } from 'tap'

export interface Impostor {
  readonly port: number
  /** What it has received, as latin1. */
  readonly received: string
  readonly connections: number
  /** Its reply to whatever it is asked, as bytes of the protocol. */
  answer: string | ((asked: string) => string)
}

/** Starts it on a free port of loopback, with TLS if there is a certificate; it ends with the test. */
export async function startImpostor (t: Test, answer: Impostor['answer'], tls?: TlsOptions): Promise<Impostor> {
  let received = ''
  let connections = 0
  const take = (socket: Socket): void => {
    connections++
    t.teardown(() => { socket.destroy() })
    socket.setEncoding('latin1').on('error', () => {}).on('data', (asked: string) => {
      received += asked
      const { answer } = started
      socket.write(typeof answer === 'string' ? answer : answer(asked), 'latin1')
    })
  }
  const server = (tls === undefined ? createServer(take) : createSecureServer(tls, take)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const started = {
    port: (server.address() as AddressInfo).port,
    get received () { return received },
    get connections () { return connections },
    answer
  }
  return started
}

/** The answer of a sentinel that names this server. */
export function naming (host: string, port: number | string): string {
  return `*2\r\n$${host.length}\r\n${host}\r\n$${`${port}`.length}\r\n${port}\r\n`
}
