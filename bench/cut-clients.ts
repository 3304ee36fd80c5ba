/**
 * Clients that keep connections of mutual TLS open, in their own process:
 *
 *     node dist/bench/cut-clients.js port folder group
 *
 * The certificates of the group are in group.json, and each connection comes from its own address. The process obeys
 * messages, and answers each with a `ClientsMessage`.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { head } from '../test/support/peer.js'

export type ClientsCommand =
  /** Open connections up to a number, and send a request on each. */
  | { open: number, firstAddress: number }
  /** Send a request on each open connection. */
  | 'ask'
  | 'report'

export interface ClientsMessage {
  readonly open: number
  /** Responses to the last `ask`. */
  readonly answered: number
  /** When a connection last ended, in milliseconds of the system's monotonic clock. */
  readonly lastClose: number
}

/** Handshakes, or requests, at the same time. */
const PARALLEL = 32

const [port, folder, group] = process.argv.slice(2) as [string, string, string]
const ca = readFileSync(join(folder, 'ca.pem'))
const certificates = JSON.parse(readFileSync(join(folder, `${group}.json`), 'utf8')) as Array<{ chain: string, key: string }>
const contexts = certificates.map(({ chain, key }) => createSecureContext({ ca, cert: chain, key, minVersion: 'TLSv1.3' }))
const sockets = new Set<TLSSocket>()
let lastClose = 0

async function open (index: number): Promise<void> {
  const raw = connectTcp({ host: '127.0.0.1', port: Number(port), localAddress: `127.1.${index >> 8}.${index & 255}` })
  const secureContext = contexts[index % contexts.length] as SecureContext
  const socket = connect({ socket: raw, servername: 'localhost', secureContext })
  await once(socket, 'secureConnect')
  await ask(socket)
  sockets.add(socket)
  socket.resume().on('error', () => {})
  socket.once('close', () => {
    sockets.delete(socket)
    lastClose = Number(process.hrtime.bigint()) / 1e6
  })
}

async function ask (socket: TLSSocket): Promise<void> {
  socket.write(head())
  const [answer] = await once(socket, 'data') as [Buffer]
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200 ')) throw new Error(`not served: ${answer}`)
}

/** Does the same for all, a bounded number at a time, and returns how often it succeeded. */
async function forEach<T> (all: Iterable<T>, work: (item: T) => Promise<void>): Promise<number> {
  const items = [...all]
  let done = 0
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    for (let item = items.pop(); item !== undefined; item = items.pop()) {
      await work(item)
      done++
    }
  }))
  return done
}

async function obey (command: ClientsCommand): Promise<ClientsMessage> {
  let answered = 0
  if (command === 'ask') answered = await forEach(sockets, ask)
  else if (command !== 'report') await forEach(Array.from({ length: command.open - sockets.size }, (_, index) => command.firstAddress + index), open)
  return { open: sockets.size, answered, lastClose }
}

process.on('message', (command: ClientsCommand) => {
  obey(command).then((message) => process.send?.(message), (error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
process.on('disconnect', () => process.exit())
