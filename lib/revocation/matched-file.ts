/**
 * A file that a pattern matched, read only if it changed, with its last good content in the place of
 * what cannot be read.
 */
import { lstat } from 'node:fs/promises'
import { errors, located } from '../errors.js'
import { type FileSignature, readSettledFile, sameSignature } from '../files.js'
import { readRevokedCertificates } from './certificate-files.js'
import { isFresh, observe, type Observation } from './observation.js'

/** What a file revokes. */
export interface FileContent {
  /** The `tbs` of each certificate. */
  readonly tbs: readonly string[]
  readonly signature: FileSignature
  /** Whether it was read so shortly after a change that the signature may hide another; see `isFresh`. */
  readonly fresh: boolean
}

export interface MatchedFileReading {
  /** What the file is called in messages. */
  what: string
  /** Bytes. */
  limit: number
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

/** Reads a matched file. Never rejects; the problems are those of `readSettledFile` and `readRevokedCertificates`. */
export async function readMatchedFile (path: string, reading: MatchedFileReading): Promise<MatchedFile> {
  const { what, limit, observed, mayVanish, before } = reading
  const seen = await observe(path, observed)
  const kept = before === undefined ? {} : { content: before }
  if ('error' in seen && seen.error === 'ENOENT' && await isGone(path)) {
    // The name of a file that is not UTF-8 is not found again by the name that the folder gave.
    if (path.includes('\ufffd')) return { ...kept, problem: unnameable(path, what) }
    return mayVanish ? {} : kept
  }
  if (before !== undefined && !before.fresh && 'signature' in seen && sameSignature(before.signature, seen.signature)) return kept
  try {
    const { bytes, signature } = await readSettledFile(path, { what, limit, limitName: 'limits.fileBytes' })
    const fresh = isFresh(signature)
    const tbs = readRevokedCertificates(bytes, what, { file: path }).map((identity) => identity.tbs)
    return { content: { tbs, signature, fresh } }
  } catch (thrown) {
    return { ...kept, problem: thrown as Error }
  }
}

/** Whether there is nothing, not even a link that leads nowhere. */
async function isGone (path: string): Promise<boolean> {
  return await lstat(path).then(() => false, () => true)
}

function unnameable (path: string, what: string): Error {
  return located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, 'its name is not UTF-8: rename it'), { file: path })
}
