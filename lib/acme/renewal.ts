/** When to renew, and when to try again. All times are milliseconds; moments are since 1970. */
import { createHash, type X509Certificate } from 'node:crypto'
import { AUTHORITY_KEY_IDENTIFIER } from '../x509/oids.js'
import { certificateExtensions, childrenOf, expectTag, readCertificate, SEQUENCE, unlessInvalid } from '../x509/der.js'
import { backoff, jittered } from '../watching/backoff.js'
import type { RenewalWindow, State } from './store.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The part of its life after which a certificate is renewed, and how much earlier it may be. */
const TWO_THIRDS = 2 / 3
const SPREAD = 1 / 20
/** Whatever the directory says, a certificate is renewed while this part of its life is left. */
const LAST_PART = 1 / 10

/**
 * Let's Encrypt issues five certificates for the same names within a week. Short-lived ones have to be renewed more often: of
 * them as many within their life, so that a renewal window that is always over does not order without end.
 */
const MOST_A_WEEK = 5
const WEEK = 7 * DAY

/** How long a renewal window counts before the directory is asked again (RFC 9773 section 4.3.2). */
const USUAL_INTERVAL = 6 * HOUR
const SHORTEST_INTERVAL = MINUTE
const LONGEST_INTERVAL = DAY

/** The longest wait that a directory may ask for. */
const LONGEST_RETRY_AFTER = 7 * DAY

/**
 * When to renew a certificate: within the window that the directory suggests, else after two thirds of its life. Where
 * exactly depends on the certificate, so that all nodes agree, and not all certificates of an authority come at once.
 */
export function renewalTime (certificate: X509Certificate, window: RenewalWindow | undefined): number {
  const begins = Date.parse(certificate.validFrom)
  const ends = Date.parse(certificate.validTo)
  const life = ends - begins
  const share = Number.parseInt(createHash('sha256').update(certificate.raw).digest('hex').slice(0, 8), 16) / 2 ** 32
  const { start, end } = window?.certificate === certificateId(certificate) ? window ?? {} : {}
  if (start === undefined || end === undefined) return begins + life * (TWO_THIRDS - SPREAD * share)
  return Math.min(start + (end - start) * share, ends - life * LAST_PART)
}

/** When to ask for the renewal window again. */
export function nextWindow (now: number, retryAfter: number | undefined): number {
  return now + Math.min(Math.max(retryAfter ?? USUAL_INTERVAL, SHORTEST_INTERVAL), LONGEST_INTERVAL)
}

/**
 * The identifier of a certificate for renewal information (RFC 9773 section 4.1); undefined without an
 * authorityKeyIdentifier.
 */
export function certificateId ({ raw }: X509Certificate): string | undefined {
  return unlessInvalid(() => {
    const layout = readCertificate(raw)
    for (const { id, value } of certificateExtensions(raw, layout)) {
      if (id !== AUTHORITY_KEY_IDENTIFIER) continue
      const list = expectTag(raw, value.content, value.end, SEQUENCE)
      for (const { tag, content, end } of childrenOf(raw, list)) {
        if (tag !== KEY_IDENTIFIER) continue
        const serial = raw.subarray(layout.serialNumber.content, layout.serialNumber.end)
        return `${raw.subarray(content, end).toString('base64url')}.${serial.toString('base64url')}`
      }
    }
    return undefined
  })
}

const KEY_IDENTIFIER = 0x80

/**
 * The next moment at which an attempt is allowed. Somebody may have set the clock back since the last one: then the wait is over when
 * this process has seen all of it pass.
 * @param known milliseconds for which this process has known of the failure, by a clock that nobody can set
 */
export function notBefore ({ failedAt, wait }: State, now: number, known: number): number {
  if (failedAt === undefined || wait === undefined) return 0
  return Math.min(failedAt, now - known) + wait
}

/** Until when no further certificate may be ordered for the same names; 0 if one may be. */
export function issuanceLimit ({ issued }: State, now: number, life: number): number {
  const period = Math.min(life, WEEK)
  const within = issued.filter((at) => at > now - period && at <= now)
  return within.length < MOST_A_WEEK ? 0 : (within.at(-MOST_A_WEEK) as number) + period
}

/** Forgets what no longer counts. */
export function recentlyIssued (issued: readonly number[], now: number): number[] {
  return [...issued.filter((at) => at > now - WEEK && at <= now), now]
}

/**
 * How long to wait after a failure. Validations that failed count against a limit of five an hour at Let's Encrypt. Nothing
 * else does, but a directory that is down should not be asked often.
 */
export function waitAfter (
  failures: number, { isValidation, retryAfter = 0 }: { isValidation: boolean, retryAfter?: number | undefined }, first?: number
): number {
  const usual = isValidation
    ? backoff(failures, first ?? 3 * MINUTE, DAY / 2)
    : backoff(failures, first ?? MINUTE / 2, HOUR)
  // Only later, never earlier.
  return Math.max(jittered(usual * 1.1, 0.09), Math.min(retryAfter, LONGEST_RETRY_AFTER))
}

/** Retry-After (RFC 9110 section 10.2.3) in milliseconds from now; undefined if it is missing, in the past or no such value. */
export function retryAfterOf (value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER) : undefined
}
