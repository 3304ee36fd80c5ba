/** The interface of a credential source, which gives an endpoint its key and certificate in place of files. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import type { EndpointLog } from './log.js'

/** A key with its certificates, validated by `parseCredentials`. The object never changes: for new credentials, create a new one. */
export interface SourcedCredentials {
  /** The private key. */
  readonly key: KeyObject
  /** The server's own certificate, then the intermediates above it. */
  readonly chain: readonly X509Certificate[]
  /** The host names that the certificate is for. */
  readonly names: readonly string[]
  /** When the first certificate of the chain expires. */
  readonly notAfter: Date
}

/**
 * Provides key and certificate: from files, ACME, Vault, or the API of an authority.
 *
 * The endpoint calls `current` when it starts, and again after each change. Until there are credentials, it rejects handshakes with
 * the alert unrecognized_name. A source that fails should keep its current credentials.
 */
export interface CredentialSource {
  /** Its name in the log and in errors. It must not contain secrets. */
  readonly name: string
  /** The latest credentials, without waiting; undefined if there are none yet. Returns the same object until they change. */
  current (): SourcedCredentials | undefined
  /** Adds a listener. Call it when `current` returns different credentials. */
  onChange (listener: () => void): void
  /** Closes everything that the source has opened. The endpoint calls no method afterwards. */
  close (): void | Promise<void>
}

/** The argument of a credential source factory. */
export interface CredentialSourceContext {
  /** The endpoint string. */
  readonly endpoint: string
  /** The app's logger. */
  readonly log: EndpointLog
}

/**
 * Creates the source for an endpoint string with `credentials=` and its word. The app waits for it before it starts. If it throws, the
 * start fails with that error.
 */
export type CredentialSourceFactory = (context: CredentialSourceContext) => CredentialSource | Promise<CredentialSource>

/** The argument of `parseCredentials`. */
export interface CredentialText {
  /** The private key in PEM, without a passphrase. */
  readonly key: string
  /** The certificates in PEM, the server's own first. */
  readonly chain: string
  /** Host names that the certificate must cover (default: any). */
  readonly names?: readonly string[]
  /** The name of their origin, for messages. */
  readonly name: string
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: number
}
