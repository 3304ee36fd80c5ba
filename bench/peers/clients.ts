/**
 * The clients of all compared servers. As in bench/load.ts they are raw sockets, but these take the time of each response,
 * and can resume sessions.
 */
import { once } from 'node:events'
import { connect, type SecureContext, type TLSSocket } from 'node:tls'
import { lengthOfAnswer } from '../load.js'
import type { LoadName } from './results.js'

export interface Target {
  readonly port: number
  /** The trusted CA, the client's certificate, the TLS version, the cipher and the group. */
  readonly context: SecureContext
}

const KEEP_ALIVE = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
const CLOSE = Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
/** More than any server takes for a handshake with a large CRL, times the connections that wait for it. */
const PATIENCE = 60_000

/** A client that acts again and again; each time gives the milliseconds until the whole response was there. */
interface Client {
  act (): Promise<number>
  /** Before the first of many acts. */
  renew? (): Promise<void>
  close (): void
}

export class Clients {
  readonly #clients: Record<LoadName, Client[]>

  private constructor (clients: Record<LoadName, Client[]>) {
    this.#clients = clients
  }

  /** So many clients of each load, which have connected once. */
  static async make (target: Target, count: number): Promise<Clients> {
    const resumed: Client[] = []
    const request: Client[] = []
    for (let index = 0; index < count; index++) {
      resumed.push(await Resuming.make(target))
      request.push(await Kept.open(target))
    }
    const full = Array.from({ length: count }, () => ({ act: async () => (await visit(target)).milliseconds, close: () => {} }))
    return new Clients({ full, resumed, request })
  }

  /** Gets new sessions, since servers forget them after five minutes. */
  async renew (): Promise<void> {
    for (const client of this.#clients.resumed) await client.renew?.()
  }

  /** Lets several clients act until the time is over; gives the milliseconds of each response. */
  async run (load: LoadName, milliseconds: number, parallel: number): Promise<number[]> {
    const end = performance.now() + milliseconds
    const all: number[] = []
    await Promise.all(this.#clients[load].slice(0, parallel).map(async (client) => {
      do all.push(await client.act())
      while (performance.now() < end)
    }))
    return all
  }

  close (): void {
    for (const client of Object.values(this.#clients).flat()) client.close()
  }
}

interface Visit {
  readonly milliseconds: number
  /** What the next connection can resume: the last session of this one. */
  readonly session: Buffer | undefined
}

/** A connection with one request, which the server closes. */
async function visit (target: Target, session?: Buffer): Promise<Visit> {
  const start = performance.now()
  const socket = open(target, session)
  let latest: Buffer | undefined
  socket.on('session', (offered) => { latest = offered })
  let length: number | undefined
  let received = 0
  let end = 0
  socket.on('data', (data) => {
    try {
      length ??= lengthOfAnswer(data)
    } catch (error) {
      socket.destroy(error as Error)
      return
    }
    received += data.length
    if (received === length) end = performance.now()
  })
  await once(socket, 'secureConnect')
  if (socket.isSessionReused() !== (session !== undefined)) throw new Error(session === undefined ? 'a handshake was not a full one' : 'a session was not resumed')
  socket.write(CLOSE)
  await once(socket, 'close')
  if (end === 0) throw new Error('the server did not answer')
  return { milliseconds: end - start, session: latest }
}

function open ({ port, context }: Target, session?: Buffer): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext: context, ALPNProtocols: ['http/1.1'], ...(session === undefined ? {} : { session }) })
  socket.setNoDelay(true)
  // Whoever waits hears of it; others must not end the process when the servers stop after an error.
  socket.on('error', () => {})
  socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no response within ${PATIENCE / 1000} s`)))
  return socket
}

class Resuming implements Client {
  readonly #target: Target
  #session: Buffer

  private constructor (target: Target, session: Buffer) {
    this.#target = target
    this.#session = session
  }

  static async make (target: Target): Promise<Resuming> {
    const { session } = await visit(target)
    if (session === undefined) throw new Error('the server offers no session')
    return new Resuming(target, session)
  }

  async act (): Promise<number> {
    const { milliseconds, session } = await visit(this.#target, this.#session)
    this.#session = session ?? this.#session
    return milliseconds
  }

  async renew (): Promise<void> {
    this.#session = (await visit(this.#target)).session ?? this.#session
  }

  close (): void {}
}

/** A connection that stays open, with one request after another. */
class Kept implements Client {
  readonly #socket: TLSSocket
  #length = 0
  #received = 0
  #start = 0
  #settle: (outcome: number | Error) => void = () => {}

  private constructor (socket: TLSSocket) {
    this.#socket = socket
    socket.setTimeout(0)
    socket.on('data', (data) => this.#read(data))
    socket.on('error', (error) => this.#settle(error))
    socket.on('close', () => this.#settle(new Error('the server closed a connection')))
  }

  static async open (target: Target): Promise<Kept> {
    const socket = open(target)
    await once(socket, 'secureConnect')
    const client = new Kept(socket)
    // A server waits longer for a second request than for a first one.
    await client.act()
    return client
  }

  act (): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#settle = (outcome) => { typeof outcome === 'number' ? resolve(outcome) : reject(outcome) }
      this.#start = performance.now()
      this.#socket.write(KEEP_ALIVE)
    })
  }

  #read (data: Buffer): void {
    try {
      if (this.#length === 0) this.#length = lengthOfAnswer(data)
    } catch (error) {
      return this.#settle(error as Error)
    }
    this.#received += data.length
    if (this.#received < this.#length) return
    if (this.#received > this.#length) return this.#settle(new Error('a response is longer than the first one'))
    this.#received = 0
    this.#settle(performance.now() - this.#start)
  }

  close (): void {
    this.#socket.destroy()
  }
}

/** What a server and a client negotiate, and the bytes of the response to one request. Rejects if there is none. */
export async function negotiate (target: Target): Promise<{ readonly terms: string, readonly length: number }> {
  const socket = open(target)
  await once(socket, 'secureConnect')
  socket.write(KEEP_ALIVE)
  const waiting = new AbortController()
  try {
    const [data] = await Promise.race([
      once(socket, 'data', { signal: waiting.signal }),
      once(socket, 'close', { signal: waiting.signal }).then(() => { throw new Error('the server closed the connection') })
    ]) as [Buffer]
    const { name, type } = socket.getEphemeralKeyInfo() as { name?: string, type?: string }
    return { terms: [socket.getProtocol(), socket.getCipher().name, name ?? type, socket.alpnProtocol].join(', '), length: lengthOfAnswer(data) }
  } finally {
    waiting.abort()
    socket.destroy()
  }
}
