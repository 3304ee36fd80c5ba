/**
 * A lock beside a file, for programs that change it by a rename: of two that read it at the same time, the second
 * rename would lose what the first has written.
 *
 * The lock is a file that only one can create. Who has died leaves it behind: then it is taken away, if the
 * process was one of this machine. Somebody else may see the same and take away the lock of the next one instead, which
 * is put back; and in case that this one has lost it meanwhile, it is asked for once more before it counts.
 */
import { randomUUID } from 'node:crypto'
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { errors, located } from '../errors.js'
import { isSystemError } from '../files.js'
import { quotePath } from '../text/printable.js'

export interface Lock {
  /** Whether nobody has taken it away. */
  isHeld (): Promise<boolean>
}

/** Milliseconds for which a lock is waited for. A revocation takes a few. */
const PATIENCE = 10_000
const INTERVAL = 20
/** Milliseconds after which a lock without an owner is that of a process that died while it wrote it. */
const LONGEST_WRITE = 5000

/** Locks of this process, which is alive whatever its number says: in containers every first process has the same. */
const held = new Set<string>()

/**
 * Does something while no other process does.
 * @param path of the lock
 * @param what what is locked, for messages
 * @throws FST_ENDPOINT_LIST_UNWRITABLE if it is held for too long; what `work` throws
 */
export async function withLock<T> (path: string, what: string, work: (lock: Lock) => Promise<T>, patience = PATIENCE): Promise<T> {
  const token = randomUUID()
  held.add(token)
  try {
    await acquire(path, what, token, Date.now() + patience)
    const isHeld = async (): Promise<boolean> => (await look(path))?.owner?.token === token
    try {
      return await work({ isHeld })
    } finally {
      if (await isHeld()) await unlink(path).catch(ignoreMissing)
    }
  } finally {
    held.delete(token)
  }
}

interface Owner {
  readonly token: string
  readonly pid: number
  readonly host: string
}

/** A lock that is there. */
interface Found {
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
    if (isAbandoned(found)) await takeAway(path, found)
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
    // On a full disk: the next one would wait for a lock that nobody has.
    await unlink(path).catch(() => {})
    throw thrown
  } finally {
    await handle.close()
  }
}

async function look (path: string): Promise<Found | undefined> {
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

function isAbandoned ({ owner, modified }: Found): boolean {
  if (owner === undefined) return Date.now() - modified > LONGEST_WRITE
  if (owner.host !== hostname() || held.has(owner.token)) return false
  return owner.pid === process.pid || !isAlive(owner.pid)
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Under a name of its own first, where it can be seen whether it is the one that was meant. */
async function takeAway (path: string, found: Found): Promise<void> {
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

function holderOf ({ owner }: Found): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`
}

function ignoreMissing (thrown: unknown): void {
  if (!isSystemError(thrown) || thrown.code !== 'ENOENT') throw thrown
}
