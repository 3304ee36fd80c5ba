/**
 * A file that a pattern matched, read only if it changed, with its last good content in the place of
 * what cannot be read.
 */
import { lstat } from 'node:fs/promises'
import { errors, located } from '../errors.js'
import { type FileSignature, readSettledFile, sameSignature } from '../files.js'
import type { SignerSet } from './crl/signers.js'
import { isFresh, observe, type Observation } from '../watching/observation.js'
import type { ReaderThread } from './reader-thread.js'
import type { FileRevocations } from './revocation-file.js'

/** What a file revokes, and which state of it. */
export interface FileContent extends FileRevocations {
  readonly signature: FileSignature
  /** The digest of the authorities that its CRLs were verified with. */
  readonly authorities: string
  /** Whether it was read so shortly after a change that the signature may hide another; see `isFresh`. */
  readonly fresh: boolean
}

export interface MatchedFileReading {
  /** What the file is called in messages. */
  what: string
  /** Bytes. */
  limit: number
  /** The most entries that a CRL may have. */
  entries: number
  authorities: SignerSet
  reader: ReaderThread
  /** What is looked at is put in here. */
  observed: Map<string, Observation>
  /** Whether the file stops to revoke anything if it is not there. */
  mayVanish: boolean
  /** What it held when it was last good. */
  before: FileContent | undefined
}

export interface MatchedFile {
  /** What is in force; undefined if nothing is. */
  content?: FileContent
  problem?: Error
}

/** Reads a matched file. Never rejects; the problems are those of `readSettledFile` and `readRevocationFile`. */
export async function readMatchedFile (path: string, reading: MatchedFileReading): Promise<MatchedFile> {
  const { what, limit, entries, authorities, reader, observed, mayVanish, before } = reading
  const seen = await observe(path, observed)
  const kept = before === undefined ? {} : { content: before }
  if ('error' in seen && seen.error === 'ENOENT' && await isGone(path)) {
    // The name of a file that is not UTF-8 is not found again by the name that the folder gave.
    if (path.includes('\ufffd')) return { ...kept, problem: unnameable(path, what) }
    return mayVanish ? {} : kept
  }
  if (before !== undefined && isUnchanged(before, seen, authorities)) return kept
  try {
    if ('signature' in seen) reader.prepare(Number(seen.signature.size))
    const { bytes, signature } = await readSettledFile(path, { what, limit, limitName: 'limits.fileBytes' })
    const fresh = isFresh(signature)
    const found = await reader.read({ bytes, what, location: { file: path }, authorities, limit: entries })
    return { content: { ...found, signature, fresh, authorities: authorities.digest } }
  } catch (thrown) {
    return { ...kept, problem: thrown as Error }
  }
}

function isUnchanged ({ fresh, signature, crls, problems, authorities }: FileContent, seen: Observation, { digest }: SignerSet): boolean {
  if (fresh || !('signature' in seen) || !sameSignature(signature, seen.signature)) return false
  // Other authorities sign other CRLs.
  return authorities === digest || (crls.length === 0 && problems.length === 0)
}

/** Whether there is nothing, not even a link that leads nowhere. */
async function isGone (path: string): Promise<boolean> {
  return await lstat(path).then(() => false, () => true)
}

function unnameable (path: string, what: string): Error {
  return located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, 'its name is not UTF-8: rename it'), { file: path })
}
