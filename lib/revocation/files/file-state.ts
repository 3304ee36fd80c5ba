/** The state of one file of a list. While it cannot be read, its last good content counts. */
import { errors, located } from '../../errors.js'
import { type FileSignature, sameSignature } from '../../files.js'
import type { Authorities } from '../../x509/authorities.js'
import type { FileHost } from './host.js'
import { isRacy, type Observation } from '../../watching/observation.js'
import type { FileRevocations } from './file-content.js'

export interface FileState {
  /** The indexes of the patterns that match it. */
  readonly namedBy: readonly number[]
  readonly good: LastGood | undefined
  /** Problems and warnings of its last good content. */
  readonly remarks: Pick<FileRevocations, 'problems' | 'warnings'>
  /** Why its present content does not count. */
  readonly problem: Error | undefined
  /** Whether it had disappeared before it could be read, so that it is not reported. */
  readonly isGone: boolean
}

/** A file when it was last good, without what it revokes. */
interface LastGood {
  readonly signature: FileSignature
  /** The digest of the authorities that its CRLs were verified with; undefined if it holds none. */
  readonly authorities: string | undefined
  /** Whether it was read so soon after a change that the signature may hide another one; see `isRacy`. */
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
  /** Whether a missing file was removed, and revokes nothing more. */
  readonly mayVanish: boolean
}

interface Refreshed {
  /** The file as it was just before. */
  readonly observation: Observation
  readonly state: FileState
  /** What it revokes; undefined if its last good content still counts. */
  readonly content?: FileRevocations
}

export const NO_REMARKS = { problems: [], warnings: [] }
export const UNREAD: FileState = { namedBy: [], good: undefined, remarks: NO_REMARKS, problem: undefined, isGone: false }

/** Reads a file if it has changed. Never rejects: the problems are those of `readSettledFile` and `readRevocationFile`. */
export async function refreshFile (path: string, before: FileState, options: RefreshOptions): Promise<Refreshed> {
  const { host, what, limit, entries, authorities, mayVanish } = options
  const { namedBy, good } = before
  const observation = await host.look(path)
  const keep = (problem?: Error): Refreshed => ({ observation, state: { ...before, problem, isGone: false } })
  if ('error' in observation && observation.error === 'ENOENT' && await host.isGone(path)) {
    // A name that is not UTF-8 does not lead back to its file.
    if (path.includes('\ufffd')) return keep(unnameable(path, what))
    return mayVanish ? { observation, state: { ...UNREAD, namedBy, isGone: true } } : keep()
  }
  if (good !== undefined && isUnchanged(good, observation, authorities)) return keep()
  try {
    if ('signature' in observation) host.announce(Number(observation.signature.size))
    const { bytes, signature } = await host.read(path, { what, limit, limitName: 'limits.fileBytes' })
    const racy = isRacy(signature)
    const content = await host.revocations({ bytes, what, location: { file: path }, authorities, limit: entries })
    const { crls, problems, warnings } = content
    const verifiedWith = crls.length > 0 || problems.length > 0 ? authorities.digest : undefined
    const remarks = problems.length > 0 || warnings.length > 0 ? { problems, warnings } : NO_REMARKS
    const last = { signature: shared(signature, observation), racy, authorities: verifiedWith }
    return { observation, content, state: { namedBy, good: last, remarks, problem: undefined, isGone: false } }
  } catch (thrown) {
    return keep(thrown as Error)
  }
}

function isUnchanged ({ racy, signature, authorities }: LastGood, seen: Observation, { digest }: Authorities): boolean {
  if (racy || !('signature' in seen) || !sameSignature(signature, seen.signature)) return false
  // Other authorities verify other CRLs.
  return authorities === undefined || authorities === digest
}

/** Keeps one of two equal signatures in memory. */
function shared (signature: FileSignature, seen: Observation): FileSignature {
  return 'signature' in seen && sameSignature(signature, seen.signature) ? seen.signature : signature
}

function unnameable (path: string, what: string): Error {
  return located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, 'its name is not UTF-8: rename it'), { file: path })
}
