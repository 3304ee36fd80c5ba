/**
 * Node's own server for mutual TLS, instead of cut-server.ts. It has no revocation, so it keeps each connection with its
 * certificate, as an app that revokes would have to. At the message `cut` it destroys all of them: at once, or for one
 * millisecond in each turn of the event loop.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { CutRecord } from './cut-record.js'
import type { CutCommand } from './cut-server.js'

const [, , folder = ''] = process.argv
const read = (file: string): Buffer => readFileSync(join(folder, file))
const open = new Map<TLSSocket, unknown>()
const server = createServer({
  key: read('server.key'),
  cert: read('server.pem'),
  ca: read('ca.pem'),
  requestCert: true,
  rejectUnauthorized: true,
  keepAliveTimeout: 600_000
}, (_request, response) => { response.end('served') })
server.on('secureConnection', (socket) => {
  open.set(socket, socket.getPeerX509Certificate())
  socket.once('close', () => { open.delete(socket) })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => { process.send?.({ port: (server.address() as AddressInfo).port }) })

let record: CutRecord | undefined

async function cut (slice: number): Promise<void> {
  record?.swap()
  let end = performance.now() + slice
  for (const socket of open.keys()) {
    socket.destroy()
    record?.cut()
    if (performance.now() < end) continue
    await nextTurn()
    end = performance.now() + slice
  }
}

async function obey (command: CutCommand): Promise<object> {
  if (command === 'end') return await record?.end() ?? {}
  if (command === 'begin') record = new CutRecord()
  if (typeof command === 'object') cut(command.cut === 'at once' ? Infinity : 1)
  return {}
}

process.on('message', (command: CutCommand) => { obey(command).then((answer) => process.send?.(answer)) })
process.on('disconnect', () => process.exit())
