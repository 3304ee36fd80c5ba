/** When to renew, and when to try again. All times are milliseconds; moments are since 1970. */
import { createHash, type X509Certificate } from 'node:crypto'
import { AUTHORITY_KEY_IDENTIFIER } from '../x509/oids.js'
import { certificateExtensions, childrenOf, expectTag, readCertificate, SEQUENCE, unlessInvalid } from '../x509/der.js'
import { backoff, jittered } from '../watching/backoff.js'
import type { RenewalWindow, State } from './store.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The part of its lifetime after which a certificate is renewed, and by how much jitter may bring that forward. */
const TWO_THIRDS = 2 / 3
const SPREAD = 1 / 20
/** The part of its lifetime that must be left at the renewal, whatever window the directory suggests. */
const LAST_PART = 1 / 10

/**
 * Let's Encrypt issues at most five certificates a week for the same names. Short-lived certificates need more: at most five within
 * their lifetime. Without this limit, a renewal window that is always in the past would cause endless orders.
 */
const MOST_A_WEEK = 5
const WEEK = 7 * DAY

/** How long a renewal window is used before it is requested again (RFC 9773 section 4.3.2). */
const USUAL_INTERVAL = 6 * HOUR
const SHORTEST_INTERVAL = MINUTE
const LONGEST_INTERVAL = DAY

/** The longest wait that a directory may ask for. */
const LONGEST_RETRY_AFTER = 7 * DAY

/**
 * When to renew a certificate: within the window that the directory suggests, otherwise after about two thirds of its lifetime. The
 * jitter is a hash of the certificate, so that all nodes agree, but different certificates are renewed at different times.
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

/** When to request the renewal window again. */
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
 * The earliest time of the next attempt. If somebody has set the clock back since the failure, the delay counts from when this process
 * learned of the failure.
 * @param known milliseconds since this process learned of the failure, by a monotonic clock
 */
export function notBefore ({ failedAt, wait }: State, now: number, known: number): number {
  if (failedAt === undefined || wait === undefined) return 0
  return Math.min(failedAt, now - known) + wait
}

/** The time before which no other certificate may be ordered for the same names; 0 if one may be ordered now. */
export function issuanceLimit ({ issued }: State, now: number, life: number): number {
  const period = Math.min(life, WEEK)
  const within = issued.filter((at) => at > now - period && at <= now)
  return within.length < MOST_A_WEEK ? 0 : (within.at(-MOST_A_WEEK) as number) + period
}

/** Adds a certificate that is issued now, and drops those that no longer count. */
export function recentlyIssued (issued: readonly number[], now: number): number[] {
  return [...issued.filter((at) => at > now - WEEK && at <= now), now]
}

/**
 * The delay after a failure. Let's Encrypt allows five failed validations an hour. Other failures have no rate limit, but a directory
 * that is down should not get many requests.
 */
export function waitAfter (
  failures: number, { isValidation, retryAfter = 0 }: { isValidation: boolean, retryAfter?: number | undefined }, first?: number
): number {
  const usual = isValidation
    ? backoff(failures, first ?? 3 * MINUTE, DAY / 2)
    : backoff(failures, first ?? MINUTE / 2, HOUR)
  // The jitter only adds time: an earlier attempt could exceed the rate limit.
  return Math.max(jittered(usual * 1.1, 0.09), Math.min(retryAfter, LONGEST_RETRY_AFTER))
}

/** Retry-After (RFC 9110 section 10.2.3) in milliseconds from now; undefined if it is missing, in the past or no such value. */
export function retryAfterOf (value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now
  return wait > 0 ? Math.min(wait, LONGEST_RETRY_AFTER) : undefined
}
