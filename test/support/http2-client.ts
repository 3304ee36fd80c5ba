/** A client of HTTP/2. */
import { once } from 'node:events'
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2'
import type { ConnectionOptions } from 'node:tls'

export interface Answer2 {
  status: number
  body: string
  headers: Record<string, unknown>
}

/** A session, connected as far as the client can tell. */
export async function openSession (port: number, options: ConnectionOptions): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ...options, family: 4 } as ConnectionOptions)
  await once(session, 'connect')
  return session
}

export async function ask2 (session: ClientHttp2Session, path = '/', body?: string): Promise<Answer2> {
  const stream: ClientHttp2Stream = session.request({ ':path': path, ...(body === undefined ? {} : { ':method': 'POST', 'content-type': 'text/plain' }) })
  stream.end(body)
  const [headers] = await once(stream, 'response')
  stream.setEncoding('utf8')
  let text = ''
  for await (const chunk of stream) text += chunk
  return { status: headers[':status'], body: text, headers }
}
