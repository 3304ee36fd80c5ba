/**
 * Finds out whether a file was renamed into its place. The times of a file do not show that if it was written and
 * renamed within one tick of the file system's clock. The events of its folder do: a file that is created there is
 * written after it appears.
 */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

export class Renames {
  #watcher: FSWatcher | undefined
  #followed: string | undefined
  #isClosed = false
  /** How many events there were, and whether the last one was an appearance or disappearance of the name. */
  #events = 0
  #isNew = false
  /** How many of the events belong to a file that was already judged. */
  #judged = 0

  /**
   * Follows the events of a path. If there are no events, nothing counts as renamed.
   *
   * @param folder identifies its folder, since another one may take its place
   */
  follow (path: string, folder: string): void {
    const followed = `${folder} ${path}`
    if (followed === this.#followed || this.#isClosed || process.platform !== 'linux') return
    this.#stop()
    this.#followed = followed
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (event, name) => {
        if (name !== basename(path)) return
        this.#events++
        this.#isNew = event === 'rename'
      })
      this.#watcher.on('error', () => { this.#stop() })
    } catch {
      this.#stop()
    }
  }

  /** The number of events so far, including all that happened before the call. */
  async count (): Promise<number> {
    // Events are read once in each turn of the event loop.
    await turn()
    await turn()
    return this.#events
  }

  /**
   * Whether the file that was read after so many events was renamed to its path and not written since. An event is used
   * for one answer only, because another computer may change the file without an event.
   */
  async isRenamed (since: number): Promise<boolean> {
    if (await this.count() !== since) return false
    const isRenamed = this.#isNew && since > this.#judged
    this.#judged = since
    return isRenamed
  }

  close (): void {
    this.#isClosed = true
    this.#stop()
  }

  #stop (): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#followed = undefined
    this.#isNew = false
    this.#judged = this.#events
  }
}
