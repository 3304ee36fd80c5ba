/**
 * When to request an HTTP source again: when its response becomes stale (RFC 9111 section 4.2) or at the nextUpdate of
 * its CRL, whichever comes first, within a minimum and a maximum.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { jittered } from '../../../watching/backoff.js'
import { DerCursor, GENERALIZED_TIME, INTEGER, isDer, SEQUENCE, UTC_TIME } from '../../../x509/der.js'
import { secondsOf } from '../../../x509/time.js'

export interface WaitLimits {
  /** Milliseconds. */
  readonly floor: number
  readonly ceiling: number
}

/** Jitter as a part of the delay: a fleet that started at the same moment must not send all requests at once. */
const JITTER = 0.1

/**
 * Milliseconds to wait.
 *
 * @param nextUpdate in milliseconds since 1970
 * @param random from 0 to 1
 */
export function waitFor (
  headers: IncomingHttpHeaders, nextUpdate: number | undefined, { floor, ceiling }: WaitLimits, now: number, random: number
): number {
  const known = [lifetimeOf(headers, now), nextUpdate === undefined
    ? undefined
    : nextUpdate - now].filter((time) => time !== undefined && !Number.isNaN(time)) as number[]
  const wait = Math.min(Math.max(Math.min(...known), floor), ceiling)
  return Math.round(jittered(wait, JITTER, random))
}

function lifetimeOf ({ 'cache-control': control = '', age = '0', expires, date }: IncomingHttpHeaders, now: number): number | undefined {
  if (/(?:^|[,\s])(?:no-cache|no-store)\b/i.test(control)) return 0
  const [, seconds] = /(?:^|[,\s])max-age="?([0-9]{1,10})/i.exec(control) ?? []
  if (seconds !== undefined) return (Number(seconds) - (/^[0-9]{1,10}$/.test(age) ? Number(age) : 0)) * 1000
  if (expires === undefined) return undefined
  const base = date === undefined ? now : Date.parse(date)
  // RFC 9111 section 5.3: an invalid date counts as one in the past.
  const ends = Date.parse(expires)
  return Number.isNaN(ends) ? 0 : ends - (Number.isNaN(base) ? now : base)
}

/** Bytes of a PEM file in which its first CRL says when the next comes. */
const HEAD = 8192

/** nextUpdate of the first CRL, in milliseconds since 1970; undefined where there is none. It is not verified. */
export function nextUpdateOf (bytes: Buffer): number | undefined {
  const der = isDer(bytes) ? bytes : firstPemBlock(bytes)
  try {
    const at = new DerCursor()
    at.expectTag(der, 0, Infinity, SEQUENCE)
    at.expectTag(der, at.content, Infinity, SEQUENCE)
    at.read(der, at.content, Infinity)
    // RFC 5280 section 5.1: an optional version, the algorithm, the issuer, thisUpdate, nextUpdate.
    if (at.tag === INTEGER) at.read(der, at.end, Infinity)
    at.read(der, at.end, Infinity)
    at.read(der, at.end, Infinity)
    if (at.tag !== UTC_TIME && at.tag !== GENERALIZED_TIME) return undefined
    at.read(der, at.end, Infinity)
    const seconds = secondsOf(der, at)
    return Number.isNaN(seconds) ? undefined : seconds * 1000
  } catch {
    return undefined
  }
}

function firstPemBlock (bytes: Buffer): Buffer {
  const [, base64 = ''] = /-----BEGIN X509 CRL-----\s+([A-Za-z0-9+/=\s]*)/.exec(bytes.toString('latin1', 0, HEAD)) ?? []
  return Buffer.from(base64, 'base64')
}
