/** The options of the plugin and what it puts on the app. */
import type { AddressInfo } from 'node:net'
import type { X509Certificate } from 'node:crypto'
import type { EndpointHealth } from './health.js'
import type { RevocationSourceFactory } from './revocation-source.js'
import type { RevocationLimits, RevocationStatus } from './revocation.js'

/** Options of `app.register(endpoint, options)`. */
export interface EndpointOptions {
  /** The endpoint string, or several; without it the environment variable decides. */
  endpoint?: string | readonly string[]
  /** Name of the environment variable (default `ENDPOINT`). It may hold several strings, one a line or as a JSON array. */
  env?: string
  /** The option `dotenv` of @fastify/env: read a .env file too. */
  dotenv?: boolean | Record<string, unknown>
  /** The string to use where neither `endpoint` nor the variable gives one. */
  fallback?: string | readonly string[]
  /**
   * Connections that may be open at the same time (10,000). One more is closed at once, unless handshakes
   * hold more than an eighth of the places: then one of them makes room. The limit of open files of the
   * process bounds them too: at most 128 descriptors, or a quarter of them, are left free.
   */
  maxConnections?: number
  /**
   * Handshakes that may be under way at the same time (1,000). For one more another is ended: one that has
   * said nothing for long, else the oldest of the address that holds most, if that is more than an eighth of
   * all, else the oldest.
   */
  maxHandshakes?: number
  /**
   * Milliseconds that `app.close()` waits for requests under way and for connections that have left HTTP, as WebSockets
   * do (Infinity). Those that are left are closed then. After ten seconds the log says what it waits for.
   */
  closeTimeout?: number
  /** A signal, for example `SIGHUP`, at which all files are read anew, as by `app.endpoint.reload()` (none). */
  reloadSignal?: NodeJS.Signals
  /**
   * Sources of revocations of the app's own, by the word that their lines in a list begin with:
   * `{ nats: (line, context) => new NatsRevocations(line) }` takes the lines `nats:…`.
   */
  sources?: Readonly<Record<string, RevocationSourceFactory>>
  /**
   * The folder that the last good content of each source is kept in, so that a start while one is down has
   * something to go by (none). It is made if it is not there; it must belong to the
   * user of the process or to root, and nobody else may write to it.
   */
  cacheDir?: string
  /** Bounds on what the revocation list may name. */
  limits?: RevocationLimits
  /**
   * Milliseconds for which a line, or a certificate in a file, must have been gone before it is no longer revoked
   * (2,000). Raise it where files come over a network file system, or are written slowly.
   */
  removalDelay?: number
  /** A Registry of prom-client, which the endpoints are then shown on (none: nothing is counted). */
  metrics?: MetricsRegistry
}

/** What is asked of a Registry of prom-client. */
export interface MetricsRegistry {
  /** See prom-client. */
  registerMetric (metric: never): void
  /** See prom-client. */
  getSingleMetric (name: string): unknown
  /** See prom-client. */
  removeSingleMetric (name: string): void
}

/** One endpoint of the app. */
export interface EndpointListener {
  /** The string. */
  readonly description: string
  /** Whether its clients come with a certificate, as the argument of that name; `none` where they are not asked for one. */
  readonly verify: 'none' | 'required' | 'optional'
  /**
   * Where it listens: a path for a unix socket; null for one that was inherited, whose path Node cannot
   * tell; undefined before `listen()` and after `close()`.
   */
  readonly address: AddressInfo | string | null | undefined
  /** Clients that were refused in their handshake since the start. There if the endpoint speaks TLS. */
  readonly refusals?: {
    readonly total: number
    /**
     * Those of them whose connection ended without an alert that says why: in a resumed handshake of TLS
     * 1.2, and with a cipher suite of TLS 1.3 that Node does not enable by itself.
     */
    readonly withoutAlert: number
  }
  /**
   * Bytes of memory that the process has lost, at the most, by looking at intermediates that clients sent, and may lose.
   * It is one budget for all endpoints of the process. There if clients are asked for a certificate.
   */
  readonly sentChains?: {
    readonly lost: number
    readonly most: number
  }
  /** There if the string names a revokedFile. */
  readonly revocation?: {
    /** Grows by one with each set that is put in force. */
    readonly generation: number
    /** Entries of the set in force. */
    readonly size: number
    /** When the set in force was loaded. */
    readonly loadedAt: Date
    /** What the set in force says of a chain, the client's certificate first. */
    status (chain: ReadonlyArray<X509Certificate | Uint8Array>): RevocationStatus
  }
}

/** `app.endpoint`. */
export interface EndpointDecorator {
  readonly listeners: readonly EndpointListener[]
  /**
   * Reads all files anew: keys, certificates, authorities, revocation lists. Good credentials are put in
   * force as a whole; where the authorities have shrunk, connections that no longer verify are cut.
   * @throws the first problem; what it is about stays as it was
   */
  reload (): Promise<void>
  /**
   * How the app is: whether all endpoints are open, and what of their files needs somebody. It is cheap enough to
   * be asked each second, and reads nothing. The messages hold paths: they are for operators, not for strangers.
   */
  health (): EndpointHealth
}
