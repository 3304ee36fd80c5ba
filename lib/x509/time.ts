/** The two time types of certificates and CRLs. */
import { GENERALIZED_TIME, UTC_TIME, type DerElement } from './der.js'

/**
 * Seconds since 1970 of a UTCTime or a GeneralizedTime in the form of RFC 5280 sections 4.1.2.5.1 and 4.1.2.5.2: to the
 * second, in GMT. NaN for anything else, also for an impossible date. It runs for every entry of a CRL, so it allocates
 * nothing.
 */
export function secondsOf (bytes: Uint8Array, { tag, content, end }: DerElement): number {
  let place = content
  let year: number
  if (tag === UTC_TIME && end - content === 13) {
    year = digits(bytes, place)
    // RFC 5280 section 4.1.2.5.1.
    year += year >= 50 ? 1900 : 2000
    place += 2
  } else if (tag === GENERALIZED_TIME && end - content === 15) {
    year = digits(bytes, place) * 100 + digits(bytes, place + 2)
    place += 4
  } else {
    return NaN
  }
  const month = digits(bytes, place)
  const day = digits(bytes, place + 2)
  const hour = digits(bytes, place + 4)
  const minute = digits(bytes, place + 6)
  const second = digits(bytes, place + 8)
  if (bytes[place + 10] !== 0x5a) return NaN
  return secondsSince1970(year, month, day, hour, minute, second)
}

/** X.680 allows more than RFC 5280: no seconds, no minutes, a fraction, no time zone, or an offset. */
const BEHIND_YEAR = '(\\d\\d)(\\d\\d)(\\d\\d)(?:(\\d\\d)(\\d\\d)?)?(?:[.,]\\d+)?(?:Z|([+-])(\\d\\d)(\\d\\d)?)?$'
const ANY_FORM: ReadonlyMap<number, RegExp> = new Map([
  [UTC_TIME, new RegExp(`^(\\d{2})${BEHIND_YEAR}`)],
  [GENERALIZED_TIME, new RegExp(`^(\\d{4})${BEHIND_YEAR}`)]
])
/** Longer than a time with an offset and nanoseconds. */
const LONGEST_TIME = 32

/**
 * As `secondsOf`, for a time in another form than RFC 5280 requires. Fractions are dropped, and a time without a zone counts
 * as GMT. NaN where it cannot be read.
 */
export function secondsOfAnyForm (bytes: Uint8Array, element: DerElement): number {
  const { tag, content, end } = element
  if (end - content > LONGEST_TIME) return NaN
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + content, end - content).toString('latin1')
  const [, years, month, day, hour, minute = '0', second = '0', sign, hours = '0', minutes = '0'] = ANY_FORM.get(tag)?.exec(text) ?? []
  if (years === undefined) return NaN
  const year = tag === GENERALIZED_TIME ? Number(years) : Number(years) + (Number(years) >= 50 ? 1900 : 2000)
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60 : 60)
  return secondsSince1970(year, Number(month), Number(day), Number(hour), Number(minute), Number(second)) - offset
}

/** NaN for an impossible time, and where any part is NaN. */
function secondsSince1970 (year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const isTime = hour < 24 && minute < 60 && second < 60 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(month, year)
  return isTime ? ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second : NaN
}

/** NaN unless both are digits. */
function digits (bytes: Uint8Array, place: number): number {
  const tens = (bytes[place] as number) - 0x30
  const ones = (bytes[place + 1] as number) - 0x30
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return NaN
  return tens * 10 + ones
}

function daysIn (month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Gregorian calendar with years that begin in March, so that the leap day is the last day. */
function daysSince1970 (year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1
  const monthFromMarch = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  return shifted * 365 + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) + day - 719_469
}
