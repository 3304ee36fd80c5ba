/** The comments that `revoke` and `allow` write above the lines that they add, and by which they find these again. */
import { visible } from '../text/printable.js'

const LONGEST_NAME = 200

/** The comment of a certificate. It stays on one line, whatever the certificate contains. */
export function commentOf ({ name, date }: { readonly name: string, readonly date: string }, verb: 'revoked' | 'allowed'): string {
  const text = visible(name)
  return `# ${text.length <= LONGEST_NAME ? text : `${text.slice(0, LONGEST_NAME)}…`}, ${verb} on ${date}`
}

/** A line that is a comment of `revoke`. */
export const REVOKED = /^[ \t]*#.*, revoked on \d{4}-\d\d-\d\d\s*$/
/** A line that is a comment of `allow`. */
export const ALLOWED = /^[ \t]*#.*, allowed on \d{4}-\d\d-\d\d\s*$/
