/**
 * One watcher for all endpoints with the same list and the same authorities.
 *
 * Each endpoint has a view of its own. When its authorities change, the view changes to another watcher, and the other
 * endpoints keep theirs.
 */
import { resolve } from 'node:path'
import { AllowedList } from '../allowed/load.js'
import type { Authorities } from '../x509/authorities.js'
import { ReaderThread } from './thread/reader-thread.js'
import { type Acquired, RevocationView } from './view.js'
import { type InForce, RevocationWatcher, type WatcherOptions } from './watch.js'

interface Shared {
  readonly watcher: Promise<RevocationWatcher>
  /** What was in force in the watcher that it was forked from, when it began to read the disk; undefined if it was not forked. */
  readonly since: InForce | undefined
  uses: number
}

/** The paths of the lists of an endpoint: at least one of them. */
export interface Lists {
  readonly file?: string | undefined
  readonly allowedFile?: string | undefined
}

/** The watchers of one app. Each ends with its last use, and the worker with the last of them. */
export class SharedWatchers {
  readonly #options: Omit<WatcherOptions, 'file' | 'allowed' | 'authorities' | 'reader'>
  readonly #reader = new ReaderThread()
  readonly #shared = new Map<string, Shared>()
  /** By path. */
  readonly #allowed = new Map<string, AllowedList>()

  constructor (options: Omit<WatcherOptions, 'file' | 'allowed' | 'authorities' | 'reader'>) {
    this.#options = options
  }

  /**
   * The revocations of an endpoint.
   *
   * @throws as `RevocationWatcher.start`
   */
  async view ({ file, allowedFile }: Lists, authorities: Authorities): Promise<RevocationView> {
    const [list, allowed] = [file, allowedFile].map((path) => path === undefined ? undefined : resolve(path))
    const lists = { file: list, allowedFile: allowed }
    if (allowed !== undefined && !this.#allowed.has(allowed)) {
      const { clock } = this.#options
      this.#allowed.set(allowed, new AllowedList({ file: allowed, ...(clock !== undefined && { clock }) }))
    }
    const acquire = (authorities: Authorities, before?: RevocationWatcher): Promise<Acquired> => this.#acquire(lists, authorities, before)
    return new RevocationView(lists.file, acquire, await acquire(authorities))
  }

  async #acquire ({ file, allowedFile }: Lists, authorities: Authorities, before?: RevocationWatcher): Promise<Acquired> {
    const key = JSON.stringify([authorities.digest, file, allowedFile])
    const allowed = allowedFile === undefined ? undefined : this.#allowed.get(allowedFile)
    const shared: Shared = this.#shared.get(key) ?? {
      watcher: before?.startAnother(authorities) ??
        RevocationWatcher.start({ ...this.#options, file, allowed, authorities, reader: this.#reader }),
      since: before?.inForce,
      uses: 0
    }
    shared.uses++
    this.#shared.set(key, shared)
    const release = (): void => {
      if (--shared.uses > 0) return
      this.#shared.delete(key)
      shared.watcher.then((watcher) => { watcher.close() }, () => {})
      if (this.#shared.size > 0) return
      this.#reader.close()
      for (const list of this.#allowed.values()) list.close()
    }
    try {
      return { watcher: await shared.watcher, since: shared.since, release }
    } catch (thrown) {
      release()
      throw thrown
    }
  }
}
