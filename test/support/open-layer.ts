/** The TLS layer on a port, without an app, with a clock that a test can set. */
import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import { Connections } from '../../lib/engine/connections.js'
import { parseEndpoint } from '../../lib/index.js'
import { Listener, type ListenerOptions } from '../../lib/layers/listener.js'
import type { TlsLayer } from '../../lib/layers/tls-layer.js'
import type { Site } from './mutual-tls.js'

export interface OpenLayer {
  readonly port: number
  readonly layer: TlsLayer
  readonly connections: Connections
  /** Milliseconds that the clock is ahead of the real one. */
  readonly clock: { shift: number }
  /** Emits `socket` for each admitted socket, and `clock` when the clock is read. */
  readonly fed: EventEmitter
}

/**
 * With a clock that starts now and runs, shifted by `clock.shift`.
 *
 * @param description an endpoint string instead of the site's own
 */
export async function openLayer (t: Test, site: Site, description = site.endpoint(), options: Partial<ListenerOptions> = {}): Promise<OpenLayer> {
  const clock = { shift: 0 }
  const connections = new Connections()
  const fed = new EventEmitter()
  const now = (): number => {
    fed.emit('clock')
    return Date.now() + clock.shift
  }
  const silent = { debug () {}, info () {}, warn () {}, error () {} }
  const never = new Promise<never>(() => {})
  const [listener] = await Listener.prepareAll([parseEndpoint(description)], { log: silent, now, ...options }, never)
  const layer = listener?.tls as TlsLayer
  const server = createServer((raw) => {
    const connection = connections.add(raw, layer.gate)
    if (connection === undefined) return
    layer.accept(connection, { clientConnections: connections, feed: (socket: Socket) => { fed.emit('socket', socket.on('error', () => {})) }, handshakeFailed () {}, keylog: undefined })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    connections.cutAll()
    listener?.dispose()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, layer, connections, clock, fed }
}
