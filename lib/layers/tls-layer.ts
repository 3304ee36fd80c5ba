/**
 * The TLS layer of one endpoint: its credentials, its gate and its revocations, in force together.
 *
 * Whatever changes the rules (a set of revoked certificates, other authorities, other credentials) is
 * put in force in one synchronous step: the session tickets from before become worthless, the gate
 * begins a new generation, and the walk over the open connections starts.
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
import { DeadlineTimer } from './deadline-timer.js'
import { Gate } from '../tls/gate.js'
import type { ChainBudget } from '../tls/sent-intermediates.js'
import { shakeHands, type HandshakeOptions } from '../tls/handshake.js'
import type { SecuredEndpoint } from '../description/index.js'
import type { CredentialsWatcher } from '../tls/credentials-watcher.js'
import { TlsReport } from './tls-report.js'
import { TicketKeys } from '../tls/ticket-keys.js'
import { checkNode } from '../tls/undocumented.js'
import type { EndpointLog } from '../../types/log.js'
import type { RevocationView } from '../revocation/view.js'

/** Seconds, where the endpoint does not say. Node's own default for a handshake is two minutes; nobody needs them. */
export const DEFAULT_HANDSHAKE_TIMEOUT = 10

export interface TlsLayerOptions {
  readonly log: EndpointLog
  /** The clock that certificates and CRLs expire by, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /** What endpoints share that name the same files. */
  readonly credentials: CredentialsWatcher
  /** What endpoints share that name the same list. */
  readonly watchers: SharedWatchers
  /** What may be lost for chains that clients send; that of the process, unless another one is given. */
  readonly chainBudget?: ChainBudget
}

/** Milliseconds after which credentials that could not be put in force are tried again. */
const RETRY = 1000

/** Where the sockets go that are through all layers. */
export interface Engine {
  readonly clientConnections: Connections
  feed (socket: Socket): void
  /** A client did not come through its handshake. */
  lose (socket: ClientSocket, errorOf: () => Error): void
  /** Gets each line of the key log; undefined where nobody asks for it. */
  readonly keylog: HandshakeOptions['keylog']
}

export class TlsLayer {
  readonly revocations: RevocationView | undefined
  /** Clients that were refused in their handshake: all, and those that no alert could be given. */
  readonly refusals = { total: 0, withoutAlert: 0 }
  /** What every connection of the endpoint must pass. */
  readonly gate: Gate
  readonly #endpoint: SecuredEndpoint
  readonly #report: TlsReport
  #handshake: HandshakeOptions
  readonly #deadline: DeadlineTimer
  readonly #files: CredentialsView
  readonly #ticketKeys = new TicketKeys()
  #credentials: Credentials
  /** Credentials are put in force one after another, or an older one could replace a newer one. */
  #changing: Promise<void> = Promise.resolve()
  #retry: NodeJS.Timeout | undefined
  /** Why the newest credentials are not in force, if they are not. */
  #hindrance: Error | undefined
  #closed = false
  #counters: Counters | undefined
  #connections: Connections | undefined

  /**
   * Reads and checks everything that the endpoint names, and starts to watch its revocations.
   * @throws see checkNode, loadCredentials and RevocationWatcher.start
   */
  static async prepare (endpoint: SecuredEndpoint, options: TlsLayerOptions): Promise<TlsLayer> {
    checkNode()
    const files = options.credentials.of(endpoint)
    try {
      const layer = new TlsLayer(endpoint, options, files, await startRevocations(endpoint, files.credentials, options.watchers))
      await layer.#reviewPolicy()
      return layer
    } catch (thrown) {
      files.close()
      throw thrown
    }
  }

  private constructor (endpoint: SecuredEndpoint, { log, now = Date.now, chainBudget }: TlsLayerOptions, files: CredentialsView, revocations: RevocationView | undefined) {
    this.revocations = revocations
    this.#endpoint = endpoint
    this.#report = new TlsReport(endpoint, log, now)
    this.#files = files
    this.#credentials = files.credentials
    this.gate = new Gate(endpoint.type === 'tls' ? endpoint : WITHOUT_CLIENTS, {
      authorities: files.credentials.authorities,
      revocations,
      now,
      ...(chainBudget !== undefined && { budget: chainBudget }),
      onExhausted: () => { this.#report.budgetExhausted(this.gate.budget) },
      onRunningOut: () => { this.#report.budgetRunningOut(this.gate.budget) }
    })
    this.#handshake = {
      credentials: () => this.#credentials,
      ticketKeys: this.#ticketKeys,
      gate: this.gate,
      alpn: endpoint.type === 'tls' ? endpoint.alpn : ['http/1.1'],
      timeout: endpoint.type === 'tls' ? endpoint.handshakeTimeout : DEFAULT_HANDSHAKE_TIMEOUT
    }
    this.#deadline = new DeadlineTimer(now, () => { this.#expire() })
    this.#report.credentials(this.#credentials)
    files.on('changed', () => { this.#change().catch(this.#reportChange) })
    revocations?.on('swapped', () => { this.#swap(revocations) })
    revocations?.on('failed', (problems) => { this.#report.revocationsFailed(problems) })
  }

  /** Has counted what happens from now on. */
  count (counters: Counters): void {
    this.#counters = counters
    this.#handshake = { ...this.#handshake, observe: (version, result) => { counters.shaken(version, result) } }
    this.#files.on('loaded', (report) => { counters.loaded('credentials', report) })
    this.revocations?.on('loaded', (report) => { counters.loaded('revocations', report) })
  }

  /**
   * Takes a connection through the handshake and past the gate, to the engine.
   * @param took milliseconds that have gone of the time for the handshake
   */
  accept (connection: Connection, engine: Engine, took = 0): void {
    this.#connections = engine.clientConnections
    const { raw, remoteAddress } = connection
    const counters = this.#counters
    shakeHands(raw, { ...this.#handshake, keylog: engine.keylog, timeout: this.#handshake.timeout - took / 1000 }, {
      admitted: (socket, admission) => {
        connection.establish(socket, admission, (refusal) => {
          ClientSocket.refuse(socket, refusal)
          counters?.cut(refusal.reason)
          this.#report.cut(refusal, remoteAddress)
        })
        this.#deadline.arm(admission.deadline)
        engine.feed(socket)
      },
      refused: (refusal, alerted, socket) => {
        this.refusals.total++
        if (!alerted) this.refusals.withoutAlert++
        counters?.refused(refusal.reason, alerted)
        const event = this.#report.refused(refusal, remoteAddress, alerted)
        engine.lose(socket, () => Object.defineProperties(new errors.FST_ENDPOINT_HANDSHAKE_REFUSED(refusal.detail), Object.getOwnPropertyDescriptors(event)))
      },
      failed: (error, socket) => {
        this.#report.failed(error, remoteAddress)
        engine.lose(socket, () => error ?? hungUp())
      }
    })
  }

  /**
   * Reads all files anew. Credentials that have changed are put in force for new connections if all of
   * them are good; where the authorities have shrunk, connections that no longer verify are cut.
   * @throws the first problem; what it is about stays as it was
   */
  async reload (): Promise<void> {
    // One after the other: a CRL that comes together with its authority is no problem.
    const results: Array<PromiseSettledResult<void>> = await Promise.allSettled([this.#files.reload()])
    await this.#changing
    // What could not be put in force is not news to the files.
    if (!this.#isInForce(this.#files.credentials)) results.push(...await Promise.allSettled([this.#change()]))
    results.push(...await Promise.allSettled([this.revocations?.watcher.reload()]))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** What is wrong with the files that its credentials are made of, and with their being put in force. */
  get credentialProblems (): readonly Error[] {
    return this.#hindrance === undefined ? this.#files.standing : [...this.#files.standing, this.#hindrance]
  }

  /** Its own certificates and its authorities, and when they end. */
  get certificates (): CredentialsView['expiring'] {
    return this.#files.expiring
  }

  /** What may be lost for chains that its clients send, and what was; undefined if they are not asked for a certificate. */
  get chainBudget (): ChainBudget | undefined {
    return this.#endpoint.type === 'tls' && this.#endpoint.verify !== 'none' ? this.gate.budget : undefined
  }

  /** Forgets what `prepare` started; the connections that are still open are not judged any more. */
  dispose (): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#deadline.close()
    this.#report.close()
    this.#files.close()
    this.revocations?.close()
  }

  /** Puts the credentials that were loaded last in force, behind those that are on their way. */
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
    if (this.revocations === undefined || credentials.authorities.isSameAs(this.#credentials.authorities)) putInForce()
    else await this.revocations.changeAuthorities(credentials.authorities, putInForce).catch((thrown: unknown) => { problem = thrown })
    if (this.#closed) return
    this.#hindrance = undefined
    if (this.#isInForce(credentials)) {
      // With a problem of the list all the rest is in force.
      this.#report.credentials(credentials)
      this.#report.credentialsInForce(await this.#cutRefused())
    } else {
      this.#hindrance = problem as Error
      // The files are as they should be, so nothing else would try again.
      this.#retry = setTimeout(() => { this.#change().catch(this.#reportChange) }, RETRY).unref()
    }
    if (problem !== undefined) throw problem
  }

  #swap (revocations: RevocationView): void {
    // As they are in this step: there may be others when all connections are looked at.
    const { set: { size }, generation } = revocations
    this.#renewTicketKeys()
    this.gate.changeRules()
    this.#report.swapped(generation, size)
    this.#cutRefused().then((cut) => {
      this.#report.revocationsInForce({ generation, revoked: size, cut })
      return this.#reviewPolicy()
    }).catch(this.#reportCut)
  }

  #renewTicketKeys (): void {
    const { context, names, areKindsMixed } = this.#credentials
    // Of names only where a handshake begins with their contexts.
    this.#ticketKeys.renew([context, ...areKindsMixed ? [...names?.pairs.values() ?? []].map(({ context }) => context) : []])
  }

  #expire (): void {
    this.gate.advance()
    this.#cutRefused().catch(this.#reportCut).finally(() => { this.gate.settle() })
  }

  async #cutRefused (): Promise<number> {
    const cut = await this.#connections?.cutRefused(this.gate) ?? 0
    // Other rules may let a connection that stays end sooner.
    this.#deadline.arm(this.#connections?.nearestDeadline(this.gate) ?? Infinity)
    return cut
  }

  async #reviewPolicy (): Promise<void> {
    const set = this.revocations?.set
    // Of a set that has been put in force meanwhile it is said in its turn.
    await this.#report.policy(set, () => !this.#closed && this.revocations?.set === set)
  }

  readonly #reportChange = (err: unknown): void => {
    this.#report.changeFailed(err, this.#isInForce(this.#files.credentials))
  }

  readonly #reportCut = (err: unknown): void => {
    this.#report.cutFailed(err)
  }
}

/** As Node says that a client has left. */
function hungUp (): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** The policy of an endpoint that asks for no client certificate. */
const WITHOUT_CLIENTS = { verify: 'none' } as const

async function startRevocations (endpoint: SecuredEndpoint, { authorities }: Credentials, watchers: SharedWatchers): Promise<RevocationView | undefined> {
  if (endpoint.type !== 'tls' || endpoint.revokedFile === undefined) return undefined
  return await watchers.view(endpoint.revokedFile, authorities)
}
