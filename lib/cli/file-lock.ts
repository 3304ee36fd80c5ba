/**
 * A lock for a file that programs replace by a rename. If two of them read the file at the same time, the second rename
 * would lose what the first one wrote. The owner checks before it renames whether it still has the lock.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { type ExistingLock, hasEnded, LockFile } from '../lock-file.js'
import { quotePath } from '../text/printable.js'

export interface Lock {
  /** Whether this process still owns the lock. */
  isOwned (): Promise<boolean>
}

/** Milliseconds to wait for a lock. A revocation takes a few. */
const PATIENCE = 10_000
const INTERVAL = 20
/** Milliseconds after which a lock without an owner belongs to a process that died while writing it. */
const LONGEST_WRITE = 5000

/**
 * Runs `work` while no other process has the lock.
 * @param path of the lock
 * @param what names the locked file in messages
 * @throws FST_ENDPOINT_LIST_UNWRITABLE if another process keeps the lock for too long; what `work` throws
 */
export async function withLock<T> (path: string, what: string, work: (lock: Lock) => Promise<T>, patience = PATIENCE): Promise<T> {
  const lock = new LockFile(path)
  await acquire(lock, what, Date.now() + patience)
  try {
    return await work({ isOwned: () => lock.isOwned() })
  } finally {
    await lock.release()
  }
}

async function acquire (lock: LockFile, what: string, until: number): Promise<void> {
  while (!await lock.create()) {
    const found = await lock.look()
    if (found === undefined) continue
    if (isAbandoned(found)) await lock.remove(found)
    else if (Date.now() > until) {
      throw located(
        new errors.FST_ENDPOINT_LIST_UNWRITABLE(
          what, `${holderOf(found)} is changing it. If that process has died, remove ${quotePath(lock.path)}`
        ),
        { file: lock.path }
      )
    } else await wait(INTERVAL)
  }
}

function isAbandoned ({ owner, modified }: ExistingLock): boolean {
  return owner === undefined ? Date.now() - modified > LONGEST_WRITE : hasEnded(owner)
}

function holderOf ({ owner }: ExistingLock): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`
}
