/**
 * A file that a pattern matched, read only if it changed. What it held when it was last good stays in the
 * place of what cannot be read.
 */
import { errors, located } from '../../errors.js'
import { type FileSignature, sameSignature } from '../../files.js'
import type { SignerSet } from '../../x509/signers.js'
import type { FileHost } from './host.js'
import { isRacy, type Observation } from '../../watching/observation.js'
import type { FileRevocations } from './file-content.js'

/** The state of a file that was last good, without what it revokes. */
export interface GoodState {
  readonly signature: FileSignature
  /** The digest of the authorities that its CRLs were verified with; undefined if it holds none. */
  readonly authorities: string | undefined
  /** Whether it was read so shortly after a change that the signature may hide another; see `isRacy`. */
  readonly racy: boolean
}

export interface MatchedFileOptions {
  readonly host: FileHost
  /** What the file is called in messages. */
  readonly what: string
  /** Bytes. */
  readonly limit: number
  /** The most entries that a CRL may have. */
  readonly entries: number
  readonly authorities: SignerSet
  /** Whether the file stops to revoke anything if it is not there. */
  readonly mayVanish: boolean
  readonly before: GoodState | undefined
}

/** What has become of a file. */
export interface MatchedFile {
  /** It as it was just before. */
  readonly seen: Observation
  /** It was taken away, and revokes nothing any more. */
  readonly isGone: boolean
  readonly good?: GoodState
  /** What it revokes; undefined if it is as it was, or taken to be. */
  readonly content?: FileRevocations
  readonly problem?: Error
}

/** Reads a matched file. Never rejects; the problems are those of `readSettledFile` and `readRevocationFile`. */
export async function readMatchedFile (path: string, reading: MatchedFileOptions): Promise<MatchedFile> {
  const { host, what, limit, entries, authorities, mayVanish, before } = reading
  const seen = await host.look(path)
  const kept = { seen, isGone: false, ...(before !== undefined && { good: before }) }
  if ('error' in seen && seen.error === 'ENOENT' && await host.isGone(path)) {
    // The name of a file that is not UTF-8 is not found again by the name that the folder gave.
    if (path.includes('\ufffd')) return { ...kept, problem: unnameable(path, what) }
    return mayVanish ? { seen, isGone: true } : kept
  }
  if (before !== undefined && isUnchanged(before, seen, authorities)) return kept
  try {
    if ('signature' in seen) host.expect(Number(seen.signature.size))
    const { bytes, signature } = await host.read(path, { what, limit, limitName: 'limits.fileBytes' })
    const racy = isRacy(signature)
    const content = await host.revocations({ bytes, what, location: { file: path }, authorities, limit: entries })
    const hasCrls = content.crls.length > 0 || content.problems.length > 0
    return { seen, isGone: false, content, good: { signature: shared(signature, seen), racy, authorities: hasCrls ? authorities.digest : undefined } }
  } catch (thrown) {
    return { ...kept, problem: thrown as Error }
  }
}

function isUnchanged ({ racy, signature, authorities }: GoodState, seen: Observation, { digest }: SignerSet): boolean {
  if (racy || !('signature' in seen) || !sameSignature(signature, seen.signature)) return false
  // Other authorities sign other CRLs.
  return authorities === undefined || authorities === digest
}

/** Of two that are the same only one is kept in memory. */
function shared (signature: FileSignature, seen: Observation): FileSignature {
  return 'signature' in seen && sameSignature(signature, seen.signature) ? seen.signature : signature
}

function unnameable (path: string, what: string): Error {
  return located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, 'its name is not UTF-8: rename it'), { file: path })
}
