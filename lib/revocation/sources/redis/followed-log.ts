/**
 * Follows the log of changes of a set by XREAD, on a connection of its own: a subscribed connection accepts no XREAD, and
 * one that waits for changes answers nothing else.
 *
 * There is at most one reply at a time: the next one is requested when the last one was taken.
 */
import { performance } from 'node:perf_hooks'
import { reasonOf } from '../../../errors.js'
import { jittered } from '../../../watching/backoff.js'
import { type GuardedRedis, isReply, NO_REDIS } from './guarded.js'
import { areMany, isAfter, type LogEntry, readEntries } from './log-entry.js'

interface FollowedLogOptions {
  /** Milliseconds within which each reply must arrive. */
  readonly timeout: number
  /** Called when entries have arrived. */
  onNews (): void
  /** Called when the log cannot be followed: the set itself can. Without a reason, it can be again with the next connection. */
  onDenied (reason?: string): void
  /** Called once, when the connection is lost. */
  onDisconnect (): void
}

/** Entries in one reply. */
const AT_A_TIME = 50
/** Milliseconds that Redis waits for a change, at most: less than the timeout. */
const BLOCK = 2000
/** Milliseconds. */
const LONGEST_REST = 5000
/**
 * After many members, the next reply is requested some milliseconds later: a writer of many more adds them in steps, and each
 * change of the set in force takes some milliseconds. The nodes of a fleet should not all take them at the same moment.
 */
const REST_AFTER_MANY = 500
const JITTER = 0.25
/** Milliseconds after a rest within which the next reply comes. */
const DELAY_AFTER_REST = 300
/** Replies that do not depend on this connection. */
const DENIED = /^(?:NOPERM|WRONGTYPE|ERR) /
/** Milliseconds before the next request to a server that did not wait for a change. */
const PAUSE = 100
/** The slot of the set is moving to another server of a cluster. */
const MOVING = /^(?:ASK|TRYAGAIN) /

export class FollowedLog {
  readonly #guarded: GuardedRedis
  readonly #key: string
  readonly #options: FollowedLogOptions
  /** The last id that was read. */
  #cursor = ''
  #arrived: LogEntry[] = []
  #last: LogEntry | undefined
  /** Milliseconds until the next reply is requested. */
  #rest = 0
  /** When the next reply is or was requested, by `performance.now()`, if not at once. */
  #restsUntil = -Infinity
  /** Called when entries have arrived or were taken, and at the end. */
  readonly #waiting = new Set<() => void>()
  #isStarted = false
  #isClosed = false
  #isDenied = false

  constructor (guarded: GuardedRedis, key: string, options: FollowedLogOptions) {
    this.#guarded = guarded
    this.#key = key
    this.#options = options
  }

  /** Whether entries arrive. */
  get isUsable (): boolean {
    return this.#isStarted && !this.#isClosed && !this.#isDenied
  }

  /** Whether the next reply is requested later, or was a moment ago: then entries are late. */
  get isResting (): boolean {
    return this.isUsable && performance.now() < this.#restsUntil + DELAY_AFTER_REST
  }

  /** The last entry that was taken. */
  get last (): LogEntry | undefined {
    return this.#last
  }

  /** Follows it after an id. What has arrived before is dropped. */
  follow (after: string): void {
    this.#cursor = after
    this.#arrived = []
    if (!this.#isStarted) {
      this.#isStarted = true
      this.#run().catch(() => { this.#end() })
    }
    this.#stir()
  }

  /** Takes the entries that have arrived. */
  take (): LogEntry[] {
    const taken = this.#arrived
    this.#arrived = []
    this.#last = taken.at(-1) ?? this.#last
    if (areMany(taken)) this.#rest = Math.max(this.#rest, jittered(REST_AFTER_MANY, JITTER))
    if (taken.length > 0) this.#stir()
    return taken
  }

  /** Waits until there are entries to take. @returns whether there are */
  async arrive (milliseconds: number): Promise<boolean> {
    const ends = performance.now() + milliseconds
    if (this.#rest > 0) {
      this.#rest = 0
      this.#stir()
    }
    while (this.#arrived.length === 0 && this.isUsable && performance.now() < ends) await this.#stirred(ends - performance.now())
    return this.#arrived.length > 0
  }

  close (): void {
    this.#isClosed = true
    this.#guarded.close()
    this.#stir()
  }

  async #run (): Promise<void> {
    while (this.isUsable) {
      const after = this.#cursor
      const began = performance.now()
      const entries = await this.#read(after)
      if (entries === undefined) return
      if (entries.length === 0 && performance.now() - began < PAUSE) await this.#stirred(PAUSE)
      // Another id was set meanwhile. If it is a later one, only later entries count.
      const news = after === this.#cursor ? entries : entries.filter(({ id }) => isAfter(this.#cursor, after) && isAfter(id, this.#cursor))
      const last = news.at(-1)
      if (last === undefined) continue
      this.#cursor = last.id
      this.#arrived = news
      this.#stir()
      this.#options.onNews()
      while (this.#arrived.length > 0 && this.isUsable) await this.#stirred()
      if (this.#rest > 0) {
        this.#restsUntil = performance.now() + this.#rest
        await this.#stirred(this.#rest)
      }
      this.#rest = 0
    }
  }

  /** Requests the next reply later, unless a caller waits for it: a node spends at most half of its time on the log. */
  rest (milliseconds: number): void {
    this.#rest = Math.min(milliseconds, LONGEST_REST)
  }

  /** @returns undefined if there will be no more */
  async #read (after: string): Promise<LogEntry[] | undefined> {
    const { redis, incoming } = this.#guarded
    incoming.resetBudget()
    const timer = setTimeout(() => { this.#end() }, this.#options.timeout).unref()
    try {
      const block = Math.min(BLOCK, this.#options.timeout / 2)
      const reply: unknown = await redis.xread('COUNT', AT_A_TIME, 'BLOCK', Math.ceil(block), 'STREAMS', this.#key, after)
      const entries = readEntries(reply, after)
      if (entries === undefined) this.#deny(NO_REDIS)
      return entries
    } catch (thrown) {
      if (incoming.problem !== undefined) this.#deny(incoming.problem === 'foreign' ? NO_REDIS : 'its replies are too large')
      else if (isReply(thrown) && MOVING.test(thrown.message)) this.#deny()
      else if (isReply(thrown) && DENIED.test(reasonOf(thrown))) this.#deny(reasonOf(thrown))
      else this.#end()
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }

  /** The connection stays useless, but the set itself can be read. */
  #deny (reason?: string): void {
    if (!this.isUsable) return
    this.#isDenied = true
    this.#guarded.close()
    this.#stir()
    this.#options.onDenied(reason)
  }

  #end (): void {
    if (!this.isUsable) return
    this.close()
    this.#options.onDisconnect()
  }

  #stir (): void {
    for (const call of this.#waiting) call()
    this.#waiting.clear()
  }

  async #stirred (milliseconds?: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, Math.max(milliseconds, 1)).unref()
      this.#waiting.add(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
