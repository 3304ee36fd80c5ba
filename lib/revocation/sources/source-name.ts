/**
 * What a line of the list that names a source is called in messages.
 *
 * Such a line may hold a user, a password, or a token in its query. A name has none of them. Whoever has not written / or @
 * in a password as %2F or %40 has an address that says something else; it is better to show too little of it.
 */

/** The line without credentials, query and fragment. */
export function sourceName (line: string): string {
  const url = URL.canParse(line) ? new URL(line) : undefined
  if (url === undefined || url.host === '') return `${line.slice(0, line.indexOf(':'))}:…`
  return url.pathname.includes('@') ? `${url.protocol}//…` : `${url.protocol}//${url.host}${url.pathname}`
}

/** A text that somebody else has made, for a message: without what may be credentials in a URL, and not endless. */
export function withoutCredentials (text: string): string {
  const words = text.slice(0, LONGEST_TEXT).split(/\s+/)
  // What is cut may be the end of credentials, which tells where they begin.
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
  // Before the @ it may belong to a password, and behind it the @ to a query.
  if (query >= 0 && query < at) return `${scheme}...`
  return scheme + word.slice(at + 1, query < 0 ? word.length : query)
}
