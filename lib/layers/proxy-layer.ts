/**
 * The PROXY layer of one endpoint, below TLS. Only trusted networks may connect, and each connection must begin with a
 * PROXY header. A header is never optional: a connection without one is closed.
 */
import type { Socket } from 'node:net'
import type { Connection } from '../engine/connection.js'
import { errors, located } from '../errors.js'
import type { Counters } from '../metrics/counters.js'
import { receiveHeader } from '../proxy-protocol/receive.js'
import { FAULTS, type HeaderFault } from '../proxy-protocol/result.js'
import { TrustedNetworks } from '../proxy-protocol/trusted-networks.js'
import { RefusalLog } from '../events/refusal-log.js'
import { type Clock, CLOCK } from '../transports/first-bytes.js'
import type { Transport } from '../transports/listening.js'
import type { HaproxyEndpoint } from '../../types/endpoint.js'
import type { EndpointLog } from '../../types/log.js'

const NO_ADDRESSES = 'haproxy: proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect'

const UNTRUSTED = 'its address is in none of the networks that may send PROXY headers: if it is your proxy, add its network to proxyFrom'

export interface ProxyLayerOptions {
  readonly log: EndpointLog
  /** Seconds that a header may take. */
  readonly timeout: number
  /** Measures `timeout`. */
  readonly headerClock?: Clock | undefined
}

export class ProxyLayer {
  readonly #endpoint: string
  readonly #restricted: boolean
  readonly #log: EndpointLog
  readonly #refusals: RefusalLog
  readonly #trusted: TrustedNetworks
  readonly #timeout: number
  readonly #clock: Clock
  #counters: Counters | undefined

  constructor ({ description, proxyFrom }: HaproxyEndpoint, { log, timeout, headerClock = CLOCK }: ProxyLayerOptions) {
    this.#endpoint = description
    this.#restricted = proxyFrom !== undefined
    this.#log = log
    this.#refusals = new RefusalLog(log)
    this.#trusted = new TrustedNetworks(proxyFrom)
    this.#timeout = timeout * 1000
    this.#clock = headerClock
  }

  /** Counts events into `counters` from now on. */
  count (counters: Counters): void {
    this.#counters = counters
  }

  /**
   * Clients of a unix socket have no addresses. Whether an inherited descriptor is one is known only when it is open.
   * @throws FST_ENDPOINT_CONFLICTING_ARGUMENTS
   */
  checkTransport ({ address }: Transport): void {
    if (this.#restricted && (address === null || typeof address === 'string')) {
      throw located(
        new errors.FST_ENDPOINT_CONFLICTING_ARGUMENTS(NO_ADDRESSES),
        { endpoint: this.#endpoint, argument: 'proxyFrom' }
      )
    }
  }

  /** Whether the peer may send PROXY headers. If not, it is closed before it counts as a connection. */
  admits (raw: Socket): boolean {
    const { remoteAddress } = raw
    if (remoteAddress !== undefined && this.#trusted.has(remoteAddress)) return true
    // A unix socket has no addresses: the mode of its file decides.
    if (remoteAddress === undefined && raw.localAddress === undefined) return true
    raw.destroy()
    // Without an address, the peer has already closed the connection.
    if (remoteAddress !== undefined) this.#refuse('untrusted', UNTRUSTED, remoteAddress)
    return false
  }

  /**
   * Reads the header of a connection, then calls `relayed` with the elapsed milliseconds.
   * @param flows see `receiveHeader`
   */
  receive (connection: Connection, flows: boolean, relayed: (elapsed: number) => void): void {
    const { raw, remoteAddress } = connection
    const clock = this.#clock
    const startedAt = clock.now()
    receiveHeader(raw, { timeout: this.#timeout, clock, flows }, {
      received: (header) => {
        connection.setProxyHeader(header)
        relayed(clock.now() - startedAt)
      },
      refused: (fault: HeaderFault) => this.#refuse(fault, FAULTS[fault], remoteAddress),
      closed: () => this.#log.debug({ endpoint: this.#endpoint, remoteAddress }, 'peer closed the connection before its PROXY header')
    })
  }

  dispose (): void {
    this.#refusals.close()
  }

  #refuse (reason: HeaderFault | 'untrusted', detail: string, remoteAddress: string | undefined): void {
    this.#counters?.countProxyRefusal(reason)
    const event = { endpoint: this.#endpoint, reason, detail, certificate: undefined, source: undefined, remoteAddress }
    this.#refusals.note(event, 'proxy connection rejected')
  }
}
