/**
 * The TLS layer of one endpoint: its credentials, its gate and its revocations.
 *
 * A change of the rules (revocations, authorities or credentials) takes effect in one synchronous step: earlier session
 * tickets become invalid, the gate begins a new generation, and the walk over the open connections starts.
 */
import type { Socket } from 'node:net'
import type { Connection } from '../engine/connection.js'
import type { Connections } from '../engine/connections.js'
import type { Counters } from '../metrics/counters.js'
import { errors } from '../errors.js'
import type { SharedWatchers } from '../revocation/shared-watchers.js'
import { ClientSocket } from '../tls/client-socket.js'
import type { Credentials } from '../tls/credentials.js'
import type { CredentialsView } from '../tls/credentials-view.js'
import { DEFAULT_HANDSHAKE_TIMEOUT } from './default-timeout.js'
import { DeadlineTimer } from './deadline-timer.js'
import { Gate } from '../tls/gate.js'
import type { ChainBudget } from '../tls/sent-intermediates.js'
import { peekForChallenge } from '../tls/challenge-handshake.js'
import { alpnList, runHandshake, type HandshakeOptions, type HandshakeOutcome, type KeylogListener } from '../tls/handshake.js'
import type { SecuredEndpoint } from '../description/index.js'
import type { CredentialsWatcher } from '../tls/credentials-watcher.js'
import type { AcmeSource } from '../acme/acme-source.js'
import type { CredentialSources } from './credential-sources.js'
import { TlsReport } from './tls-report.js'
import { contextFor, DEFAULT } from '../tls/server-names.js'
import { TicketKeys } from '../tls/ticket-keys.js'
import { checkNode } from '../tls/undocumented.js'
import type { EndpointLog } from '../../types/log.js'
import type { RevocationView } from '../revocation/view.js'
import type { Refusal } from '../tls/verdict.js'

export interface TlsLayerOptions {
  readonly log: EndpointLog
  /** The clock for the expiry of certificates and CRLs, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /** Shared by endpoints that name the same files. */
  readonly credentials: CredentialsWatcher
  /** Where the certificates of some endpoints come from in place of files. */
  readonly credentialSources?: CredentialSources | undefined
  /** Shared by endpoints that name the same list. */
  readonly watchers: SharedWatchers
  /** Memory budget for the chains that clients send (the one of the process). */
  readonly chainBudget?: ChainBudget
}

/** Milliseconds until credentials that could not take effect are tried again. */
const RETRY = 1000

/** Gets the sockets that have passed all layers. */
export interface Engine {
  readonly clientConnections: Connections
  feed (socket: Socket): void
  /** A handshake failed or was refused. */
  handshakeFailed (socket: ClientSocket, errorOf: () => Error): void
  /** Gets each line of the key log; undefined if nobody listens. */
  readonly keylog: KeylogListener | undefined
}

export class TlsLayer {
  /** Present if the endpoint has a revokedFile. */
  readonly revocations: RevocationView | undefined
  /** Present if it has an allowedFile. */
  readonly allowed: RevocationView | undefined
  /** The lists of the endpoint: either of them, or both. */
  readonly #lists: RevocationView | undefined
  /** Clients refused in their handshake: all, and those that could not be sent an alert. */
  readonly refusals = { total: 0, withoutAlert: 0 }
  /** Judges every connection of the endpoint. */
  readonly gate: Gate
  /** Orders the certificates, if the endpoint has `acme`. */
  readonly acme: AcmeSource | undefined
  readonly #endpoint: SecuredEndpoint
  /** Those of all endpoints, which end together. */
  readonly #sources: CredentialSources | undefined
  /** Whether key and certificate come from a source, which may have none yet. */
  readonly #isSourced: boolean
  readonly #report: TlsReport
  #handshake: HandshakeOptions
  readonly #deadline: DeadlineTimer
  readonly #files: CredentialsView
  readonly #ticketKeys = new TicketKeys()
  #credentials: Credentials
  /** Changes take effect one after another, or older credentials could replace newer ones. */
  #changing: Promise<void> = Promise.resolve()
  #retry: NodeJS.Timeout | undefined
  /** Why the newest credentials could not take effect, if they could not. */
  #changeProblem: Error | undefined
  #closed = false
  #counters: Counters | undefined
  /** Known from the first connection on. */
  #engine: Engine | undefined

  /**
   * Reads and checks everything that the endpoint names, and starts to watch its revocations.
   * @throws see checkNode, loadCredentials and RevocationWatcher.start
   */
  static async prepare (endpoint: SecuredEndpoint, options: TlsLayerOptions): Promise<TlsLayer> {
    checkNode()
    const files = options.credentials.of(endpoint)
    try {
      const layer = new TlsLayer(endpoint, options, files, await startLists(endpoint, files.credentials, options.watchers))
      await layer.#reviewPolicy()
      return layer
    } catch (thrown) {
      files.close()
      throw thrown
    }
  }

  private constructor (endpoint: SecuredEndpoint, options: TlsLayerOptions, files: CredentialsView, lists?: RevocationView) {
    const { log, now = Date.now, chainBudget } = options
    this.#lists = lists
    this.#sources = options.credentialSources
    this.#isSourced = options.credentialSources?.byEndpoint.has(endpoint) === true
    this.acme = options.credentialSources?.acmeOf(endpoint)
    this.revocations = lists?.list === undefined ? undefined : lists
    this.allowed = lists?.allowed === undefined ? undefined : lists
    this.#endpoint = endpoint
    this.#report = new TlsReport(endpoint, log, now)
    this.#files = files
    this.#credentials = files.credentials
    this.gate = new Gate(endpoint.type === 'tls' ? endpoint : WITHOUT_CLIENTS, {
      authorities: files.credentials.authorities,
      revocations: lists,
      now,
      ...(chainBudget !== undefined && { budget: chainBudget }),
      onExhausted: () => { this.#report.budgetExhausted(this.gate.budget) },
      onRunningOut: () => { this.#report.budgetRunningOut(this.gate.budget) }
    })
    this.#handshake = {
      credentials: () => this.#credentials,
      ticketKeys: this.#ticketKeys,
      gate: this.gate,
      alpn: alpnList(endpoint.type === 'tls' ? endpoint.alpn : ['http/1.1']),
      keylog: () => this.#engine?.keylog,
      timeout: endpoint.type === 'tls' ? endpoint.handshakeTimeout : DEFAULT_HANDSHAKE_TIMEOUT
    }
    this.#deadline = new DeadlineTimer(now, () => { this.#expire() })
    this.#report.credentials(this.#credentials)
    files.onChange(() => { this.#change().catch(this.#reportChange) })
    lists?.on('swapped', () => { this.#swap(lists) })
    lists?.on('failed', (problems) => { this.#report.revocationsFailed(problems) })
  }

  /** Counts events into `counters` from now on. */
  count (counters: Counters): void {
    this.#counters = counters
    this.#handshake = { ...this.#handshake, observe: (version, result) => { counters.countHandshake(version, result) } }
    this.#files.on('loaded', (report) => { counters.countLoad('credentials', report) })
    this.#lists?.on('loaded', ({ ofRevocations, ofAllowed, ...report }) => {
      // Both lists are loaded together, and take the same time.
      if (this.revocations !== undefined) counters.countLoad('revocations', { ...report, problems: ofRevocations })
      if (this.allowed !== undefined) counters.countLoad('allowed', { ...report, problems: ofAllowed })
    })
  }

  /**
   * Runs the handshake of a connection, and hands the admitted ones to the engine.
   * @param elapsed milliseconds of the handshake timeout that were used before
   */
  accept (connection: Connection, engine: Engine, elapsed = 0): void {
    this.#engine = engine
    // Asks the kernel, which no longer knows the address of a client that has left.
    connection.noteAddress()
    if (this.#isSourced && this.#mustPeek) this.#peek(connection, elapsed)
    else runHandshake(connection.raw, this.#handshake, this.#outcome, connection, elapsed)
  }

  get #hasCertificate (): boolean {
    return this.#credentials.own.pairs.length > 0
  }

  get #mustPeek (): boolean {
    return !this.#hasCertificate || this.acme?.awaitsHello === true
  }

  /** Looks at the hello first: it may be for a challenge, and there may be no certificate yet. */
  #peek (connection: Connection, elapsed: number): void {
    const { raw, remoteAddress } = connection
    const timeout = this.#handshake.timeout * 1000 - elapsed
    const challenges = this.acme?.challenges ?? WITHOUT_CHALLENGES
    peekForChallenge(raw, { challenges, serves: this.#serves, timeout }, {
      ordinary: (later) => { runHandshake(raw, this.#handshake, this.#outcome, connection, elapsed + later) },
      answered: (name) => { this.#report.challengeAnswered(name, remoteAddress) },
      refused: () => {
        this.#handshake.observe?.('unknown', 'failed')
        this.#report.withoutCertificate(remoteAddress)
      }
    })
  }

  readonly #serves = (name: string): boolean => {
    const { own, names } = this.#credentials
    return own.pairs.length > 0 || (names !== undefined && (names.pairs.has(DEFAULT) || contextFor(names, name) !== undefined))
  }

  /** One for all handshakes. */
  readonly #outcome: HandshakeOutcome<Connection> = {
    admitted: (socket, admission, connection) => {
      connection.establish(socket, admission, this.#cut)
      this.#deadline.arm(admission.deadline)
      this.#engine?.feed(socket)
    },
    refused: (refusal, alerted, socket, { remoteAddress }) => {
      this.refusals.total++
      if (!alerted) this.refusals.withoutAlert++
      this.#counters?.countRefusal(refusal.reason, alerted)
      const event = this.#report.refused(refusal, remoteAddress, alerted)
      this.#engine?.handshakeFailed(socket, () => {
        return Object.defineProperties(new errors.FST_ENDPOINT_HANDSHAKE_REFUSED(refusal.detail), Object.getOwnPropertyDescriptors(event))
      })
    },
    failed: (error, socket, { remoteAddress }) => {
      this.#report.failed(error, remoteAddress)
      this.#engine?.handshakeFailed(socket, () => error ?? hungUp())
    }
  }

  /** The admission of a connection was withdrawn. */
  readonly #cut = (refusal: Refusal, { socket, remoteAddress }: Connection): void => {
    ClientSocket.refuse(socket as ClientSocket, refusal)
    this.#counters?.countCut(refusal.reason)
    this.#report.cut(refusal, remoteAddress)
  }

  /**
   * Reloads all files. Changed credentials apply to new connections if all of them are good. If an authority was removed,
   * connections that no longer verify are closed.
   * @throws the first problem; the last good content of what it concerns stays in force
   */
  async reload (): Promise<void> {
    // Credentials first: a CRL may arrive together with its authority.
    const results: Array<PromiseSettledResult<void>> = await Promise.allSettled([this.#files.reload()])
    await this.#changing
    // A reload of unchanged files does not retry credentials that could not take effect.
    if (!this.#isInForce(this.#files.credentials)) results.push(...await Promise.allSettled([this.#change()]))
    results.push(...await Promise.allSettled([this.#lists?.watcher.reload()]))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Applies what the source of the endpoint has now.
   * @throws see `loadCredentials`
   */
  async takeCertificate (): Promise<void> {
    await this.#files.reload()
    await this.#changing
  }

  /** Problems with the files of the credentials, and with applying them. */
  get credentialProblems (): readonly Error[] {
    return this.#changeProblem === undefined ? this.#files.problems : [...this.#files.problems, this.#changeProblem]
  }

  /** Whether the source of the endpoint has no certificate yet, so that no handshake succeeds. */
  get lacksCertificate (): boolean {
    return this.#isSourced && !this.#hasCertificate
  }

  /** The server's own certificates and the authorities, and when they expire. */
  get certificates (): CredentialsView['expiring'] {
    return this.#files.expiring
  }

  /** The memory budget for the chains that clients send; undefined if they are not asked for a certificate. */
  get chainBudget (): ChainBudget | undefined {
    return this.#endpoint.type === 'tls' && this.#endpoint.verify !== 'none' ? this.gate.budget : undefined
  }

  /** Ends all waiting for a certificate, and orders no more. */
  stopOrders (): void {
    this.#sources?.close()
  }

  /** Stops watching files. Connections that are still open are no longer judged. Resolves when orders have released their store. */
  async dispose (): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#deadline.close()
    this.#report.close()
    this.#files.close()
    this.#lists?.close()
    await this.#sources?.close()
  }

  /** Puts the newest credentials in force, after the changes that are pending. */
  #change (): Promise<void> {
    const changed = this.#changing.then(() => this.#putInForce(this.#files.credentials))
    this.#changing = changed.catch(() => {})
    return changed
  }

  #isInForce ({ digest }: Credentials): boolean {
    return this.#credentials.digest === digest
  }

  async #putInForce (credentials: Credentials): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#isInForce(credentials)) return
    const putInForce = (): void => {
      this.#credentials = credentials
      this.#renewTicketKeys()
      this.gate.changeRules(credentials.authorities)
      this.#report.authoritiesChanged()
    }
    // The authorities and what their CRLs revoke change in one step.
    let problem: unknown
    const { authorities } = credentials
    if (this.#lists === undefined || authorities.isSameAs(this.#credentials.authorities)) putInForce()
    else await this.#lists.changeAuthorities(authorities, putInForce).catch((thrown: unknown) => { problem = thrown })
    if (this.#closed) return
    this.#changeProblem = undefined
    if (this.#isInForce(credentials)) {
      // A problem of the list does not keep the rest from taking effect.
      this.#report.credentials(credentials)
      this.#report.credentialsInForce(await this.#cutRefused())
    } else {
      this.#changeProblem = problem as Error
      // The files are good, so no change of them would trigger another attempt.
      this.#retry = setTimeout(() => { this.#change().catch(this.#reportChange) }, RETRY).unref()
    }
    if (problem !== undefined) throw problem
  }

  #swap (lists: RevocationView): void {
    // Read in this step: another set may be in force when the walk over the connections ends.
    const { set: { size }, allowed, generation } = lists
    this.#renewTicketKeys()
    this.gate.changeRules()
    this.#report.swapped(generation, size)
    this.#cutRefused().then((cut) => {
      this.#report.listsInForce({
        generation,
        ...(lists.list !== undefined && { revoked: size }),
        ...(allowed !== undefined && { allowed: allowed.size }),
        cut
      })
      return this.#reviewPolicy()
    }).catch(this.#reportCut)
  }

  #renewTicketKeys (): void {
    const { context, own, names, areKindsMixed } = this.#credentials
    // Handshakes begin with the context of a name only where kinds of keys are mixed.
    this.#ticketKeys.renew([context, own.context, ...areKindsMixed ? [...names?.pairs.values() ?? []].map(({ context }) => context) : []])
  }

  #expire (): void {
    this.gate.advance()
    this.#cutRefused().catch(this.#reportCut).finally(() => { this.gate.settle() })
  }

  async #cutRefused (): Promise<number> {
    const cut = await this.#engine?.clientConnections.cutRefused(this.gate) ?? 0
    // Under the new rules an admission may end sooner.
    this.#deadline.arm(this.#engine?.clientConnections.nearestDeadline(this.gate) ?? Infinity)
    return cut
  }

  async #reviewPolicy (): Promise<void> {
    const set = this.revocations?.set
    // A newer set gets a review of its own.
    await this.#report.policy(set, () => !this.#closed && this.revocations?.set === set)
  }

  readonly #reportChange = (err: unknown): void => {
    this.#report.changeFailed(err, this.#isInForce(this.#files.credentials))
  }

  readonly #reportCut = (err: unknown): void => {
    this.#report.cutFailed(err)
  }
}

/** The error that Node uses for a client that has left. */
function hungUp (): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** Of an endpoint whose source is not ACME. */
const WITHOUT_CHALLENGES = { contextFor: () => undefined, refresh: async () => {} }

/** The policy of an endpoint that asks for no client certificate. */
const WITHOUT_CLIENTS = { verify: 'none' } as const

async function startLists (
  endpoint: SecuredEndpoint,
  { authorities }: Credentials,
  watchers: SharedWatchers
): Promise<RevocationView | undefined> {
  if (endpoint.type !== 'tls' || (endpoint.revokedFile === undefined && endpoint.allowedFile === undefined)) return undefined
  const { revokedFile: file, allowedFile } = endpoint
  return await watchers.view({ file, allowedFile }, authorities)
}
