/**
 * The names of sources in messages, without secrets.
 *
 * A line with a source may hold a user, a password, or a token in its query. If / or @ in a password is not written as
 * %2F or %40, the address means something else, so the name then shows less rather than more.
 */
import type { ErrorLocation } from '../../errors.js'

/** The place of a line with a source. */
export interface LinePlace {
  /** What the line is called in messages. */
  readonly what: string
  readonly location: ErrorLocation
}

/** The line without credentials, query and fragment. */
export function sourceName (line: string): string {
  const url = URL.canParse(line) ? new URL(line) : undefined
  if (url === undefined || url.host === '') return `${line.slice(0, line.indexOf(':'))}:…`
  return url.pathname.includes('@') ? `${url.protocol}//…` : `${url.protocol}//${url.host}${url.pathname}`
}

/** A text from outside for a message: shortened, and without anything that may be credentials in a URL. */
export function withoutCredentials (text: string): string {
  const words = text.slice(0, LONGEST_TEXT).split(/\s+/)
  // The cut word may have lost the @ that ends credentials.
  if (text.length > LONGEST_TEXT) words.pop()
  return words.map(redacted).join(' ').replace(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_REASON)
}

const LONGEST_TEXT = 100_000
const LONGEST_REASON = 300

function redacted (word: string): string {
  const at = word.lastIndexOf('@')
  const query = word.search(/[?#]/)
  if (at < 0) return query < 0 ? word : word.slice(0, query)
  const [scheme = ''] = /^[^\w/]{0,3}(?:[a-z][a-z0-9+.-]{0,30}:)?\/\//i.exec(word) ?? []
  // The ? may belong to a password, or the @ to a query.
  if (query >= 0 && query < at) return `${scheme}...`
  return scheme + word.slice(at + 1, query < 0 ? word.length : query)
}
