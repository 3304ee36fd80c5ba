/**
 * The state of a path, to compare with an earlier one.
 *
 * Symbolic links are followed. So a link, or a folder above, that leads elsewhere counts as a change, as it does for a
 * program that opens the path.
 */
import { type BigIntStats, stat, statSync } from 'node:fs'
import { type FileSignature, sameSignature, signatureOf } from '../files.js'

export type Observation = Present | Absent

export interface Present {
  readonly signature: FileSignature
  readonly kind: 'file' | 'folder' | 'other'
  /** See `isRacy`. */
  readonly racy: boolean
}

export interface Absent {
  /** The code of the system's error, for example `ENOENT`. */
  readonly error: string
}

/** Milliseconds; well above the tick of the clock of file systems (1 to 10 ms). */
export const RACY = 50

const BIGINT = { bigint: true } as const

/** Looks at a path. Never rejects, and never blocks the event loop on a file system that hangs. */
export function look (path: string): Promise<Observation> {
  // Not the promise API, which costs four times as much.
  return new Promise((resolve) => {
    try {
      stat(path, BIGINT, (error, stats) => resolve(error === null ? present(stats) : absent(error)))
    } catch {
      resolve({ error: 'EINVAL' })
    }
  })
}

/** The same, for a thread that may block. */
export function lookSync (path: string): Observation {
  try {
    return present(statSync(path, BIGINT))
  } catch (thrown) {
    const { code = 'UNKNOWN' } = thrown as NodeJS.ErrnoException
    return { error: code === 'ERR_INVALID_ARG_VALUE' ? 'EINVAL' : code }
  }
}

/**
 * Looks at a path and notes its state. Of several looks the first is kept: a reader may have seen the state before a
 * later one.
 */
export async function observe (path: string, observed: Map<string, Observation>): Promise<Observation> {
  const seen = await look(path)
  if (!observed.has(path)) observed.set(path, seen)
  return seen
}

/**
 * Looks at paths again, and gives those that have changed. This runs all the time, so it allocates nothing for a path
 * that has not.
 */
export function changesAmong (paths: readonly string[], before: ReadonlyMap<string, Observation>): Promise<Map<string, Observation>> {
  return new Promise((resolve) => {
    const changes = new Map<string, Observation>()
    let left = paths.length
    for (const path of paths) {
      stat(path, BIGINT, (error, stats) => {
        const known = before.get(path)
        const isSame = known !== undefined && ('error' in known
          ? known.error === error?.code
          : error === null && sameSignature(known.signature, stats))
        if (!isSame) changes.set(path, error === null ? present(stats) : absent(error))
        if (--left === 0) resolve(changes)
      })
    }
  })
}

/** The same, for a thread that may block. */
export function changesAmongSync (paths: readonly string[], before: ReadonlyMap<string, Observation>): Map<string, Observation> {
  const changes = new Map<string, Observation>()
  for (const path of paths) {
    const seen = lookSync(path)
    if (!sameObservation(before.get(path), seen)) changes.set(path, seen)
  }
  return changes
}

/** Whether two observations of a path are of the same state. */
export function sameObservation (a: Observation | undefined, b: Observation | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if ('error' in a || 'error' in b) return 'error' in a && 'error' in b && a.error === b.error
  return sameSignature(a.signature, b.signature)
}

/**
 * Whether a file changed so shortly before this moment (or after it, if clocks differ) that another change could
 * leave the same signature. It must be read again.
 * @param within milliseconds between two times of the file system, with a margin
 */
export function isRacy ({ ctimeNs }: FileSignature, within = RACY): boolean {
  return Math.abs(Date.now() - Number(ctimeNs / 1_000_000n)) < within
}

/** Whether the look came so shortly after a change that another change could go unnoticed. */
export function isSeenRacy (seen: Observation): boolean {
  return 'racy' in seen && seen.racy
}

/** Whether any of them is racy. */
export function hasRacy (observed: ReadonlyMap<string, Observation>): boolean {
  for (const seen of observed.values()) {
    if (isSeenRacy(seen)) return true
  }
  return false
}

function absent ({ code = 'UNKNOWN' }: NodeJS.ErrnoException): Absent {
  return { error: code }
}

function present (stats: BigIntStats): Present {
  const signature = signatureOf(stats)
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other'
  return { signature, kind, racy: isRacy(signature) }
}
