/**
 * A look at a path: what stands there now, to be compared with what stood there before.
 *
 * Symbolic links are followed, so that a link, or a folder above, that is pointed elsewhere is a
 * change, as it is for whoever opens the path.
 */
import { type BigIntStats, stat } from 'node:fs'
import { type FileSignature, sameSignature, signatureOf } from '../files.js'

export type Observation = Present | Absent

export interface Present {
  readonly signature: FileSignature
  readonly kind: 'file' | 'folder' | 'other'
  /** See `isFresh`. */
  readonly fresh: boolean
}

export interface Absent {
  /** The code of the system's error, for example `ENOENT`. */
  readonly error: string
}

/** Milliseconds; well above the tick of the clock that file systems take their times from (1 to 10 ms). */
export const FRESH = 50

/** Looks at a path. Never rejects, and never blocks the event loop on a file system that hangs. */
export function look (path: string): Promise<Observation> {
  // Not the promise API: it costs four times as much, and this is done all the time.
  return new Promise((resolve) => {
    try {
      stat(path, { bigint: true }, (error, stats) => {
        resolve(error === null ? present(stats) : { error: error.code ?? 'UNKNOWN' })
      })
    } catch {
      resolve({ error: 'EINVAL' })
    }
  })
}

/**
 * Looks at a path and notes what was seen. Of several looks the first is kept: what came to stand there
 * later, something may have been read too early for.
 */
export async function observe (path: string, observed: Map<string, Observation>): Promise<Observation> {
  const seen = await look(path)
  if (!observed.has(path)) observed.set(path, seen)
  return seen
}

/** Whether a path that was looked at twice was in the same state. */
export function sameObservation (a: Observation | undefined, b: Observation | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if ('error' in a || 'error' in b) return 'error' in a && 'error' in b && a.error === b.error
  return sameSignature(a.signature, b.signature)
}

/**
 * Whether something was changed so shortly before (or, by clocks that differ, after) this moment that a
 * further change would leave it with the same signature. What was read then must be read again.
 */
export function isFresh ({ ctimeNs }: FileSignature): boolean {
  return Math.abs(Date.now() - Number(ctimeNs / 1_000_000n)) < FRESH
}

function present (stats: BigIntStats): Present {
  const signature = signatureOf(stats)
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
  return { signature, kind, fresh: isFresh(signature) }
}
