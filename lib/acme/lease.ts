/**
 * Lets one process of all that share a store order certificates.
 *
 * The lease is a file that only one process can create. Its owner touches it every few seconds. A lease is abandoned if its
 * owner ran on this machine and has ended, or if nobody has touched it for a while. That is measured by a clock of this
 * process that nobody can set, from when it first saw the file like that: so clocks of several nodes may differ, and jump.
 *
 * Whoever removes an abandoned lease moves it to a name of its own first. If that was already the new lease of another
 * process, it puts it back. So an owner must ask `isOwned` before each step that others would see.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { link, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import { isSystemError } from '../files.js'

interface Owner {
  readonly token: string
  readonly pid: number
  /** Where the pid counts. */
  readonly host: string
}

/**
 * This machine, as far as pids count. Containers may have the same host name, and the same pids: on Linux, the boot and the
 * namespace of the pids tell them apart.
 */
export const MACHINE = machine()

function machine (): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** Tokens of this process. The pid is not enough: in every container the first process has the same one. */
const ownTokens = new Set<string>()

export class Lease {
  readonly #path: string
  readonly #life: number
  #token: string | undefined
  #beat: NodeJS.Timeout | undefined
  /** The lease of another process, and since when it has not changed. */
  #seen: { readonly what: string, readonly since: number } | undefined

  /** @param life milliseconds after which a lease that nobody touches is abandoned */
  constructor (path: string, life: number) {
    this.#path = path
    this.#life = life
  }

  /**
   * Tries to become the owner. Call it again after a while if another process is.
   * @throws the error of the system
   */
  async acquire (): Promise<boolean> {
    const token = randomUUID()
    if (!await this.#create(token) && !(await this.#removeAbandoned() && await this.#create(token))) return false
    this.#token = token
    this.#seen = undefined
    ownTokens.add(token)
    this.#beat = setInterval(() => { this.#touch().catch(() => {}) }, this.#life / 6).unref()
    return true
  }

  /** Whether this process still has it. */
  async isOwned (): Promise<boolean> {
    return this.#token !== undefined && ownerIn(await readFile(this.#path, 'utf8').catch(() => ''))?.token === this.#token
  }

  async release (): Promise<void> {
    clearInterval(this.#beat)
    const isOwned = await this.isOwned()
    if (this.#token !== undefined) ownTokens.delete(this.#token)
    this.#token = undefined
    if (isOwned) await rm(this.#path, { force: true }).catch(() => {})
  }

  async #create (token: string): Promise<boolean> {
    const owner: Owner = { token, pid: process.pid, host: MACHINE }
    try {
      const handle = await open(this.#path, 'wx', 0o600)
      try {
        await handle.writeFile(JSON.stringify(owner))
      } catch (thrown) {
        // For example on a full disk.
        await rm(this.#path, { force: true }).catch(() => {})
        throw thrown
      } finally {
        await handle.close()
      }
      return true
    } catch (thrown) {
      if (isSystemError(thrown) && thrown.code === 'EEXIST') return false
      throw thrown
    }
  }

  async #touch (): Promise<void> {
    if (!await this.isOwned()) return
    const now = new Date()
    await utimes(this.#path, now, now)
  }

  /** @returns whether there may be no lease now */
  async #removeAbandoned (): Promise<boolean> {
    const found = await this.#look()
    if (found === undefined) return true
    if (!this.#isAbandoned(found)) return false
    const aside = `${this.#path}.${randomUUID()}.new`
    try {
      await rename(this.#path, aside)
      if (await readFile(aside, 'utf8') !== found.text) await link(aside, this.#path)
    } catch (thrown) {
      if (!isSystemError(thrown) || (thrown.code !== 'ENOENT' && thrown.code !== 'EEXIST')) throw thrown
    } finally {
      await rm(aside, { force: true }).catch(() => {})
    }
    this.#seen = undefined
    return true
  }

  async #look (): Promise<{ readonly text: string, readonly modified: number } | undefined> {
    try {
      const text = await readFile(this.#path, 'utf8')
      return { text, modified: (await stat(this.#path)).mtimeMs }
    } catch (thrown) {
      if (isSystemError(thrown) && thrown.code === 'ENOENT') return undefined
      throw thrown
    }
  }

  #isAbandoned ({ text, modified }: { readonly text: string, readonly modified: number }): boolean {
    const owner = ownerIn(text)
    if (owner !== undefined && owner.host === MACHINE && !ownTokens.has(owner.token)) {
      if (owner.pid === process.pid || !isAlive(owner.pid)) return true
    }
    const what = `${text} ${modified}`
    if (this.#seen?.what !== what) this.#seen = { what, since: performance.now() }
    return performance.now() - this.#seen.since > this.#life
  }
}

/** Undefined while it is being written, and for what is no lease. */
function ownerIn (text: string): Owner | undefined {
  try {
    const { token, pid, host } = JSON.parse(text) as Partial<Owner>
    return typeof token === 'string' && Number.isSafeInteger(pid) && (pid as number) > 0 && typeof host === 'string'
      ? { token, pid: pid as number, host }
      : undefined
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
