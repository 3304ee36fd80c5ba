/**
 * What one endpoint sees of its credentials: those that were good last, what is wrong with the files, and
 * which of its certificates end soon.
 */
import { EventEmitter } from 'node:events'
import { ExpiryWarnings, type Expiring } from '../watching/expiry-warnings.js'
import { quotePath } from '../text/printable.js'
import type { LoadReport } from '../watching/follower.js'
import { ProblemReport, type ReportLog } from '../watching/problem-report.js'
import { type Credentials, warningsOfCredentials } from './credentials.js'
import type { SecuredEndpoint } from '../description/index.js'

/** Of the life of a certificate, what is left when it is warned of. */
export const LAST_PART_OF_CERTIFICATE = 1 / 10

/** A certificate of the credentials. */
export interface ExpiringCertificate extends Expiring {
  readonly argument: string
}

/** What a load gave for one endpoint. */
export interface EndpointCredentials {
  readonly credentials: Credentials
  /** What could not be taken; the last good state of it is in the credentials. */
  readonly problems: readonly Error[]
}

interface CredentialsViewOptions {
  readonly endpoint: SecuredEndpoint
  readonly log: ReportLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  readonly loaded: EndpointCredentials
  /** Loads all files anew. */
  readonly ask: () => Promise<unknown>
  readonly onClose: () => void
}

interface CredentialsEvents {
  /** Other credentials were loaded, and are good. */
  changed: []
  /** A load after the first is over, whatever it gave; only if loads are measured. */
  loaded: [report: LoadReport]
}

export class CredentialsView extends EventEmitter<CredentialsEvents> {
  readonly #report: ProblemReport
  readonly #warnings: ExpiryWarnings<ExpiringCertificate>
  readonly #ask: () => Promise<unknown>
  readonly #onClose: () => void
  #loaded: EndpointCredentials

  /** @internal */
  constructor ({ endpoint, log, now, loaded, ask, onClose }: CredentialsViewOptions) {
    super()
    this.#loaded = loaded
    this.#ask = ask
    this.#onClose = onClose
    this.#report = new ProblemReport(`credentials of ${endpoint.description}`, log)
    this.#warnings = new ExpiryWarnings({ lastPart: LAST_PART_OF_CERTIFICATE, now, log })
    this.#warnings.watch(expiringOf(loaded.credentials))
    this.#tell({ isRacy: false })
  }

  /** What was good last. */
  get credentials (): Credentials {
    return this.#loaded.credentials
  }

  /** What was told of in the log, and is so still. */
  get problems (): readonly Error[] {
    return this.#report.standing
  }

  /** The certificates, and when they end. */
  get expiring (): ExpiryWarnings<ExpiringCertificate> {
    return this.#warnings
  }

  /**
   * Reads all files anew.
   *
   * @throws see `loadCredentials`; what was good before stays. FST_ENDPOINT_CLOSED after `close`
   */
  async reload (): Promise<void> {
    await this.#ask()
    const [problem] = this.#loaded.problems
    if (problem !== undefined) throw problem
  }

  close (): void {
    this.#warnings.close()
    this.#onClose()
  }

  /**
   * Takes what a load gave.
   * @param isRacy whether something was changed just before, so that there will soon be another load
   * @internal
   */
  update (loaded: EndpointCredentials, { isRacy }: { isRacy: boolean }): void {
    const { digest } = this.credentials
    this.#loaded = loaded
    this.#tell({ isRacy })
    if (loaded.credentials.digest === digest) return
    this.#warnings.watch(expiringOf(loaded.credentials))
    this.emit('changed')
  }

  #tell ({ isRacy }: { isRacy: boolean }): void {
    const { credentials, problems } = this.#loaded
    this.#report.take({ problems, notices: [], warnings: warningsOfCredentials(credentials).map(({ message }) => message) }, { isRacy })
  }
}

function expiringOf ({ certificates, authorities }: Credentials): ExpiringCertificate[] {
  const named = [
    ...certificates,
    ...authorities.all.map(({ x509 }) => ({ x509, file: authorities.file, argument: 'authorities' }))
  ]
  return named.map(({ x509, file, argument }) => ({
    id: `${argument} ${x509.fingerprint256}`,
    argument,
    file,
    begins: Date.parse(x509.validFrom),
    ends: Date.parse(x509.validTo),
    soon: `a certificate in ${argument} ${quotePath(file)} expires soon: renew it`,
    over: `a certificate in ${argument} ${quotePath(file)} has expired: renew it`,
    details: { file: quotePath(file), notAfter: new Date(x509.validTo).toISOString() }
  }))
}
