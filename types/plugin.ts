/** The options of the plugin, and `app.endpoint`. */
import type { AddressInfo } from 'node:net'
import type { X509Certificate } from 'node:crypto'
import type { CredentialSourceFactory } from './credential-source.js'
import type { EndpointHealth } from './health.js'
import type { RevocationSourceFactory } from './revocation-source.js'
import type { RevocationLimits, RevocationStatus } from './revocation.js'

/** Options of `app.register(endpoint, options)`. An invalid one throws `FST_ENDPOINT_INVALID_OPTION`. */
export interface EndpointOptions {
  /** The endpoint string, or several. Default: the environment variable. */
  endpoint?: string | readonly string[]
  /** Name of the environment variable (`ENDPOINT`). It may hold several strings, one a line or as a JSON array. */
  env?: string
  /** The option `dotenv` of @fastify/env: whether to read a .env file too (false). */
  dotenv?: boolean | Record<string, unknown>
  /** The string, or strings, to use if neither `endpoint` nor the variable gives one. */
  fallback?: string | readonly string[]
  /**
   * How many connections may be open at the same time (10,000); a new one beyond that is closed at once. If pending
   * handshakes hold more than an eighth of the places, one of them is dropped instead. The limit of open files of the
   * process applies too: a quarter of the descriptors, at most 128, stays free.
   */
  maxConnections?: number
  /**
   * How many TLS handshakes may be pending at the same time (1,000). For each further one, one is dropped: one that
   * has sent nothing for a long time, else the oldest of an address that holds more than an eighth, else the oldest.
   */
  maxHandshakes?: number
  /**
   * How long `app.close()` waits for requests in progress and for upgraded connections such as WebSockets, in
   * milliseconds (Infinity). Then it closes those that are left. After ten seconds the log says what it waits for.
   */
  closeTimeout?: number
  /** A signal, for example `SIGHUP`, that reloads all files as `app.endpoint.reload()` does (none). */
  reloadSignal?: NodeJS.Signals
  /**
   * Revocation sources of your own, by the word before the colon of their lines in a list.
   * `{ nats: (line, context) => new NatsRevocations(line) }` handles the lines `nats:…`.
   */
  sources?: Readonly<Record<string, RevocationSourceFactory>>
  /**
   * Credential sources of your own, by the word in the argument `credentials` of an endpoint string.
   * `{ vault: (context) => VaultCertificate.open(context) }` serves `tls:443:credentials=vault`.
   */
  credentials?: Readonly<Record<string, CredentialSourceFactory>>
  /**
   * A folder for the last good content of each source, so that the app can start while a source is down (none). It is
   * created if it is missing. It must belong to the user of the process or to root, and no other user may write to it.
   */
  cacheDir?: string
  /** Limits on what the revocation list may name. */
  limits?: RevocationLimits
  /**
   * How long a line, or a certificate in a file, must be gone before it is no longer revoked, in milliseconds (2,000).
   * Raise it if files come over a network file system, or are written slowly.
   */
  removalDelay?: number
  /** A Registry of prom-client to put the metrics of the endpoints on (none: nothing is counted). */
  metrics?: MetricsRegistry
}

/** The methods of a prom-client Registry that this package calls. */
export interface MetricsRegistry {
  /** See prom-client. */
  registerMetric (metric: never): void
  /** See prom-client. */
  getSingleMetric (name: string): unknown
  /** See prom-client. */
  removeSingleMetric (name: string): void
}

/** One endpoint of the app. Its members are read when you access them. */
export interface EndpointListener {
  /** The endpoint string. */
  readonly description: string
  /** Whether clients must send a certificate, as in the argument `verify`; `none` if none is requested. */
  readonly verify: 'none' | 'required' | 'optional'
  /**
   * Where it listens: address and port, or the path of a unix socket. `null` for an inherited socket whose path Node.js
   * cannot tell, `undefined` before `listen()` and after `close()`.
   */
  readonly address: AddressInfo | string | null | undefined
  /** Clients that were rejected in their handshake since the start. Present if the endpoint speaks TLS. */
  readonly refusals?: {
    /** All of them. */
    readonly total: number
    /**
     * Those that got no alert to say why: in a resumed handshake of TLS 1.2, and with a cipher suite of TLS 1.3 that
     * Node.js does not enable by default.
     */
    readonly withoutAlert: number
  }
  /**
   * The budget of the process for intermediates that clients send, in bytes: Node.js keeps the memory of each one that
   * is read. All endpoints share it. Present if the endpoint requests client certificates.
   */
  readonly sentChains?: {
    /** Upper bound of the bytes that are used up. */
    readonly lost: number
    /** The whole budget; beyond it, intermediates that clients send are not read. */
    readonly most: number
  }
  /** The set of revocations in force. Present if the string has `revokedFile`. */
  readonly revocation?: {
    /** The number of the set, from 1 since the start. */
    readonly generation: number
    /** Entries in the set, with those of CRLs. */
    readonly size: number
    /** When the set was loaded. */
    readonly loadedAt: Date
    /**
     * The status of a chain under the policy of the endpoint.
     *
     * @param chain certificates, or their DER, that of the client first
     * @throws FST_ENDPOINT_DER_INVALID
     */
    status (chain: ReadonlyArray<X509Certificate | Uint8Array>): RevocationStatus
  }
  /** Present if the string has `allowedFile`. */
  readonly allowed?: {
    /** Grows by one with each change that takes effect, of the rules or of the revocations. */
    readonly generation: number
    /** Rules in force. */
    readonly rules: number
  }
}

/** `app.endpoint`. */
export interface EndpointDecorator {
  /** The endpoints, in the order of the strings. */
  readonly listeners: readonly EndpointListener[]
  /**
   * Reloads all files: keys, certificates, authorities, revocation lists. Good credentials take effect as a whole. If
   * authorities were removed, connections that no longer verify are closed.
   *
   * @throws the first problem, by its code: see `errors`. What the problem concerns stays unchanged
   */
  reload (): Promise<void>
  /**
   * The health of the app: are all endpoints open, and which of their files need attention? It reads nothing, so you can
   * call it every second. The messages contain paths: show them to operators, not to the public.
   */
  health (): EndpointHealth
}
