/** An HTTP server with the answers that a test gives it, as a source of revocations. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Respond = (request: IncomingMessage, response: ServerResponse) => void

export interface HttpServer {
  readonly port: number
  /** The requests, in order. */
  readonly asked: IncomingMessage[]
  /** How it answers from now on. */
  answer: Respond
  url (path?: string): string
  /** Closes it and its connections at once. */
  stop (): Promise<void>
}

/** Starts a server on a free port of loopback; it ends with the test. */
export async function startHttp (t: Test, answer: Respond, port = 0): Promise<HttpServer> {
  const server = createServer((request, response) => {
    started.asked.push(request)
    response.on('error', () => {})
    started.answer(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  t.teardown(stop)
  const started: HttpServer = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    answer,
    url: (path = '/clients.crl') => `http://127.0.0.1:${started.port}${path}`,
    stop
  }
  return started
}

/** Answers with a body, and headers. */
export function saying (body: Uint8Array | string, headers: Record<string, string> = {}): Respond {
  return (_request, response) => {
    response.writeHead(200, headers)
    response.end(body)
  }
}

/** Answers with a status and nothing else. */
export function refusing (status: number, headers: Record<string, string> = {}): Respond {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.end()
  }
}
