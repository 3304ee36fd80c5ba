/** The interface of a credential source: what gives an endpoint its key and certificate in place of files. */
import type { KeyObject, X509Certificate } from 'node:crypto'
import type { EndpointLog } from './log.js'

/** A key with its certificates, already validated: see `parseCredentials`. It never changes; a source makes another one. */
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
 * A place that key and certificate come from: files, ACME, Vault, the API of an authority.
 *
 * The endpoint takes what `current` gives when it starts, and again after each change. Until there is something, it refuses
 * handshakes with the alert unrecognized_name. A source that fails keeps what it has.
 */
export interface CredentialSource {
  /** Its name in the log and in errors. It must not contain secrets. */
  readonly name: string
  /** The newest credentials, at once; undefined while there are none yet. The same object until they change. */
  current (): SourcedCredentials | undefined
  /** Adds a listener, called when `current` gives something else. */
  onChange (listener: () => void): void
  /** Closes everything that the source has opened. No method is called afterwards. */
  close (): void | Promise<void>
}

/** What a factory of credential sources gets. */
export interface CredentialSourceContext {
  /** The endpoint string. */
  readonly endpoint: string
  /** The app's logger. */
  readonly log: EndpointLog
}

/**
 * Creates the source of an endpoint string with `credentials=` and its word. The app does not start before it is there. What
 * it throws is the error of the start.
 */
export type CredentialSourceFactory = (context: CredentialSourceContext) => CredentialSource | Promise<CredentialSource>

/** What `parseCredentials` reads. */
export interface CredentialText {
  /** The private key in PEM, without a passphrase. */
  readonly key: string
  /** The certificates in PEM, the server's own first. */
  readonly chain: string
  /** Host names that the certificate must be for (any). */
  readonly names?: readonly string[]
  /** Where they come from, for messages. */
  readonly name: string
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: number
}
