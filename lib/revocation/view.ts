/** One endpoint's view of its revocations: a watcher, which it may share, and another one when its authorities change. */
import { EventEmitter } from 'node:events'
import type { AllowedSet } from '../allowed/allowed-set.js'
import { errors } from '../errors.js'
import type { Authorities } from '../x509/authorities.js'
import { listName } from './list/last-good-list.js'
import type { RevocationSet } from './set/revocation-set.js'
import type { InForce, RevocationWatcher, WatcherEvents } from './watch.js'

/** Loads that catch up with changes made meanwhile, at most. */
const MOST_LOOKS = 5

/** A watcher in use. */
export interface Acquired {
  readonly watcher: RevocationWatcher
  readonly since: InForce | undefined
  release (): void
}

type Acquire = (authorities: Authorities, before: RevocationWatcher) => Promise<Acquired>

/** The revocations of one endpoint. */
export class RevocationView extends EventEmitter<WatcherEvents> {
  readonly #path: string | undefined
  readonly #acquire: Acquire
  /** Events that are only passed on. Nobody can listen to the watcher itself, since it may be replaced. */
  readonly #relays = (['failed', 'recovered', 'loaded'] as const).map((event) => {
    return [event, (...args: unknown[]) => { Reflect.apply(this.emit, this, [event, ...args]) }] as const
  })

  #acquired: Acquired
  #generation = 1
  #closed = false

  /** @internal */
  constructor (path: string | undefined, acquire: Acquire, acquired: Acquired) {
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

  /** The rules of the allowed list in force; undefined without such a list. */
  get allowed (): AllowedSet | undefined {
    return this.#acquired.watcher.inForce.allowed
  }

  /** 1 for the first set, and one more for each set since. */
  get generation (): number {
    return this.#generation
  }

  /** The watcher in use; another one after `changeAuthorities`. */
  get watcher (): Pick<RevocationWatcher, 'openProblems' | 'openProblemsOfAllowed' | 'concerns' | 'expiring' | 'reload'> {
    return this.#acquired.watcher
  }

  /** Path of the list; undefined where nothing is revoked. */
  get list (): string | undefined {
    return this.#path
  }

  /**
   * Puts a set in force that is loaded with other authorities, by which other CRLs count.
   *
   * @param commit called in the step that puts the set in force, just before
   * @throws the first problem of the load. If `commit` was called, the rest is in force; if not, nothing has changed.
   *   FST_ENDPOINT_LIST_CLOSED after `close`
   */
  async changeAuthorities (authorities: Authorities, commit: () => void): Promise<void> {
    const before = this.#acquired
    const next = await this.#acquire(authorities, before.watcher)
    // While it read a slow disk, the other one may have put a newer set in force.
    let { since } = next
    const isBehind = (): boolean => next.watcher !== before.watcher && since !== before.watcher.inForce
    for (let looks = 0; looks < MOST_LOOKS && !this.#closed && isBehind(); looks++) {
      since = before.watcher.inForce
      await next.watcher.catchUp()
    }
    // All that follows is one step.
    if (this.#closed || isBehind()) {
      next.release()
      const name = this.#path === undefined ? 'allowedFile' : listName(this.#path)
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

  /** Stops watching. The last set stays in force. */
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
