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
  /** Milliseconds that the directory wants to be left alone. */
  readonly retryAfter?: number | undefined
  /** The type of the challenge that failed. */
  readonly challenge?: string | undefined
  /** Whether a certificate was issued, which counts against the limits of the directory. */
  readonly isIssued?: boolean
  /** What could not be used. */
  readonly cause?: unknown
}

/** Something that the directory has refused, or that could not be asked. It becomes a coded error for the log and for health. */
export class OrderFailure extends Error {
  readonly status: number | undefined
  readonly type: string | undefined
  readonly retryAfter: number | undefined
  readonly challenge: string | undefined
  readonly isIssued: boolean

  /** @param words of the directory: they come from outside */
  constructor (words: string, { status, type, retryAfter, challenge, isIssued = false, cause }: FailureDetails = {}) {
    super(words.length > LONGEST_WORDS ? `${visible(words.slice(0, LONGEST_WORDS))}…` : visible(words), { cause })
    this.status = status
    this.type = type
    this.retryAfter = retryAfter
    this.challenge = challenge
    this.isIssued = isIssued
  }

  /** Whether the directory has refused what was asked, so that the same order cannot succeed. */
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
  rateLimited: 'Nothing is needed: the next attempt waits as long as the directory says',
  externalAccountRequired: 'Name a file with the binding in acmeEab',
  userActionRequired: 'Read the new terms of the directory, and agree to them there',
  unauthorized: 'See whether the names lead to this machine, and whether the account is still valid',
  caa: 'Allow this authority in the CAA record of the name',
  dns: 'See whether the name has an address record',
  invalidProfile: 'Name another profile in acmeProfile, or remove it'
}

const ADVICE_BY_CHALLENGE: Readonly<Record<string, string>> = {
  'tls-alpn-01': 'The name must lead to this endpoint on port 443',
  'http-01': 'The name must lead to a plain endpoint of the app on port 80'
}
