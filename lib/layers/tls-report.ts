/**
 * Reports events of a TLS layer to its operators, by log lines and by diagnostics channels. A lasting condition is logged once.
 */
import type { Channel } from 'node:diagnostics_channel'
import type { SecuredEndpoint } from '../description/index.js'
import { visible } from '../text/printable.js'
import { clientRefused, connectionCut, revocationFailed, revocationSwapped } from '../events/channels.js'
import { RefusalLog } from '../events/refusal-log.js'
import { warningsOfPolicy } from '../revocation/refused-by-policy.js'
import type { RevocationSet } from '../revocation/set/revocation-set.js'
import type { Credentials } from '../tls/credentials.js'
import type { ChainBudget } from '../tls/sent-intermediates.js'
import type { Refusal } from '../tls/verdict.js'
import type { ClientEvent, FailureEvent, SwapEvent } from '../../types/events.js'
import type { EndpointLog } from '../../types/log.js'

const DEPRECATED = 'sslmethod allows TLS versions that RFC 8996 forbids: OpenSSL\'s security level is 0 for all clients of this endpoint'
const HALF_USED = 'half of the memory budget for intermediates that clients send is used: add them to authorities'
const USED_UP = 'intermediates that clients send are no longer read, since their memory budget is used up: add them to authorities'

export class TlsReport {
  readonly #endpoint: SecuredEndpoint
  /** The endpoint string, for every line. */
  readonly #description: string
  readonly #log: EndpointLog
  readonly #now: () => number
  readonly #refusals: RefusalLog
  /** Whether the log has said, since the last change of the authorities, that the budget is used up. */
  #isExhaustionLogged = false
  /** The same for the warning that half of the budget is used. */
  #isBudgetLogged = false
  /** The warnings about the policy that were logged and still apply. */
  #policyWarnings: ReadonlySet<string> = new Set()

  /** @param now the clock, in milliseconds since 1970 */
  constructor (endpoint: SecuredEndpoint, log: EndpointLog, now: () => number) {
    this.#endpoint = endpoint
    this.#description = endpoint.description
    this.#log = log
    this.#now = now
    this.#refusals = new RefusalLog(log)
  }

  /** A client was refused in its handshake. @returns the message of the channel */
  refused (refusal: Refusal, remoteAddress: string | undefined, alerted: boolean): ClientEvent {
    const event = this.#describe(refusal, remoteAddress, alerted)
    this.#publish(clientRefused, event, 'client rejected')
    return event
  }

  /** An open connection was closed because its client is no longer admitted. */
  cut (refusal: Refusal, remoteAddress: string | undefined): void {
    this.#publish(connectionCut, this.#describe(refusal, remoteAddress), 'connection closed: its client is no longer admitted')
  }

  /** A handshake ended before the gate could judge it. */
  failed (err: Error | undefined, remoteAddress: string | undefined): void {
    this.#log.debug({ endpoint: this.#description, err, remoteAddress }, 'TLS handshake failed')
  }

  /** A validator of ACME got its certificate. */
  challengeAnswered (name: string, remoteAddress: string | undefined): void {
    this.#log.debug({ endpoint: this.#description, name: visible(name.slice(0, 255)), remoteAddress }, 'challenge tls-alpn-01 answered')
  }

  /** A handshake was refused because there is no certificate yet. */
  withoutCertificate (remoteAddress: string | undefined): void {
    this.#log.debug({ endpoint: this.#description, remoteAddress }, 'TLS handshake refused: there is no certificate yet')
  }

  /** A new set of revocations is in force; the walk over the connections begins. */
  swapped (generation: number, size: number): void {
    revocationSwapped.publish({ endpoint: this.#description, generation, size } satisfies SwapEvent)
  }

  /** The walk over the connections has ended. */
  listsInForce (details: { generation: number, revoked?: number, allowed?: number, cut: number }): void {
    const message = details.revoked === undefined ? 'allowed list reloaded' : 'revocation list reloaded'
    this.#log.info({ endpoint: this.#description, ...details }, message)
  }

  revocationsFailed (problems: readonly Error[]): void {
    revocationFailed.publish({ endpoint: this.#description, problems } satisfies FailureEvent)
  }

  credentialsInForce (cut: number): void {
    this.#log.info({ endpoint: this.#description, cut }, 'credentials reloaded')
  }

  /** @param isInForce true if the credentials are in force and only some of their revocations could not be loaded */
  changeFailed (err: unknown, isInForce: boolean): void {
    this.#log.error({ endpoint: this.#description, err }, isInForce
      ? 'credentials reloaded, but some of their revocations could not be loaded'
      : 'credentials could not be reloaded: the previous ones stay in force until a retry succeeds')
  }

  cutFailed (err: unknown): void {
    this.#log.error({ endpoint: this.#description, err }, 'some open connections could not be checked against the new rules')
  }

  /** Warns of deprecated versions when credentials take effect. */
  credentials ({ deprecated }: Credentials): void {
    if (deprecated.length === 0) return
    this.#log.warn({ endpoint: this.#description, versions: deprecated }, DEPRECATED)
  }

  /** Other authorities may help: the budget is logged again. */
  authoritiesChanged (): void {
    this.#isExhaustionLogged = false
    this.#isBudgetLogged = false
  }

  budgetRunningOut ({ lost, most }: ChainBudget): void {
    if (this.#isBudgetLogged) return
    this.#isBudgetLogged = true
    this.#log.warn({ endpoint: this.#description, lost, most }, HALF_USED)
  }

  budgetExhausted ({ lost, most }: ChainBudget): void {
    if (this.#isExhaustionLogged) return
    this.#isExhaustionLogged = true
    this.#log.error({ endpoint: this.#description, lost, most }, USED_UP)
  }

  /**
   * Warns if the policy of the endpoint and the revocations in force refuse every client. A warning is logged once while it
   * applies.
   * @param isInForce whether the set is still in force; asked when the review is done
   */
  async policy (set: RevocationSet | undefined, isInForce: () => boolean): Promise<void> {
    if (set === undefined || this.#endpoint.type !== 'tls' || this.#endpoint.verify === 'none') return
    const warnings = await warningsOfPolicy(set, this.#endpoint, this.#now())
    if (!isInForce()) return
    for (const { message, argument } of warnings) {
      if (!this.#policyWarnings.has(message)) this.#log.warn({ endpoint: this.#description, argument }, message)
    }
    this.#policyWarnings = new Set(warnings.map(({ message }) => message))
  }

  close (): void {
    this.#refusals.close()
  }

  /** What a client sends must not stop anything else, so an error in the log line is caught. */
  #publish (channel: Channel, event: ClientEvent, message: string): void {
    try {
      this.#refusals.note(event, message)
    } catch (err) {
      this.#log.error({ endpoint: event.endpoint, err }, `${message}, but the log line about it could not be written`)
    }
    channel.publish(event)
  }

  #describe (refusal: Refusal, remoteAddress: string | undefined, alerted?: boolean): ClientEvent {
    return {
      endpoint: this.#description,
      reason: refusal.reason,
      detail: refusal.detail,
      // There may be thousands of strangers, and parsing a certificate takes longer than the rest of a
      // refusal.
      get certificate () { return refusal.certificate },
      source: refusal.match?.source,
      ...(refusal.names !== undefined && { names: refusal.names }),
      remoteAddress,
      ...(alerted !== undefined && { alerted })
    }
  }
}
