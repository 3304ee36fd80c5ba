/**
 * The clients: raw sockets that write a request and wait for its response. An HTTP client in Node.js would need more
 * processor time for a request than the server that is measured.
 */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls'

/** Where to connect to, and how. */
export interface Target {
  readonly port: number
  /** The trusted CA, the client's certificate, and the TLS version; undefined: plain TCP. */
  readonly context: SecureContext | undefined
  /** A PROXY header to send first, on plain TCP. */
  readonly header?: Buffer
  /** Whether the header and the request are one packet, as most are that HAProxy and nginx send. */
  readonly isTogether?: boolean
  /** The path of requests on kept connections (/). */
  readonly path?: string
}

/** Loads a server, and resolves with the number of requests that got a complete response. */
export interface Load {
  run (milliseconds: number): Promise<number>
  close (): void
}

const requestFor = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
const KEEP_ALIVE = requestFor('/')
const CLOSE = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')

/** Requests on connections that stay open, one at a time on each. */
export class KeptAlive implements Load {
  readonly #clients: Client[]

  private constructor (clients: Client[]) {
    this.#clients = clients
  }

  static async open (target: Target, connections: number): Promise<KeptAlive> {
    const clients: Client[] = []
    // One after another, so that the listen queue does not overflow.
    for (let i = 0; i < connections; i++) clients.push(new Client(await connect(target), requestFor(target.path ?? '/')))
    return new KeptAlive(clients)
  }

  async run (milliseconds: number): Promise<number> {
    const end = performance.now() + milliseconds
    const counts = await Promise.all(this.#clients.map((client) => client.ask(end)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  close (): void {
    for (const client of this.#clients) client.socket.destroy()
  }
}

/** One connection that sends one request after another until the time is over. */
class Client {
  readonly socket: Socket
  readonly #request: Buffer
  /** Bytes of a response: they all have the same length. */
  #length = 0
  #received = 0
  #count = 0
  #end = 0
  #settle: (error?: Error) => void = () => {}

  constructor (socket: Socket, request: Buffer) {
    this.socket = socket
    this.#request = request
    socket.on('data', (data) => this.#read(data))
    socket.on('error', (error) => this.#settle(error))
    socket.on('close', () => this.#settle(new Error('the server closed a connection')))
  }

  /** Sends requests until the time `end`, and resolves with the number of responses after the last one. */
  ask (end: number): Promise<number> {
    this.#end = end
    this.#count = 0
    return new Promise((resolve, reject) => {
      this.#settle = (error) => { error === undefined ? resolve(this.#count) : reject(error) }
      this.socket.write(this.#request)
    })
  }

  #read (data: Buffer): void {
    if (this.#length === 0) this.#length = lengthOfAnswer(data)
    this.#received += data.length
    if (this.#received < this.#length) return
    if (this.#received > this.#length) return this.#settle(new Error('an answer is longer than the first one'))
    this.#received = 0
    this.#count++
    if (performance.now() < this.#end) this.socket.write(this.#request)
    else this.#settle()
  }
}

/** Connections with a full handshake and one request each, which the server closes. */
export class Connections implements Load {
  readonly #target: Target
  readonly #parallel: number

  constructor (target: Target, parallel: number) {
    this.#target = target
    this.#parallel = parallel
  }

  async run (milliseconds: number): Promise<number> {
    return await countFor(milliseconds, this.#parallel, () => askOnce(this.#target))
  }

  close (): void {}
}

/** Acts again and again, several times in parallel, and gives how often. */
export async function countFor (milliseconds: number, parallel: number, act: () => Promise<void>): Promise<number> {
  const end = performance.now() + milliseconds
  let count = 0
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (; performance.now() < end; count++) await act()
  }))
  return count
}

/** A connection with one request, which the server closes. */
export async function askOnce (target: Target): Promise<void> {
  const { isTogether = false, header, ...rest } = target
  const socket = await connect(isTogether ? rest : target)
  if (target.context !== undefined && (socket as TLSSocket).isSessionReused()) throw new Error('the handshake was not a full one')
  let answered = false
  socket.once('data', (data) => { answered = lengthOfAnswer(data) === data.length })
  socket.write(isTogether && header !== undefined ? Buffer.concat([header, CLOSE]) : CLOSE)
  await once(socket, 'close')
  if (!answered) throw new Error('the server did not answer')
}

/** What a server and a client negotiate. Two servers are comparable only if it is the same. */
export async function negotiated (target: Target): Promise<string> {
  const socket = await connect(target)
  const description = target.context === undefined ? '' : describeTls(socket as TLSSocket)
  socket.write(KEEP_ALIVE)
  const [answer] = await once(socket, 'data') as [Buffer]
  lengthOfAnswer(answer)
  socket.destroy()
  const headers = answer.toString('latin1').replace(/^date: .*$/im, 'Date')
  return `${description}${headers}`
}

function describeTls (socket: TLSSocket): string {
  return [socket.getProtocol(), socket.getCipher().name, JSON.stringify(socket.getEphemeralKeyInfo()), socket.alpnProtocol, ''].join('\n')
}

async function connect ({ port, context, header }: Target): Promise<Socket> {
  const where = { host: '127.0.0.1', port }
  const socket = context === undefined
    ? connectTcp(where)
    : connectTls({ ...where, servername: 'localhost', secureContext: context, ALPNProtocols: ['http/1.1'] })
  socket.setNoDelay(true)
  await once(socket, context === undefined ? 'connect' : 'secureConnect')
  if (header !== undefined) socket.write(header)
  return socket
}

/** Reads the first bytes of a response, which contain its whole head. */
export function lengthOfAnswer (data: Buffer): number {
  const text = data.toString('latin1')
  const head = text.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, head + 1))?.[1]
  if (!text.startsWith('HTTP/1.1 200 ') || head === -1 || length === undefined) throw new Error(`an answer that was not expected: ${text}`)
  return head + 4 + Number(length)
}
