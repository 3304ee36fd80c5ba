/**
 * Keeps the credentials of an endpoint up to date with their files, as they are renewed by certbot, by
 * cert-manager (which swaps a symbolic link), and by hand.
 *
 * All files are read and checked together, so what is put in force fits: where the key has been written
 * and the certificate not yet, the credentials from before stay.
 */
import { ExpiryWarnings, type Expiring } from '../expiry-warnings.js'
import { errors } from '../errors.js'
import { quotePath } from '../files.js'
import { Follower, type Loaded, type LoadReport } from '../watching/follower.js'
import type { Observation } from '../watching/observation.js'
import { ProblemReport, type ReportLog } from '../watching/problem-report.js'
import type { SslEndpoint, TlsEndpoint } from '../../types/endpoint.js'
import { type Credentials, loadCredentials, warningsOfCredentials } from './credentials.js'

/** Of the life of a certificate, what is left when it is warned of. */
export const LAST_PART_OF_CERTIFICATE = 1 / 10
/** Milliseconds between two looks at the disk, beside those that its events ask for. */
const INTERVAL = 1000

export interface CredentialsWatcherOptions {
  readonly endpoint: SslEndpoint | TlsEndpoint
  readonly log: ReportLog
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds between two looks at the disk. */
  readonly interval?: number
  /** Whether loads are measured, and told of to `onLoad`. */
  readonly measure?: boolean
}

/** A certificate of the credentials. */
export interface ExpiringCertificate extends Expiring {
  readonly argument: string
}

interface LoadedCredentials extends Loaded {
  readonly credentials: Credentials
}

export class CredentialsWatcher {
  readonly #follower: Follower<LoadedCredentials>
  readonly #report: ProblemReport
  readonly #warnings: ExpiryWarnings<ExpiringCertificate>
  #onChange: (credentials: Credentials) => void = () => {}
  #onLoad: (report: LoadReport) => void = () => {}

  /**
   * Loads the credentials and starts to watch their files. Nothing of it keeps the process alive.
   *
   * @throws see `loadCredentials`
   */
  static async start (options: CredentialsWatcherOptions): Promise<CredentialsWatcher> {
    return new CredentialsWatcher(options, await load(options.endpoint))
  }

  private constructor ({ endpoint, log, now, interval = INTERVAL, measure = false }: CredentialsWatcherOptions, loaded: LoadedCredentials) {
    this.#report = new ProblemReport(`credentials of ${endpoint.description}`, log)
    this.#warnings = new ExpiryWarnings({ lastPart: LAST_PART_OF_CERTIFICATE, now, warn: (details, message) => { log.warn(details, message) } })
    this.#warnings.watch(expiringOf(loaded.credentials))
    this.#report.take({ problems: [], notices: [], warnings: warningsOfCredentials(loaded.credentials) }, { isFresh: false })
    this.#follower = new Follower({
      loaded,
      load: (previous) => reload(endpoint, previous),
      take: (loaded, previous, { isFresh }) => {
        this.#report.take({ problems: loaded.problems, notices: [], warnings: warningsOfCredentials(loaded.credentials) }, { isFresh })
        if (loaded.credentials.digest === previous.credentials.digest) return
        this.#warnings.watch(expiringOf(loaded.credentials))
        this.#onChange(loaded.credentials)
      },
      ...(measure && { onLoad: (report: LoadReport) => { this.#onLoad(report) } }),
      closedError: () => new errors.FST_ENDPOINT_CLOSED(),
      interval
    })
  }

  /** What was good last. */
  get credentials (): Credentials {
    return this.#follower.loaded.credentials
  }

  /** What is wrong with the files, if anything is. */
  get problems (): readonly Error[] {
    return this.#follower.loaded.problems
  }

  /** What was told of in the log, and is so still. */
  get standing (): readonly Error[] {
    return this.#report.standing
  }

  /** The certificates, and when they end. */
  get expiring (): ExpiryWarnings<ExpiringCertificate> {
    return this.#warnings
  }

  /** Who is told of each load after the first, if they are measured; one only. */
  onLoad (listener: (report: LoadReport) => void): void {
    this.#onLoad = listener
  }

  /** Who is told of each change; one only. */
  onChange (listener: (credentials: Credentials) => void): void {
    this.#onChange = listener
  }

  /**
   * Reads all files anew.
   *
   * @throws see `loadCredentials`; what was good before stays
   */
  async reload (): Promise<void> {
    await this.#follower.ask()
  }

  close (): void {
    this.#follower.close()
    this.#warnings.close()
  }
}

async function load (endpoint: SslEndpoint | TlsEndpoint): Promise<LoadedCredentials> {
  const observed = new Map<string, Observation>()
  return { credentials: await loadCredentials(endpoint, observed), observed, problems: [] }
}

async function reload (endpoint: SslEndpoint | TlsEndpoint, previous: LoadedCredentials): Promise<LoadedCredentials> {
  const observed = new Map<string, Observation>()
  try {
    const credentials = await loadCredentials(endpoint, observed, previous.credentials)
    return { credentials, observed, problems: credentials.names?.problems ?? [] }
  } catch (thrown) {
    // What was not looked at because something before it failed is looked at as before.
    return { credentials: previous.credentials, observed: new Map([...previous.observed, ...observed]), problems: [thrown as Error] }
  }
}

function expiringOf ({ certificates, authorities }: Credentials): ExpiringCertificate[] {
  const named = [
    ...certificates,
    ...authorities.map(({ x509, file }) => ({ x509, file, argument: 'authorities' }))
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
