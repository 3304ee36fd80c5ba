/**
 * A lock file: only one process can create it. If that process dies, the file stays, and another process removes it.
 *
 * If two processes remove the same abandoned lock, one of them could remove the new lock of the other. So each process first renames
 * the file to a unique name, and puts it back if it is not the abandoned lock. The owner must check `isOwned` before each step that is
 * visible to others.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isSystemError } from './files.js'

export interface LockOwner {
  readonly token: string
  readonly pid: number
  /** For messages. */
  readonly host: string
  /** The machine on which the pid is valid (see MACHINE); absent in locks of earlier versions. */
  readonly machine?: string
}

/** A lock that exists. */
export interface ExistingLock {
  /** Undefined while the file is being written, or if it is not a lock. */
  readonly owner: LockOwner | undefined
  readonly text: string
  /** Milliseconds since 1970, by the clock of the file system. */
  readonly modified: number
}

/**
 * Identifies the machine or container whose pids this process sees. Containers may have the same host name and the same pids. On
 * Linux, the boot ID and the PID namespace distinguish them.
 */
export const MACHINE = machine()

function machine (): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** The tokens of this process. The pid is not enough, because the first process of each container has the same pid. */
const ownTokens = new Set<string>()

export class LockFile {
  readonly path: string
  /** Set while this object owns the lock, as far as it knows. */
  #token: string | undefined

  constructor (path: string) {
    this.path = path
  }

  /**
   * Tries to become the owner.
   * @returns false if there is a lock already
   * @throws the error of the system
   */
  async create (): Promise<boolean> {
    const token = randomUUID()
    const owner: LockOwner = { token, pid: process.pid, host: hostname(), machine: MACHINE }
    ownTokens.add(token)
    try {
      const handle = await open(this.path, 'wx', 0o600)
      try {
        await handle.writeFile(JSON.stringify(owner))
      } catch (thrown) {
        // The disk may be full. An empty lock has no owner, so the next process could not see that it is abandoned.
        await rm(this.path, { force: true }).catch(() => {})
        throw thrown
      } finally {
        await handle.close()
      }
      this.#token = token
      return true
    } catch (thrown) {
      ownTokens.delete(token)
      if (isSystemError(thrown) && thrown.code === 'EEXIST') return false
      throw thrown
    }
  }

  /** Whether this object still owns it. */
  async isOwned (): Promise<boolean> {
    return this.#token !== undefined && (await this.look().catch(() => undefined))?.owner?.token === this.#token
  }

  /** Removes it, unless another process has taken it over. */
  async release (): Promise<void> {
    const token = this.#token
    this.#token = undefined
    if (token === undefined) return
    try {
      const found = await this.look()
      if (found?.owner?.token === token) await this.remove(found)
    } finally {
      ownTokens.delete(token)
    }
  }

  /** Undefined if there is none. */
  async look (): Promise<ExistingLock | undefined> {
    try {
      const text = await readFile(this.path, 'utf8')
      return { text, owner: ownerIn(text), modified: (await stat(this.path)).mtimeMs }
    } catch (thrown) {
      if (isSystemError(thrown) && thrown.code === 'ENOENT') return undefined
      throw thrown
    }
  }

  /** Removes the given lock. If another lock has replaced it, that one stays. */
  async remove ({ text }: ExistingLock): Promise<void> {
    const aside = `${this.path}.${randomUUID()}.new`
    try {
      await rename(this.path, aside)
      if (await readFile(aside, 'utf8') !== text) await link(aside, this.path)
    } catch (thrown) {
      if (!isSystemError(thrown) || (thrown.code !== 'ENOENT' && thrown.code !== 'EEXIST')) throw thrown
    } finally {
      await rm(aside, { force: true }).catch(() => {})
    }
  }
}

/** Whether the owner ran on this machine and has ended. */
export function hasEnded ({ token, pid, machine }: LockOwner): boolean {
  if (machine !== MACHINE || ownTokens.has(token)) return false
  return pid === process.pid || !isAlive(pid)
}

function ownerIn (text: string): LockOwner | undefined {
  try {
    const { token, pid, host, machine } = JSON.parse(text) as Partial<LockOwner>
    const isWhole = typeof token === 'string' && Number.isSafeInteger(pid) && (pid as number) > 0 && typeof host === 'string'
    return isWhole ? { token, pid: pid as number, host, ...(typeof machine === 'string' && { machine }) } : undefined
  } catch {
    return undefined
  }
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
