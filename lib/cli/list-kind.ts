/**
 * Tells an allowed list from a revocation list. Lines of `tbs:` and `spki:` may be in both, with opposite meanings:
 * `revoke` with the wrong list would let the client in.
 */
import { errors, located } from '../errors.js'
import { LIST_FILE_LIMIT, readSettledFile } from '../files.js'
import { type ParsedList, parseList } from '../revocation/list/list-file.js'
import { quotePath } from '../text/printable.js'
import { ALLOWED, REVOKED } from './list-comment.js'

/** Lines that only an allowed list has. */
const RULE = /^[ \t]*(?:(?:uri|dns|email|ip|cn):|(?:tbs|spki):[^ \t]+[ \t]+(?:issuer|role)=)/
/** Lines that only a revocation list has, besides patterns of files: a serial number, or a source, for example `https://`. */
const REVOCATION = /^[ \t]*(?:serial:|cdp:|[a-z][a-z0-9+.-]*:\/\/)/i

/** The kind of a list, and the first line that shows it. */
export interface ListKind {
  readonly kind: 'allowed' | 'revocation'
  /** From 1. */
  readonly line: number
}

/**
 * @param parsed its lines, read as those of a revocation list
 * @returns undefined if the list could be of both kinds
 */
export function kindOf (bytes: Buffer, { entries }: ParsedList): ListKind | undefined {
  const lines = linesOf(bytes)
  const find = (mark: (text: string) => boolean): number => lines.findIndex(mark) + 1
  const ofRevocation = entries.find(({ kind }) => kind === 'pattern')?.line ?? find((text) => REVOCATION.test(text))
  // An allowed list never has these. If there are none, an invalid line must not prevent a revocation.
  if (ofRevocation > 0) return { kind: 'revocation', line: ofRevocation }
  const ofRule = find((text) => RULE.test(text) || ALLOWED.test(text))
  if (ofRule > 0) return { kind: 'allowed', line: ofRule }
  const ofRevoke = find((text) => REVOKED.test(text))
  return ofRevoke > 0 ? { kind: 'revocation', line: ofRevoke } : undefined
}

/** The kind of a list in a file. The code that loads a file reports that it is unreadable. */
export async function kindOfFile (list: string): Promise<{ kind: ListKind | undefined, hasEntries: boolean }> {
  try {
    const { bytes } = await readSettledFile(list, { what: quotePath(list), limit: LIST_FILE_LIMIT })
    const parsed = parseList(bytes, quotePath(list))
    return { kind: kindOf(bytes, parsed), hasEntries: parsed.entries.length > 0 }
  } catch {
    return { kind: undefined, hasEntries: false }
  }
}

/**
 * @param parsed its lines, read as those of a revocation list
 * @param what what the list is called in messages
 * @throws FST_ENDPOINT_LIST_UNWRITABLE if they are those of an allowed list
 */
export function refuseAllowedList (bytes: Buffer, parsed: ParsedList, what: string): void {
  const found = kindOf(bytes, parsed)
  if (found?.kind === 'allowed') refuse(what, found.line, 'is for an allowed list, which lets clients in: name the revokedFile instead')
}

/** Lines that certainly belong to a revocation list. A URI of another scheme may be a rule whose `uri:` is missing. */
const SURE = /^[ \t]*(?:serial:|cdp:|(?:https?|rediss?):\/\/)/i

/** @throws FST_ENDPOINT_LIST_UNWRITABLE if `revoke` has written to the list, or it has lines that no allowed list has */
export function refuseRevocationList (bytes: Buffer, what: string): void {
  const line = linesOf(bytes).findIndex((text) => REVOKED.test(text) || SURE.test(text)) + 1
  if (line > 0) refuse(what, line, 'is for a revocation list: name the allowedFile instead')
}

function refuse (what: string, line: number, why: string): never {
  throw located(new errors.FST_ENDPOINT_LIST_UNWRITABLE(what, `its line ${line} ${why}`), { line })
}

function linesOf (bytes: Buffer): string[] {
  return bytes.toString('utf8').replace(/^\ufeff/, '').split(/\r\n|[\n\r]/)
}
