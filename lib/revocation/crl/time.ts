/** The two time types of certificates and CRLs. */
import { GENERALIZED_TIME, invalid, UTC_TIME, type DerElement } from '../der.js'

/**
 * Seconds since 1970 of a UTCTime or a GeneralizedTime, as RFC 5280 sections 4.1.2.5.1 and 4.1.2.5.2 allow
 * them: to the second, in GMT. Done for every entry of a CRL, so nothing is made on the way.
 *
 * @throws FST_ENDPOINT_DER_INVALID for anything else, also for a day that no calendar has
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
    throw invalid('a time that is neither YYMMDDHHMMSSZ nor YYYYMMDDHHMMSSZ')
  }
  const month = digits(bytes, place)
  const day = digits(bytes, place + 2)
  const hour = digits(bytes, place + 4)
  const minute = digits(bytes, place + 6)
  const second = digits(bytes, place + 8)
  const isClock = hour < 24 && minute < 60 && second < 60
  if (!isClock || month < 1 || month > 12 || day < 1 || day > daysIn(month, year) || bytes[place + 10] !== 0x5a) {
    throw invalid('a time that is none')
  }
  return ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
}

function digits (bytes: Uint8Array, place: number): number {
  const tens = (bytes[place] as number) - 0x30
  const ones = (bytes[place + 1] as number) - 0x30
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) throw invalid('a time with something else than digits')
  return tens * 10 + ones
}

function daysIn (month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** The Gregorian calendar with its years begun in March, so that the leap day is the last. */
function daysSince1970 (year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1
  const monthFromMarch = month > 2 ? month - 3 : month + 9
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  return shifted * 365 + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) + day - 719_469
}
