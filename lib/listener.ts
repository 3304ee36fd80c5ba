/**
 * One endpoint string at work: its transport, the layers of its connections, its revocations.
 *
 * Prepared, it has read every file and can judge; opened, it feeds sockets to HTTP.
 */
import type { AddressInfo, Socket } from 'node:net'
import type { Connections } from './connections.js'
import { RevocationWatcher, type WatcherOptions } from './revocation/watch.js'
import { loadCredentials, type Credentials } from './tls/credentials.js'
import { Gate } from './tls/gate.js'
import { shakeHands, type HandshakeOptions } from './tls/handshake.js'
import { checkNode } from './tls/undocumented.js'
import { openTransport } from './transports/open.js'
import type { Transport, TransportOptions } from './transports/listening.js'
import type { Endpoint, SslEndpoint, TlsEndpoint } from '../types/endpoint.js'
import type { EndpointLog } from '../types/plugin.js'

/** Node's own default for a handshake is two minutes; nobody needs them. */
const SSL_HANDSHAKE_TIMEOUT = 10

/** Where the sockets go that are through all layers. */
export interface Engine {
  readonly clientConnections: Connections
  feed (socket: Socket): void
}

export interface ListenerOptions {
  readonly log: EndpointLog
  readonly limits?: WatcherOptions['limits']
}

export class Listener {
  readonly endpoint: Endpoint
  readonly revocations: RevocationWatcher | undefined
  readonly #log: EndpointLog
  readonly #handshake: HandshakeOptions | undefined
  #transport: Transport | undefined
  #stopCutting: (() => void) | undefined

  private constructor (endpoint: Endpoint, log: EndpointLog, handshake?: HandshakeOptions, revocations?: RevocationWatcher) {
    this.endpoint = endpoint
    this.revocations = revocations
    this.#log = log
    this.#handshake = handshake
  }

  /**
   * Reads and checks everything that the endpoint names, and starts to watch its revocations.
   * @throws see loadCredentials and RevocationWatcher.start
   */
  static async prepare (endpoint: Endpoint, { log, limits }: ListenerOptions): Promise<Listener> {
    if (endpoint.type !== 'ssl' && endpoint.type !== 'tls') return new Listener(endpoint, log)
    checkNode()
    const credentials = await loadCredentials(endpoint)
    warnOfDeprecated(credentials, endpoint, log)
    const revocations = await startRevocations(endpoint, credentials, log, limits)
    const policy = endpoint.type === 'tls' ? endpoint : { verify: 'none', revocationDepth: 'chain' } as const
    const handshake = {
      credentials: () => credentials,
      gate: new Gate(policy, credentials.authorities, revocations),
      alpn: endpoint.type === 'tls' ? endpoint.alpn : ['http/1.1'],
      timeout: endpoint.type === 'tls' ? endpoint.handshakeTimeout : SSL_HANDSHAKE_TIMEOUT
    }
    return new Listener(endpoint, log, handshake, revocations)
  }

  get secure (): boolean {
    return this.#handshake !== undefined
  }

  /** Where it listens; undefined while it does not. */
  get address (): AddressInfo | string | undefined {
    return this.#transport?.address
  }

  /**
   * Opens the transport and feeds the engine.
   * @throws see openTransport
   */
  async open (engine: Engine, sockets: TransportOptions['sockets']): Promise<void> {
    this.#transport = await openTransport(this.endpoint, {
      // http.Server lets a plain peer close its half first, https.Server does not: so do we.
      sockets: { ...sockets, allowHalfOpen: !this.secure },
      onSocket: (raw) => this.#accept(raw, engine)
    })
    this.#stopCutting = this.#cutAtSwaps(engine.clientConnections)
  }

  ref (): void {
    this.#transport?.ref()
  }

  unref (): void {
    this.#transport?.unref()
  }

  /** Accepts no more connections. */
  async close (): Promise<void> {
    await this.#transport?.close()
    this.#transport = undefined
  }

  /** Forgets what `prepare` started; the connections that are still open are not judged any more. */
  async dispose (): Promise<void> {
    this.#stopCutting?.()
    await this.revocations?.close()
  }

  #accept (raw: Socket, engine: Engine): void {
    const connection = engine.clientConnections.add(raw, this.#handshake?.gate)
    if (this.#handshake === undefined) {
      connection.establish(raw)
      engine.feed(raw)
      return
    }
    shakeHands(raw, this.#handshake, {
      admitted: (socket, admission) => {
        connection.establish(socket, admission)
        engine.feed(socket)
      },
      failed: (error, refusal) => {
        this.#log.debug({ err: error, reason: refusal?.reason, detail: refusal?.detail, remoteAddress: raw.remoteAddress }, refusal === undefined ? 'TLS handshake failed' : 'client refused')
      }
    })
  }

  #cutAtSwaps (connections: Connections): (() => void) | undefined {
    const { revocations } = this
    if (revocations === undefined) return undefined
    const cut = (): void => {
      const count = connections.cutRefused((this.#handshake as HandshakeOptions).gate)
      this.#log.info({ endpoint: this.endpoint.description, generation: revocations.generation, revoked: revocations.set.size, cut: count }, 'revocation list put in force')
    }
    revocations.on('swapped', cut)
    return () => { revocations.off('swapped', cut) }
  }
}

function warnOfDeprecated ({ deprecated }: Credentials, endpoint: SslEndpoint | TlsEndpoint, log: EndpointLog): void {
  if (deprecated.length > 0) {
    log.warn({ endpoint: endpoint.description, versions: deprecated }, 'sslmethod allows versions of TLS that RFC 8996 forbids; OpenSSL\'s security level is 0 for all clients of this endpoint')
  }
}

async function startRevocations (endpoint: SslEndpoint | TlsEndpoint, { authorities }: Credentials, log: EndpointLog, limits: ListenerOptions['limits']): Promise<RevocationWatcher | undefined> {
  if (endpoint.type !== 'tls' || endpoint.revokedFile === undefined) return undefined
  return RevocationWatcher.start({
    file: endpoint.revokedFile,
    authorities: authorities.map(({ x509 }) => x509),
    log,
    ...(limits === undefined ? {} : { limits })
  })
}
