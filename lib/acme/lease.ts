/**
 * Elects the process that orders certificates, among those that share a store.
 *
 * The owner renews the lease every few seconds. A lease is abandoned if its owner ran on this machine and has ended, or if it was not
 * renewed for a while. This process measures that time with its own monotonic clock, from when it first saw the file unchanged. So the
 * clocks of the nodes may differ, and may be set.
 */
import { utimes } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { type ExistingLock, hasEnded, LockFile } from '../lock-file.js'

export class Lease {
  readonly #lock: LockFile
  readonly #life: number
  #beat: NodeJS.Timeout | undefined
  #isTouching = false
  /** The lease of another process, and the time since which it has not changed. */
  #seen: { readonly what: string, readonly since: number } | undefined

  /** @param life milliseconds without a renewal after which a lease is abandoned */
  constructor (path: string, life: number) {
    this.#lock = new LockFile(path)
    this.#life = life
  }

  /**
   * Tries to become the owner. If another process is the owner, call it again after a while.
   * @throws the error of the system
   */
  async acquire (): Promise<boolean> {
    if (!await this.#lock.create() && !(await this.#removeAbandoned() && await this.#lock.create())) return false
    this.#seen = undefined
    this.#beat = setInterval(() => { this.#touch().catch(() => {}) }, this.#life / 6).unref()
    return true
  }

  /** Whether this process still has it. */
  async isOwned (): Promise<boolean> {
    return await this.#lock.isOwned()
  }

  async release (): Promise<void> {
    clearInterval(this.#beat)
    await this.#lock.release().catch(() => {})
  }

  /** Skipped while the previous one waits for a folder that hangs. */
  async #touch (): Promise<void> {
    if (this.#isTouching) return
    this.#isTouching = true
    try {
      if (!await this.isOwned()) return
      const now = new Date()
      await utimes(this.#lock.path, now, now)
    } finally {
      this.#isTouching = false
    }
  }

  /** @returns whether the lease is free, so that it can be acquired */
  async #removeAbandoned (): Promise<boolean> {
    const found = await this.#lock.look()
    if (found === undefined) return true
    if (!this.#isAbandoned(found)) return false
    await this.#lock.remove(found)
    this.#seen = undefined
    return true
  }

  #isAbandoned ({ text, owner, modified }: ExistingLock): boolean {
    if (owner !== undefined && hasEnded(owner)) return true
    const what = `${text} ${modified}`
    if (this.#seen?.what !== what) this.#seen = { what, since: performance.now() }
    return performance.now() - this.#seen.since > this.#life
  }
}
