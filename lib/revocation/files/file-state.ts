/** What is known of one file of a list. If it cannot be read, it keeps what it held when it was last good. */
import { errors, located } from '../../errors.js'
import { type FileSignature, sameSignature } from '../../files.js'
import type { Authorities } from '../../x509/authorities.js'
import type { FileHost } from './host.js'
import { isRacy, type Observation } from '../../watching/observation.js'
import type { FileRevocations } from './file-content.js'

export interface FileState {
  /** The patterns that name it, by their places in the request. */
  readonly named: readonly number[]
  readonly good: LastGood | undefined
  /** What is wrong with parts of its last good content. */
  readonly remarks: Pick<FileRevocations, 'problems' | 'warnings'>
  /** Why its content now does not count. */
  readonly problem: Error | undefined
  /** Whether it was not there when it was to be read, and is not reported. */
  readonly isGone: boolean
}

/** The file as it was when it was last good, without what it revokes. */
interface LastGood {
  readonly signature: FileSignature
  /** The digest of the authorities that its CRLs were verified with; undefined if it holds none. */
  readonly authorities: string | undefined
  /** Whether it was read so shortly after a change that the signature may hide another; see `isRacy`. */
  readonly racy: boolean
}

interface RefreshOptions {
  readonly host: FileHost
  /** What the file is called in messages. */
  readonly what: string
  /** Bytes. */
  readonly limit: number
  /** The most entries that a CRL may have. */
  readonly entries: number
  readonly authorities: Authorities
  /** Whether the file stops to revoke anything if it is not there. */
  readonly mayVanish: boolean
}

interface Refreshed {
  /** The file as it was just before. */
  readonly seen: Observation
  readonly state: FileState
  /** What it revokes; undefined if that is what it was, or taken to be. */
  readonly content?: FileRevocations
}

export const NO_REMARKS = { problems: [], warnings: [] }
export const UNREAD: FileState = { named: [], good: undefined, remarks: NO_REMARKS, problem: undefined, isGone: false }

/** Reads a file if it has changed. Never rejects; the problems are those of `readSettledFile` and `readRevocationFile`. */
export async function refreshFile (path: string, before: FileState, options: RefreshOptions): Promise<Refreshed> {
  const { host, what, limit, entries, authorities, mayVanish } = options
  const { named, good } = before
  const seen = await host.look(path)
  const keep = (problem?: Error): Refreshed => ({ seen, state: { ...before, problem, isGone: false } })
  if ('error' in seen && seen.error === 'ENOENT' && await host.isGone(path)) {
    // The name of a file that is not UTF-8 is not found again by the name that the folder gave.
    if (path.includes('\ufffd')) return keep(located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, 'its name is not UTF-8: rename it'), { file: path }))
    return mayVanish ? { seen, state: { ...UNREAD, named, isGone: true } } : keep()
  }
  if (good !== undefined && isUnchanged(good, seen, authorities)) return keep()
  try {
    if ('signature' in seen) host.expect(Number(seen.signature.size))
    const { bytes, signature } = await host.read(path, { what, limit, limitName: 'limits.fileBytes' })
    const racy = isRacy(signature)
    const content = await host.revocations({ bytes, what, location: { file: path }, authorities, limit: entries })
    const { crls, problems, warnings } = content
    const verifiedWith = crls.length > 0 || problems.length > 0 ? authorities.digest : undefined
    const remarks = problems.length > 0 || warnings.length > 0 ? { problems, warnings } : NO_REMARKS
    const last = { signature: shared(signature, seen), racy, authorities: verifiedWith }
    return { seen, content, state: { named, good: last, remarks, problem: undefined, isGone: false } }
  } catch (thrown) {
    return keep(thrown as Error)
  }
}

function isUnchanged ({ racy, signature, authorities }: LastGood, seen: Observation, { digest }: Authorities): boolean {
  if (racy || !('signature' in seen) || !sameSignature(signature, seen.signature)) return false
  // Other authorities sign other CRLs.
  return authorities === undefined || authorities === digest
}

/** Of two that are the same only one is kept in memory. */
function shared (signature: FileSignature, seen: Observation): FileSignature {
  return 'signature' in seen && sameSignature(signature, seen.signature) ? seen.signature : signature
}
