/** An HTTP/2 client that sends any frames and interprets no answer. */
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'

/** Types of frames (RFC 9113 section 6). */
export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

/** Flags of HEADERS. */
export const END_STREAM = 0x1
export const END_HEADERS = 0x4

/** A frame (RFC 9113 section 4.1). */
export function frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0), length = payload.length): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** One parameter of SETTINGS (section 6.5.1). */
export function setting (name: number, value: number): Buffer {
  const payload = Buffer.alloc(6)
  payload.writeUInt16BE(name, 0)
  payload.writeUInt32BE(value, 2)
  return frame(SETTINGS, 0, 0, payload)
}

export const INITIAL_WINDOW_SIZE = 4

/** The number of 31 bits that is the payload of WINDOW_UPDATE and of RST_STREAM. */
export function number (value: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(value)
  return payload
}

export const GET = 0x82
export const POST = 0x83
/** The static table does not have it. */
export const HEAD = Buffer.from('\x02\x04HEAD')

/** A request for a path of https://localhost (RFC 7541: names from the static table, literals that are not indexed). */
export function request (stream: number, path = '/', method: number | Buffer = GET): Buffer {
  const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  const block = Buffer.concat([typeof method === 'number' ? Buffer.from([method]) : method, Buffer.from([0x87, 0x04]), literal(path), Buffer.from([0x01]), literal('localhost')])
  return frame(HEADERS, method === GET || method === HEAD ? END_STREAM | END_HEADERS : END_HEADERS, stream, block)
}

/** The client's preface (section 3.4) and empty SETTINGS. */
export const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(SETTINGS, 0, 0)])

/** A connection that the client does not end by itself, whatever the server sends; it has sent the preface. */
export async function openRaw (t: Pick<Test, 'teardown'>, port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...options, ALPNProtocols: ['h2'], allowHalfOpen: true } as ConnectionOptions)
  t.teardown(() => { socket.destroy() })
  await once(socket, 'secureConnect')
  socket.on('error', () => {}).write(PREFACE)
  return socket
}

/** Sends a PING and waits for its answer or the end of the connection. The server has then read all that was sent before. */
export async function ping (socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve) => {
    let received = Buffer.alloc(0)
    const look = (bytes: Buffer): void => {
      received = Buffer.concat([received, bytes])
      if (received.includes(ANSWERED)) done()
    }
    const done = (): void => {
      socket.removeListener('data', look).removeListener('end', done).removeListener('close', done)
      resolve()
    }
    socket.on('data', look).once('end', done).once('close', done)
    socket.write(frame(PING, 0, 0, Buffer.from(ANSWERED)))
  })
}

/** Eight bytes that come back. */
const ANSWERED = 'answered'
