/** Where revocations come from, beside files: what a line `scheme:…` of the list is about. */
import type { EndpointLog } from './log.js'

/**
 * A place elsewhere that says what is revoked: a database, a service, a bus.
 *
 * One object serves one line of the list, for all endpoints that name it. Whatever it does, an error of it
 * un-revokes nobody: what was good last stays in force, and `load` is called again.
 */
export interface RevocationSource {
  /** For the log, errors, health and the `source` of a verdict. It must not hold credentials. */
  readonly name: string
  /**
   * Whether only CRLs are taken from it, which are signed, since somebody on the way may have changed what it
   * says (no).
   */
  readonly isSignedOnly?: boolean
  /**
   * All that the source says now. There is never more than one call under way.
   *
   * @param signal aborted when it takes too long, and when the source is closed
   * @param known the `version` of the content that is in force; undefined if all is needed
   * @throws anything; what was good last stays in force, and it is tried again later
   */
  load (signal: AbortSignal, known?: string): Promise<RevocationContent>
  /**
   * Tells what was good last, of the copy in `cacheDir`, before the first `load`: for a source that may have lost
   * something meanwhile, and is to find that. May be left out. What it throws counts for nothing.
   */
  restore? (copy: RevocationContent): void
  /** Begins to follow the source: `onChange` says that `load` may give something else now. Called once. */
  watch (onChange: () => void): void
  /** Ends all that it has opened. Nothing is called afterwards. */
  close (): void | Promise<void>
}

/** What a source says. */
export interface RevocationContent {
  /** Certificates and CRLs, PEM or DER, as a matched file may hold them. They may be gone after the call. */
  readonly bytes?: Uint8Array
  /** Lines as a list has them: `tbs:…`, `serial:…`, `spki:…`. */
  readonly keys?: readonly string[]
  /**
   * What tells this state of the source from any other, of other processes too. Where it is the `known` one, nothing is read anew, and
   * `bytes` and `keys` may be left out.
   */
  readonly version?: string
  /** What is not as it should be; the rest counts all the same. */
  readonly problems?: readonly Error[]
}

/** What a source is made with. */
export interface RevocationSourceContext {
  /** The folder of the list, absolute: what paths in the line are relative to. */
  readonly folder: string
  /** Bounds that hold for what it says. A source need not look at them; what is beyond is an error. */
  readonly limits: {
    /** Of `bytes`. */
    readonly fileBytes: number
    /** Of `keys`, and of each CRL. */
    readonly entries: number
  }
  /** The app's logger. */
  readonly log?: Pick<EndpointLog, 'warn'>
}

/** Makes the source of a line. What it throws is an error of that line. */
export type RevocationSourceFactory = (line: string, context: RevocationSourceContext) => RevocationSource
