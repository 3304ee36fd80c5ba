/**
 * One watcher for all endpoints with the same list and the same authorities.
 *
 * Each endpoint has a view of its own. When its authorities change, the view changes to another watcher, and the other
 * endpoints keep theirs.
 */
import { resolve } from 'node:path'
import type { Authorities } from '../x509/authorities.js'
import { ReaderThread } from './thread/reader-thread.js'
import type { RevocationSet } from './set/revocation-set.js'
import { type Acquired, RevocationView } from './view.js'
import { RevocationWatcher, type WatcherOptions } from './watch.js'

interface Shared {
  readonly watcher: Promise<RevocationWatcher>
  /** The set of the watcher that it was forked from, when it began to read the disk; undefined if it was not forked. */
  readonly since: RevocationSet | undefined
  uses: number
}

/** The watchers of one app. Each ends with its last use, and the worker with the last of them. */
export class SharedWatchers {
  readonly #options: Omit<WatcherOptions, 'file' | 'authorities' | 'reader'>
  readonly #reader = new ReaderThread()
  readonly #shared = new Map<string, Shared>()

  constructor (options: Omit<WatcherOptions, 'file' | 'authorities' | 'reader'>) {
    this.#options = options
  }

  /**
   * The revocations of an endpoint.
   *
   * @throws as `RevocationWatcher.start`
   */
  async view (file: string, authorities: Authorities): Promise<RevocationView> {
    const path = resolve(file)
    const acquire = (authorities: Authorities, before?: RevocationWatcher): Promise<Acquired> => this.#acquire(path, authorities, before)
    return new RevocationView(path, acquire, await acquire(authorities))
  }

  async #acquire (file: string, authorities: Authorities, before?: RevocationWatcher): Promise<Acquired> {
    const key = `${authorities.digest} ${file}`
    const shared: Shared = this.#shared.get(key) ?? {
      watcher: before?.startAnother(authorities) ?? RevocationWatcher.start({ ...this.#options, file, authorities, reader: this.#reader }),
      since: before?.set,
      uses: 0
    }
    shared.uses++
    this.#shared.set(key, shared)
    const release = (): void => {
      if (--shared.uses > 0) return
      this.#shared.delete(key)
      shared.watcher.then((watcher) => { watcher.close() }, () => {})
      if (this.#shared.size === 0) this.#reader.close()
    }
    try {
      return { watcher: await shared.watcher, since: shared.since, release }
    } catch (thrown) {
      release()
      throw thrown
    }
  }
}
