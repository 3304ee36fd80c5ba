/** The interface of a revocation source: what a line `word:…` of the list stands for. */
import type { EndpointLog } from './log.js'

/**
 * A place that says what is revoked: a database, a service, a message bus.
 *
 * One object serves one line of the list, for all endpoints that name it. An error never un-revokes anybody: the last
 * good content stays in force, and `load` is called again.
 */
export interface RevocationSource {
  /** Its name in the log, in errors, in health and in the `source` of a verdict. It must not contain credentials. */
  readonly name: string
  /**
   * Whether only CRLs count, which are signed (false). Set it if an attacker on the network could change the content.
   */
  readonly isSignedOnly?: boolean
  /**
   * Returns everything that the source says now. Calls do not overlap.
   *
   * @param signal aborts when the call takes too long, and when the source is closed
   * @param known the `version` of the content in force; undefined if all content is needed
   * @throws anything; the last good content stays in force, and the call is repeated later
   */
  load (signal: AbortSignal, known?: string): Promise<RevocationContent>
  /**
   * Receives the last good content from `cacheDir` before the first `load`. Implement it if the source may lose entries
   * and should notice. An exception is ignored.
   */
  restore? (copy: RevocationContent): void
  /** Starts to follow the source. Call `onChange` when `load` may return something else. Called once. */
  watch (onChange: () => void): void
  /** Closes everything that the source has opened. No method is called afterwards. */
  close (): void | Promise<void>
}

/** What a source says. At least one of `bytes` and `keys` is present, unless `version` is the known one. */
export interface RevocationContent {
  /** Certificates and CRLs, in PEM or DER, as in a file. The buffer may be detached afterwards. */
  readonly bytes?: Uint8Array
  /** Keys as in the lines of a list: `tbs:…`, `serial:…`, `spki:…`. */
  readonly keys?: readonly string[]
  /**
   * Identifies this state of the source, across processes. If it equals `known`, nothing is parsed again, and `bytes` and
   * `keys` may be absent.
   */
  readonly version?: string
  /** What is wrong with the content. The rest of it takes effect nevertheless. */
  readonly problems?: readonly Error[]
}

/** What a factory gets besides the line. */
export interface RevocationSourceContext {
  /** The absolute path of the folder of the list. Paths in the line are relative to it. */
  readonly folder: string
  /** Limits on the content. The package enforces them: content beyond them is `FST_ENDPOINT_SOURCE_TOO_LARGE`. */
  readonly limits: {
    /** Bytes of `bytes`. */
    readonly fileBytes: number
    /** Keys, and entries of each CRL. */
    readonly entries: number
  }
  /** The app's logger. */
  readonly log?: Pick<EndpointLog, 'warn'>
}

/** Creates the source of a line. What it throws is an error of that line (`FST_ENDPOINT_SOURCE_INVALID`). */
export type RevocationSourceFactory = (line: string, context: RevocationSourceContext) => RevocationSource
