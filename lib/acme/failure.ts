/** Why no certificate could be ordered. */
import { errors, located } from '../errors.js'
import { visible } from '../text/printable.js'
import type { AcmeArguments } from '../../types/endpoint.js'

/** Characters of the directory's own words in a message. */
const LONGEST_WORDS = 400

interface FailureDetails {
  /** The HTTP status, if the directory has answered. */
  readonly status?: number | undefined
  /** Its error type (RFC 8555 section 6.7), without the prefix. */
  readonly type?: string | undefined
  /** The Retry-After of the directory, in milliseconds. */
  readonly retryAfter?: number | undefined
  /** The type of the challenge that failed. */
  readonly challenge?: string | undefined
  /** Whether a certificate was issued, which counts against the rate limit of the directory. */
  readonly isIssued?: boolean
  readonly cause?: unknown
}

/** The directory rejected a request, or could not be reached. `codedFailure` makes it an error for the log and for health. */
export class OrderFailure extends Error {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly retryAfter: number | undefined
  readonly challenge: string | undefined
  readonly isIssued: boolean

  /** @param words the message, often from the directory and so not trusted */
  constructor (words: string, { status, type, retryAfter, challenge, isIssued = false, cause }: FailureDetails = {}) {
    super(words.length > LONGEST_WORDS ? `${visible(words.slice(0, LONGEST_WORDS))}…` : visible(words), { cause })
    this.status = status
    this.type = type
    this.retryAfter = retryAfter
    this.challenge = challenge
    this.isIssued = isIssued
  }

  /** Whether the directory rejected the order for good, so that retrying the same order cannot succeed. */
  get isFinal (): boolean {
    if (this.challenge !== undefined) return true
    return this.status !== undefined && this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429
  }
}

/** This process no longer has the lease, or is closing. Nothing failed. */
export class OrderInterrupted extends Error {}

/** The error for the log and for health. */
export function codedFailure (thrown: unknown, { names, directory }: AcmeArguments): Error {
  if (!(thrown instanceof OrderFailure)) return thrown as Error
  const { type, challenge, message } = thrown
  const kind = type === undefined ? '' : ` (${visible(type.slice(0, 60))})`
  const advice = ADVICE[type ?? ''] ?? (challenge === undefined ? '' : ADVICE_BY_CHALLENGE[challenge]) ?? ''
  const words = `${message.replace(/\.$/, '')}${kind}${advice === '' ? '' : `. ${advice}`}`
  return located(new errors.FST_ENDPOINT_ACME_FAILED(namesInShort(names), directory, words), { argument: 'acme' }, thrown.cause)
}

function namesInShort ([first, ...others]: AcmeArguments['names']): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

const ADVICE: Readonly<Record<string, string>> = {
  rateLimited: 'Do nothing: the next attempt waits as long as the directory demands',
  externalAccountRequired: 'Put the binding into a file, and name the file in acmeEab',
  userActionRequired: 'Read and accept the new terms of service on the site of the directory',
  unauthorized: 'Check that the names resolve to this machine, and that the account is still valid',
  caa: 'Allow this authority in the CAA record of the name',
  dns: 'Check that the name has an address record',
  invalidProfile: 'Set acmeProfile to a profile that the directory offers, or remove it'
}

const ADVICE_BY_CHALLENGE: Readonly<Record<string, string>> = {
  'tls-alpn-01': 'The name must lead to this endpoint on port 443',
  'http-01': 'The name must lead to a plain endpoint of the app on port 80'
}
