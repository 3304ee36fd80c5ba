/**
 * A lock for a file that programs replace by a rename. If two of them read the file at the same time, the second rename
 * would lose what the first one wrote.
 *
 * The lock is a file that only one process can create. A process that dies leaves it behind, and the next one removes
 * it, if the owner ran on this machine. Two processes may do so at once, and one of them may move away the other's new
 * lock. It puts that lock back. The owner checks before it renames whether it still has the lock.
 */
import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { isSystemError } from '../files.js'
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

/** Tokens of this process's locks. The pid is not enough: in every container the first process has the same one. */
const ownTokens = new Set<string>()

/**
 * Runs `work` while no other process has the lock.
 * @param path of the lock
 * @param what names the locked file in messages
 * @throws FST_ENDPOINT_LIST_UNWRITABLE if another process keeps the lock for too long; what `work` throws
 */
export async function withLock<T> (path: string, what: string, work: (lock: Lock) => Promise<T>, patience = PATIENCE): Promise<T> {
  const token = randomUUID()
  ownTokens.add(token)
  try {
    await acquire(path, what, token, Date.now() + patience)
    const isOwned = async (): Promise<boolean> => (await look(path))?.owner?.token === token
    try {
      return await work({ isOwned })
    } finally {
      if (await isOwned()) await unlink(path).catch(ignoreMissing)
    }
  } finally {
    ownTokens.delete(token)
  }
}

interface Owner {
  readonly token: string
  readonly pid: number
  readonly host: string
}

/** A lock that exists. */
interface ExistingLock {
  /** Undefined while it is being written. */
  readonly owner: Owner | undefined
  readonly text: string
  readonly modified: number
}

async function acquire (path: string, what: string, token: string, until: number): Promise<void> {
  const owner: Owner = { token, pid: process.pid, host: hostname() }
  while (true) {
    try {
      return await create(path, JSON.stringify(owner))
    } catch (thrown) {
      if (!isSystemError(thrown) || thrown.code !== 'EEXIST') throw thrown
    }
    const found = await look(path)
    if (found === undefined) continue
    if (isAbandoned(found)) await removeAbandoned(path, found)
    else if (Date.now() > until) {
      throw located(
        new errors.FST_ENDPOINT_LIST_UNWRITABLE(
          what, `${holderOf(found)} is changing it. If that process has died, remove ${quotePath(path)}`
        ),
        { file: path }
      )
    } else await wait(INTERVAL)
  }
}

async function create (path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
  } catch (thrown) {
    // For example on a full disk. The next process would wait for a lock without an owner.
    await unlink(path).catch(() => {})
    throw thrown
  } finally {
    await handle.close()
  }
}

async function look (path: string): Promise<ExistingLock | undefined> {
  try {
    const text = await readFile(path, 'utf8')
    const { mtimeMs } = await stat(path)
    return { text, owner: ownerIn(text), modified: mtimeMs }
  } catch (thrown) {
    ignoreMissing(thrown)
    return undefined
  }
}

function ownerIn (text: string): Owner | undefined {
  try {
    const { token, pid, host } = JSON.parse(text) as Partial<Owner>
    return typeof token === 'string' && typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof host === 'string'
      ? { token, pid, host }
      : undefined
  } catch {
    return undefined
  }
}

function isAbandoned ({ owner, modified }: ExistingLock): boolean {
  if (owner === undefined) return Date.now() - modified > LONGEST_WRITE
  if (owner.host !== hostname() || ownTokens.has(owner.token)) return false
  return owner.pid === process.pid || !isAlive(owner.pid)
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Moves the lock to a unique name first, to check there whether it is still the abandoned one. */
async function removeAbandoned (path: string, found: ExistingLock): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    if (await readFile(aside, 'utf8') !== found.text) await link(aside, path)
  } catch (thrown) {
    if (!isSystemError(thrown) || (thrown.code !== 'ENOENT' && thrown.code !== 'EEXIST')) throw thrown
  } finally {
    await unlink(aside).catch(ignoreMissing)
  }
}

function holderOf ({ owner }: ExistingLock): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`
}

function ignoreMissing (thrown: unknown): void {
  if (!isSystemError(thrown) || thrown.code !== 'ENOENT') throw thrown
}
