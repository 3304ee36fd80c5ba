/** The messages between the main thread and the worker of a directory. The structured clone algorithm can copy all of them. */

/** What the worker needs to begin. */
export interface DirectorySetup {
  readonly directory: string
  /** PEM. */
  readonly accountKey: string
  readonly accountUrl: string | undefined
  /** Roots for the directory itself, in PEM; undefined for those of Node.js. */
  readonly ca: string | undefined
  readonly eab: { readonly kid: string, readonly hmacKey: string } | undefined
}

/** An order, an authorization or a challenge as the directory sent it, before any check. */
export type Answered = Readonly<Record<string, unknown>>

/** The calls, each with its arguments and its result. */
export interface DirectoryCalls {
  directory: [[], Answered]
  account: [[contact: readonly string[]], string]
  newOrder: [[names: readonly string[], profile: string | undefined, replaces: string | undefined], Answered]
  order: [[url: string], Answered]
  authorization: [[url: string], Answered]
  keyAuthorization: [[token: string], string]
  alpnCertificate: [[name: string, keyAuthorization: string, key: string], string]
  answer: [[url: string], Answered]
  finalize: [[order: { readonly url: string, readonly finalize: string }, names: readonly string[], key: string], Answered]
  certificate: [[url: string], unknown]
  renewalInfo: [[url: string], Answered]
}

export type CallName = keyof DirectoryCalls

export interface CallMessage {
  readonly id: number
  readonly name: CallName
  readonly args: readonly unknown[]
}

/** Why a call failed. */
export interface CallFailure {
  readonly message: string
  /** Absent if there was no answer. */
  readonly status?: number
  /** The error type of RFC 8555 section 6.7, without its prefix. */
  readonly type?: string
}

export interface AnswerMessage {
  readonly id: number
  readonly result?: unknown
  readonly failure?: CallFailure
  /** The header fields Retry-After and Date of the last response, if it had them. */
  readonly retryAfter?: string
  readonly date?: string
}
