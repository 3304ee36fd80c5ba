/**
 * The credentials of one endpoint: the last good ones, the problems with their files, and the certificates that expire soon.
 */
import { EventEmitter } from 'node:events'
import { ExpiryWarnings, type Expiring } from '../watching/expiry-warnings.js'
import { quotePath } from '../text/printable.js'
import type { LoadReport } from '../watching/follower.js'
import { ProblemReport, type ReportLog } from '../watching/problem-report.js'
import { type Credentials, warningsOfCredentials } from './credentials.js'
import type { SecuredEndpoint } from '../description/index.js'
import type { CredentialSource, SourcedCredentials } from '../../types/credential-source.js'
import { sourcedOf } from './sourced-credentials.js'

/** The part of its life that a certificate has left when a warning is due. */
export const LAST_PART_OF_CERTIFICATE = 1 / 10

/** A certificate of the credentials. */
export interface ExpiringCertificate extends Expiring {
  readonly argument: string
}

/** The result of a load for one endpoint. */
export interface EndpointCredentials {
  readonly credentials: Credentials
  /** Files that cannot be used; the credentials have their last good content. */
  readonly problems: readonly Error[]
}

interface CredentialsViewOptions {
  readonly endpoint: SecuredEndpoint
  readonly log: ReportLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  readonly loaded: EndpointCredentials
  /** Reloads the files of all endpoints. */
  readonly reload: () => Promise<unknown>
  readonly onClose: () => void
}

interface CredentialsEvents {
  /** Other credentials were loaded, without problems. */
  changed: []
  /** A load after the first has ended, with or without problems; only if loads are measured. */
  loaded: [report: LoadReport]
}

/** What the files of an endpoint give is a credential source too. */
export class CredentialsView extends EventEmitter<CredentialsEvents> implements CredentialSource {
  readonly name: string
  readonly #report: ProblemReport
  readonly #warnings: ExpiryWarnings<ExpiringCertificate>
  readonly #reload: () => Promise<unknown>
  readonly #onClose: () => void
  #loaded: EndpointCredentials
  /** What `current` gives, and what it was made of. */
  #shown: { readonly own: Credentials['own'], readonly sourced: SourcedCredentials | undefined } | undefined

  /** @internal */
  constructor ({ endpoint, log, now, loaded, reload, onClose }: CredentialsViewOptions) {
    super()
    this.name = endpoint.description
    this.#loaded = loaded
    this.#reload = reload
    this.#onClose = onClose
    this.#report = new ProblemReport(`credentials of ${endpoint.description}`, log)
    this.#warnings = new ExpiryWarnings({ lastPart: LAST_PART_OF_CERTIFICATE, now, log })
    this.#warnings.watch(expiringOf(loaded.credentials))
    this.#log({ isRacy: false })
  }

  /** The last good ones. */
  get credentials (): Credentials {
    return this.#loaded.credentials
  }

  /** The first pair of key and certificate; see `credentials` for all that is in force. */
  current (): SourcedCredentials | undefined {
    const { own } = this.credentials
    if (own !== this.#shown?.own) this.#shown = { own, sourced: own.pairs[0] === undefined ? undefined : sourcedOf(own.pairs[0]) }
    return this.#shown.sourced
  }

  onChange (listener: () => void): void {
    this.on('changed', listener)
  }

  /** Problems that were logged, and are not solved yet. */
  get problems (): readonly Error[] {
    return this.#report.openProblems
  }

  /** The certificates, and when they expire. */
  get expiring (): ExpiryWarnings<ExpiringCertificate> {
    return this.#warnings
  }

  /**
   * Reloads all files.
   *
   * @throws see `loadCredentials`; the last good credentials stay. FST_ENDPOINT_CLOSED after `close`
   */
  async reload (): Promise<void> {
    await this.#reload()
    const [problem] = this.#loaded.problems
    if (problem !== undefined) throw problem
  }

  close (): void {
    this.#warnings.close()
    this.#onClose()
  }

  /**
   * Applies the result of a load.
   * @param isRacy whether a file was changed just before, so that another load will follow
   * @internal
   */
  update (loaded: EndpointCredentials, { isRacy }: { isRacy: boolean }): void {
    const { digest } = this.credentials
    this.#loaded = loaded
    this.#log({ isRacy })
    if (loaded.credentials.digest === digest) return
    this.#warnings.watch(expiringOf(loaded.credentials))
    this.emit('changed')
  }

  #log ({ isRacy }: { isRacy: boolean }): void {
    const { credentials, problems } = this.#loaded
    this.#report.record({ problems, notices: [], warnings: warningsOfCredentials(credentials).map(({ message }) => message) }, { isRacy })
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
