/**
 * The PROXY layer of one endpoint, below TLS: who may speak PROXY, and the header that each connection
 * must begin with. Whether there is one is never guessed: a connection without is closed.
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

export interface ProxyLayerOptions {
  readonly log: EndpointLog
  /** Seconds that a header may take. */
  readonly timeout: number
  /** By which `timeout` is measured. */
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

  /** Has counted what happens from now on. */
  count (counters: Counters): void {
    this.#counters = counters
  }

  /**
   * Only when an inherited descriptor is open it shows whether its clients have addresses at all.
   * @throws FST_ENDPOINT_CONFLICTING_ARGUMENTS
   */
  checkTransport ({ address }: Transport): void {
    if (this.#restricted && (address === null || typeof address === 'string')) {
      throw located(
        new errors.FST_ENDPOINT_CONFLICTING_ARGUMENTS('haproxy: proxyFrom would do nothing on a unix socket, whose clients have no address: its mode says who may connect'),
        { endpoint: this.#endpoint, argument: 'proxyFrom' }
      )
    }
  }

  /** Whether the peer may say who its client is; one that may not is cut off, before it counts as a connection. */
  admits (raw: Socket): boolean {
    const { remoteAddress, localAddress } = raw
    // Neither end of a unix socket has an address; there the mode of the file decides.
    if (localAddress === undefined || (remoteAddress !== undefined && this.#trusted.has(remoteAddress))) return true
    raw.destroy()
    // Without an address it has left already.
    if (remoteAddress !== undefined) this.#refuse('untrusted', 'its address is in none of the networks that may speak PROXY: if it is a proxy of yours, name its network with proxyFrom', remoteAddress)
    return false
  }

  /** Waits for the header of a connection; `relayed` is called when it is there, with the milliseconds that it took. */
  receive (connection: Connection, relayed: (took: number) => void): void {
    const { raw, remoteAddress } = connection
    const clock = this.#clock
    const begun = clock.now()
    receiveHeader(raw, { timeout: this.#timeout, clock }, {
      received: (header) => {
        connection.relay(header)
        relayed(clock.now() - begun)
      },
      refused: (fault: HeaderFault) => this.#refuse(fault, FAULTS[fault], remoteAddress),
      left: () => this.#log.debug({ endpoint: this.#endpoint, remoteAddress }, 'the peer left without a PROXY header')
    })
  }

  dispose (): void {
    this.#refusals.close()
  }

  #refuse (reason: HeaderFault | 'untrusted', detail: string, remoteAddress: string | undefined): void {
    this.#counters?.proxyRefused(reason)
    this.#refusals.note({ endpoint: this.#endpoint, reason, detail, certificate: undefined, source: undefined, remoteAddress }, 'proxy refused')
  }
}
