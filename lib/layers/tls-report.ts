/**
 * What a TLS layer tells its operators: the lines in the log, each once for as long as it is so, and the diagnostics channels.
 */
import type { Channel } from 'node:diagnostics_channel'
import type { SecuredEndpoint } from '../description/index.js'
import { clientRefused, connectionCut, revocationFailed, revocationSwapped } from '../events/channels.js'
import { RefusalLog } from '../events/refusal-log.js'
import { warningsOfPolicy } from '../revocation/refused-by-policy.js'
import type { RevocationSet } from '../revocation/set/revocation-set.js'
import type { Credentials } from '../tls/credentials.js'
import type { ChainBudget } from '../tls/sent-intermediates.js'
import type { Refusal } from '../tls/verdict.js'
import type { ClientEvent, FailureEvent, SwapEvent } from '../../types/events.js'
import type { EndpointLog } from '../../types/log.js'

export class TlsReport {
  readonly #endpoint: SecuredEndpoint
  /** The endpoint string, for every line. */
  readonly #description: string
  readonly #log: EndpointLog
  readonly #now: () => number
  readonly #refusals: RefusalLog
  /** Whether the log has it, for these authorities, that no chain is looked at any more. */
  #isExhaustionLogged = false
  /** The same of half of the budget. */
  #isBudgetLogged = false
  /** What the log has of the policy and the revocations in force. */
  #policyWarnings: ReadonlySet<string> = new Set()

  /** @param now the clock, in milliseconds since 1970 */
  constructor (endpoint: SecuredEndpoint, log: EndpointLog, now: () => number) {
    this.#endpoint = endpoint
    this.#description = endpoint.description
    this.#log = log
    this.#now = now
    this.#refusals = new RefusalLog(log)
  }

  /** A client was refused in its handshake. @returns what the channel was given */
  refused (refusal: Refusal, remoteAddress: string | undefined, alerted: boolean): ClientEvent {
    const event = this.#describe(refusal, remoteAddress, alerted)
    this.#publish(clientRefused, event, 'client refused')
    return event
  }

  /** A connection was cut since its client is not admitted any more. */
  cut (refusal: Refusal, remoteAddress: string | undefined): void {
    this.#publish(connectionCut, this.#describe(refusal, remoteAddress), 'connection cut')
  }

  /** There was no handshake to judge. */
  failed (err: Error | undefined, remoteAddress: string | undefined): void {
    this.#log.debug({ endpoint: this.#description, err, remoteAddress }, 'TLS handshake failed')
  }

  /** A set of revocations is in force, and the walk over the connections begins. */
  swapped (generation: number, size: number): void {
    revocationSwapped.publish({ endpoint: this.#description, generation, size } satisfies SwapEvent)
  }

  /** All connections were looked at. */
  revocationsInForce (details: { generation: number, revoked: number, cut: number }): void {
    this.#log.info({ endpoint: this.#description, ...details }, 'revocation list put in force')
  }

  revocationsFailed (problems: readonly Error[]): void {
    revocationFailed.publish({ endpoint: this.#description, problems } satisfies FailureEvent)
  }

  credentialsInForce (cut: number): void {
    this.#log.info({ endpoint: this.#description, cut }, 'credentials put in force')
  }

  /** @param isInForce whether it was only their revocations that could not all be loaded */
  changeFailed (err: unknown, isInForce: boolean): void {
    this.#log.error({ endpoint: this.#description, err }, isInForce
      ? 'credentials were put in force, and their revocations could not all be loaded'
      : 'credentials could not be put in force; those from before stay, and it is tried again')
  }

  cutFailed (err: unknown): void {
    this.#log.error({ endpoint: this.#description, err }, 'the open connections could not all be looked at')
  }

  /** What is remarkable about credentials that are put in force. */
  credentials ({ deprecated }: Credentials): void {
    if (deprecated.length > 0) {
      this.#log.warn({ endpoint: this.#description, versions: deprecated }, 'sslmethod allows versions of TLS that RFC 8996 forbids; OpenSSL\'s security level is 0 for all clients of this endpoint')
    }
  }

  /** With other authorities, the budget is told of again. */
  authoritiesChanged (): void {
    this.#isExhaustionLogged = false
    this.#isBudgetLogged = false
  }

  budgetRunningOut ({ lost, most }: ChainBudget): void {
    if (this.#isBudgetLogged) return
    this.#isBudgetLogged = true
    this.#log.warn({ endpoint: this.#description, lost, most }, 'half of the budget for intermediates that clients send is used: put them into authorities')
  }

  budgetExhausted ({ lost, most }: ChainBudget): void {
    if (this.#isExhaustionLogged) return
    this.#isExhaustionLogged = true
    this.#log.error({ endpoint: this.#description, lost, most }, 'intermediates that clients send are not looked at any more: put them into authorities')
  }

  /**
   * Warns where the policy of the endpoint and the revocations in force refuse every client. What was said before, and is
   * so still, is not said again.
   * @param isInForce whether the set is in force still, when that is found out
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

  /** Whatever a client has sent, telling of it must not keep anything else from happening. */
  #publish (channel: Channel, event: ClientEvent, message: string): void {
    try {
      this.#refusals.note(event, message)
    } catch (err) {
      this.#log.error({ endpoint: event.endpoint, err }, `${message}, and the line about it could not be written`)
    }
    channel.publish(event)
  }

  #describe (refusal: Refusal, remoteAddress: string | undefined, alerted?: boolean): ClientEvent {
    return {
      endpoint: this.#description,
      reason: refusal.reason,
      detail: refusal.detail,
      // Strangers come in thousands, and parsing a certificate takes longer than all the rest of a refusal.
      get certificate () { return refusal.certificate },
      source: refusal.match?.source,
      remoteAddress,
      ...(alerted !== undefined && { alerted })
    }
  }
}
