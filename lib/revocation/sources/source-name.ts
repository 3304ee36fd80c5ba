/**
 * What a line of the list that names a source is called in messages.
 *
 * Such a line may hold a user, a password, or a token in its query. A name has none of them.
 */

/** The line without credentials, query and fragment. */
export function sourceName (line: string): string {
  const url = URL.canParse(line) ? new URL(line) : undefined
  if (url === undefined || url.host === '') return `${line.slice(0, line.indexOf(':'))}:…`
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** A text that somebody else has made, for a message: without what may be credentials in a URL, and not endless. */
export function withoutCredentials (text: string): string {
  return text.replace(/\/\/[^\s/@]*@/g, '//').replace(/\?\S*/g, '').replace(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_REASON)
}

const LONGEST_REASON = 300
