/**
 * Tells an allowed list from a revocation list. Lines of `tbs:` and `spki:` may be in both, and mean the opposite: `revoke` with
 * the wrong list would let the client in.
 */
import { errors, located } from '../errors.js'
import type { ParsedList } from '../revocation/list/list-file.js'

/** What only an allowed list has. */
const RULE = /^[ \t]*(?:(?:uri|dns|email|ip|cn):|(?:tbs|spki):[^ \t]+[ \t]+(?:issuer|role)=|#.*, allowed on \d{4}-\d\d-\d\d[ \t]*$)/
/** A source of a revocation list, for example `cdp:` or `https://`. */
const SOURCE = /^[ \t]*(?:cdp:|[a-z][a-z0-9+.-]*:\/\/)/i
/** The comment of `revoke`. */
export const REVOKED = /^[ \t]*#.*, revoked on \d{4}-\d\d-\d\d[ \t]*$/

/**
 * @param parsed its lines, read as those of a revocation list
 * @param what what the list is called in messages
 * @throws FST_ENDPOINT_LIST_UNWRITABLE if they are those of an allowed list
 */
export function refuseAllowedList (bytes: Buffer, { entries }: ParsedList, what: string): void {
  // No allowed list has these. Without them, a wrong line must not keep anybody from revoking.
  if (entries.some(({ kind }) => kind === 'pattern' || kind === 'serial') || linesOf(bytes).some((line) => SOURCE.test(line))) return
  refuse(bytes, RULE, what, 'is for an allowed list, which lets clients in: name the revokedFile instead')
}

/** @throws FST_ENDPOINT_LIST_UNWRITABLE if `revoke` has written to the list */
export function refuseRevocationList (bytes: Buffer, what: string): void {
  refuse(bytes, REVOKED, what, 'is for a revocation list: name the allowedFile instead')
}

function refuse (bytes: Buffer, mark: RegExp, what: string, why: string): void {
  const line = linesOf(bytes).findIndex((text) => mark.test(text)) + 1
  if (line > 0) throw located(new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, `its line ${line} ${why}`), { line })
}

function linesOf (bytes: Buffer): string[] {
  return bytes.toString('utf8').replace(/^\ufeff/, '').split(/\r\n|[\n\r]/)
}
