/**
 * What one endpoint sees of its revocations, which it may share with others: a watcher, and another one when its
 * authorities change.
 */
import { EventEmitter } from 'node:events'
import { errors } from '../errors.js'
import type { Authorities } from '../x509/authorities.js'
import { listName } from './list/last-good-list.js'
import type { RevocationSet } from './set/revocation-set.js'
import type { RevocationWatcher, WatcherEvents } from './watch.js'

/** How often the disk is looked at again for what has changed meanwhile. */
const MOST_LOOKS = 5

/** A watcher in use. */
export interface Acquired {
  readonly watcher: RevocationWatcher
  readonly since: RevocationSet | undefined
  release (): void
}

/** What one endpoint sees of its revocations: a watcher, and, when its authorities have changed, another. */
export class RevocationView extends EventEmitter<WatcherEvents> {
  readonly #path: string
  readonly #acquire: (authorities: Authorities, before: RevocationWatcher) => Promise<Acquired>
  /** What the watcher in use says and this only hands on: nobody can listen to that one, which may be replaced. */
  readonly #relays = (['failed', 'recovered', 'loaded'] as const).map((event) => {
    return [event, (...args: unknown[]) => { Reflect.apply(this.emit, this, [event, ...args]) }] as const
  })

  #acquired: Acquired
  #generation = 1
  #closed = false

  /** @internal */
  constructor (path: string, acquire: (authorities: Authorities, before: RevocationWatcher) => Promise<Acquired>, acquired: Acquired) {
    super()
    this.#path = path
    this.#acquire = acquire
    this.#acquired = acquired
    this.#listen(acquired.watcher)
  }

  /** The set in force. */
  get set (): RevocationSet {
    return this.#acquired.watcher.set
  }

  /** 1 for the first set, and one more for each that was put in force. */
  get generation (): number {
    return this.#generation
  }

  /** The watcher in use, for what it says of its problems; another one after `changeAuthorities`. */
  get watcher (): Pick<RevocationWatcher, 'standing' | 'concerns' | 'expiring' | 'reload'> {
    return this.#acquired.watcher
  }

  /** Path of the list. */
  get list (): string {
    return this.#path
  }

  /**
   * Puts a set in force that is loaded for other authorities: CRLs count by who has signed them.
   *
   * @param commit called in the step that puts the set in force, right before it is done
   * @throws the first problem of the load. If `commit` was called the rest is in force all the same; if not,
   *   nothing has changed. FST_ENDPOINT_LIST_CLOSED after `close`
   */
  async changeAuthorities (authorities: Authorities, commit: () => void): Promise<void> {
    const before = this.#acquired
    const next = await this.#acquire(authorities, before.watcher)
    // While it read the disk, slowly perhaps, the other one may have put something newer in force.
    let { since } = next
    const isBehind = (): boolean => next.watcher !== before.watcher && since !== before.watcher.set
    for (let looks = 0; looks < MOST_LOOKS && !this.#closed && isBehind(); looks++) {
      since = before.watcher.set
      await next.watcher.catchUp()
    }
    // From here to the end it is one step.
    if (this.#closed || isBehind()) {
      next.release()
      const name = listName(this.#path)
      throw this.#closed ? new errors.FST_ENDPOINT_LIST_CLOSED(name) : new errors.FST_ENDPOINT_FILE_CHANGED(`What ${name} names`)
    }
    this.#ignore(before.watcher)
    this.#acquired = next
    this.#listen(next.watcher)
    commit()
    this.#swap(next.watcher.set)
    before.release()
    const [problem] = next.watcher.problems
    if (problem !== undefined) throw problem
  }

  /** Looks no more. The last set stays in force. */
  close (): void {
    this.#closed = true
    this.#ignore(this.#acquired.watcher)
    this.#acquired.release()
  }

  #listen (watcher: RevocationWatcher): void {
    watcher.on('swapped', this.#swap)
    for (const [event, relay] of this.#relays) watcher.on(event, relay)
  }

  #ignore (watcher: RevocationWatcher): void {
    watcher.off('swapped', this.#swap)
    for (const [event, relay] of this.#relays) watcher.off(event, relay)
  }

  readonly #swap = (set: RevocationSet): void => {
    this.#generation++
    this.emit('swapped', set, this.#generation)
  }
}
