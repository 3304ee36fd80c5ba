/**
 * Revocations from a set in Redis: read in full at the start, and followed by its log of changes (see keys.ts). Where the
 * log has a gap or cannot be read, the set is read again.
 *
 * A set that has lost members un-revokes nobody. Redis may have restarted without its data or evicted the set, or a
 * replica without the latest members may have taken over. So a member stays revoked here until its removal was
 * intended: the writer records each removal, and each time that an operator accepted the set as complete. New
 * members take effect at once, whatever else is wrong. A node that starts can check the set only against the marker, and
 * does not start without one. With a copy in `cacheDir`, it checks the set against the copy as well.
 *
 * Messages on the channel are only hints, since Redis drops a message without a subscriber. A hint makes the next poll
 * of the marker come earlier; there is one every few seconds anyway.
 */
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { errors } from '../../../errors.js'
import { visible } from '../../../text/printable.js'
import { Slices } from '../../../turns.js'
import { backoff, jittered } from '../../../watching/backoff.js'
import { FIRST_RETRY, PollSchedule } from './poll-schedule.js'
import type { LinePlace } from '../source-name.js'
import { parseRedisAddress, type RedisAddress } from './address.js'
import { RedisConnection } from './connection.js'
import { readNumber, sameState } from './keys.js'
import { crlsOf, Members } from './members.js'
import { applied, finished, type Reading, type ReadingOptions, readVersion, type RedisContent } from './reading.js'
import { catchUp, readWhole } from './whole-reading.js'
import { ask } from '../content.js'
import type { RevocationContent, RevocationSource, RevocationSourceContext } from '../../../../types/revocation-source.js'

export type { RedisContent } from './reading.js'

export interface RedisSourceOptions {
  /** Milliseconds within which each reply must arrive (4000). */
  timeout?: number
  /** Milliseconds between two polls of the marker, on average (5000). */
  interval?: number
  /** Milliseconds after which the whole set is read again, on average, though nothing says that it has changed (a day). */
  wholeInterval?: number
  /** Milliseconds after which a log that could not be read is tried again, at least, once something was written to it (60,000). */
  logRetry?: number
}

const INTERVAL = 5000
/**
 * An exchange of one entry for another by a program that is not the writer changes neither the marker nor the size of the set,
 * and notifications may be off. Only a reading of the whole set shows it.
 */
const WHOLE_INTERVAL = 24 * 60 * 60 * 1000
const WHOLE_JITTER = 0.25
const LOG_RETRY = 60_000
/** How often a first reading begins again because a connection was lost. */
const RESTARTS = 3
/** More bytes than a member takes in a reply, unless it is a certificate or CRL. */
const BYTES_OF_ENTRY = 128
/** Milliseconds after a message within which the log brings the change: then nothing needs to be asked. */
const LOG_DELAY = 100
/** Why a log cannot be read, if that can change without another access list or server. */
const MENDABLE = /^WRONGTYPE /
/** Milliseconds after a change from the log for which notifications may be about that change. */
const EXPLAINED = 1000

export class RedisSource implements RevocationSource {
  readonly #address: RedisAddress
  readonly #context: RevocationSourceContext
  readonly #options: RedisSourceOptions
  readonly #readingOptions: ReadingOptions
  #connection: RedisConnection | undefined
  #connecting: Promise<RedisConnection> | undefined
  #copy: { readonly keys: readonly string[], readonly crls: readonly string[], readonly version: string } | undefined
  #reading: Reading | undefined
  /** Whether there may be changes that neither the marker nor the log shows. */
  #isStale = true
  /** Whether the marker has changed, and the log has not said so yet. */
  #isBehind = false
  /** Whether entries of the log have arrived, and no caller needs more than these. */
  #hasNews = false
  #isAsked = false
  #isDenied = false
  /** The last id of the log when another program had put something else in its place: with a later one, it can be read again. */
  #brokenAt: string | undefined
  /** When the whole set is read again, by `performance.now()`. */
  #wholeDue: number
  /** Whether a sentinel answers. */
  #isGuided = true
  #isClosed = false
  /** Whether a notification came that may be about a change by another program. */
  #isNotified = false
  /** The greatest version in a message. */
  #announced = 0
  /** When the last change was read, and when the marker was polled, by `performance.now()`. */
  #changedAt = -Infinity
  #polledAt = -Infinity
  #connectedAt = -Infinity
  /** How many connections in a row were lost soon. */
  #losses = 0
  #looks: PollSchedule | undefined
  #onNews = (): void => {}

  /** @throws FST_ENDPOINT_REDIS_ADDRESS */
  constructor (line: string, context: RevocationSourceContext & Partial<LinePlace>, options: RedisSourceOptions = {}) {
    this.#address = parseRedisAddress(line, context.folder, context.what, context.location)
    this.#context = context
    this.#options = options
    // Distinguishes our versions from those of other objects, which may be in another process.
    const versions = randomUUID()
    let readings = 0
    this.#wholeDue = performance.now() + this.#wholeInterval
    this.#readingOptions = { name: this.name, entries: context.limits.entries, nextVersion: () => `${versions} ${++readings}` }
  }

  get name (): string {
    return this.#address.name
  }

  get #wholeInterval (): number {
    return jittered(this.#options.wholeInterval ?? WHOLE_INTERVAL, WHOLE_JITTER)
  }

  /**
   * All that is revoked. The same object as the last time, if nothing has changed since.
   *
   * @throws FST_ENDPOINT_REDIS_UNAVAILABLE, FST_ENDPOINT_REDIS_TOO_LARGE, FST_ENDPOINT_REDIS_MISSING; the first
   *   time, without a copy, also FST_ENDPOINT_REDIS_UNMARKED and FST_ENDPOINT_REDIS_LOST. Later these are among the `problems` of
   *   what it gives, in which all is revoked that was
   */
  async load (signal: AbortSignal): Promise<RedisContent> {
    signal.throwIfAborted()
    const isOnlyNews = this.#hasNews && !this.#isAsked && !this.#isBehind
    this.#hasNews = this.#isAsked = false
    await this.#restoreCopy()
    for (let left = RESTARTS; ; left--) {
      const connection = await unlessAborted(this.#connect(), signal)
      try {
        return await this.#loadFrom(connection, signal, isOnlyNews)
      } catch (thrown) {
        // A start would fail, though the next connection may last.
        if (left === 0 || this.#reading !== undefined || !connection.isLost || signal.aborted) throw thrown
        await pause(jittered(FIRST_RETRY, 0.5))
      }
    }
  }

  async #loadFrom (connection: RedisConnection, signal: AbortSignal, isOnlyNews: boolean): Promise<RedisContent> {
    const abort = (): void => { connection.close() }
    signal.addEventListener('abort', abort, { once: true })
    try {
      const reading = await this.#read(connection, isOnlyNews)
      if (reading !== this.#reading) this.#changedAt = performance.now()
      this.#reading = reading
      return reading.content
    } catch (thrown) {
      // Unless only the connection was lost.
      this.#isStale ||= connection.isOpen || this.#reading === undefined
      throw signal.aborted ? signal.reason : thrown
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  [ask] (): void {
    this.#isAsked = true
  }

  /** Goes on from what another process has read. */
  restore ({ keys = [], bytes, version = '' }: RevocationContent): void {
    // The bytes may be gone later.
    this.#copy = { keys, crls: bytes === undefined ? [] : crlsOf(bytes), version }
  }

  async #restoreCopy (): Promise<void> {
    const copy = this.#copy
    this.#copy = undefined
    if (copy === undefined) return
    const edit = Members.none.edit(this.#readingOptions.entries, copy.keys.length)
    const slices = new Slices()
    for (const member of [copy.keys, copy.crls].flat()) {
      await edit.add(member)
      if (slices.over) await slices.next()
    }
    const members = await edit.finish()
    const known = readVersion(copy.version, members.size)
    if (known === undefined) return
    if (known.place !== undefined) this.#isStale = false
    this.#reading = finished({ ...known, members, kept: new Set(), isCopy: known.place === undefined }, this.#readingOptions)
  }

  /** Begins to follow the set. */
  watch (onChange: () => void): void {
    if (this.#isClosed) return
    this.#onNews = onChange
    this.#looks ??= new PollSchedule(this.#options.interval ?? INTERVAL, async (isHinted) => {
      const isUnwell = await this.#look(isHinted)
      if (isUnwell || this.#isStale || this.#isBehind) onChange()
      return isUnwell
    })
    if (this.#hasNews) onChange()
  }

  close (): void {
    this.#isClosed = true
    this.#looks?.close()
    this.#connection?.close()
    this.#connection = undefined
  }

  /** Whether changes arrive by the log. */
  get #isFollowing (): boolean {
    return this.#reading?.place !== undefined && this.#connection?.log?.isUsable === true
  }

  /** Polls the marker; a change makes the last reading stale. @returns whether the poll failed */
  async #look (isHinted: boolean): Promise<boolean> {
    const isNotified = this.#isNotified
    this.#isNotified = false
    const { state } = this.#reading ?? {}
    if (performance.now() >= this.#wholeDue) this.#isStale = true
    if (this.#isFollowing && state !== undefined) {
      const now = performance.now()
      const isDue = !isHinted || now - this.#polledAt >= (this.#options.interval ?? INTERVAL)
      // The hints are about entries of the log that come soon.
      if (!isDue && !this.#isStale && !this.#isBehind && this.#connection?.log?.isResting === true) {
        this.#isNotified = isNotified
        this.#looks?.soon(LOG_DELAY)
        return false
      }
      if (isNotified && now - this.#changedAt >= EXPLAINED) this.#isStale = true
      // The log came first.
      if (!isDue && !this.#isStale && !this.#isBehind && this.#announced <= state.version) return false
    }
    try {
      const connection = await this.#connect()
      connection.resetBudget()
      const [state] = await Promise.all([connection.readState(), connection.probe()])
      this.#polledAt = performance.now()
      if (this.#reading !== undefined && !sameState(state, this.#reading.state)) {
        if (this.#isFollowing) this.#isBehind = true
        else this.#isStale = true
      }
      this.#retryLog(connection, state.log)
      return false
    } catch {
      // The load that follows reports the reason.
      return true
    }
  }

  /** Connects again, so that the log is followed again, once the writer has written to it. */
  #retryLog (connection: RedisConnection, id: string): void {
    const isDue = performance.now() - this.#connectedAt >= (this.#options.logRetry ?? LOG_RETRY)
    if (this.#brokenAt === undefined || this.#brokenAt === id || !isDue) return
    connection.close()
    this.#isStale = true
  }

  /** The connection, or a new one. Concurrent calls share it. */
  #connect (): Promise<RedisConnection> {
    if (this.#isClosed) return Promise.reject(new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(this.name, 'it is no longer followed'))
    if (this.#connection?.isOpen === true) return Promise.resolve(this.#connection)
    const { limits: { fileBytes, entries } } = this.#context
    this.#connecting ??= RedisConnection.open(this.#address, { ...this.#options, bytes: fileBytes + entries * BYTES_OF_ENTRY }, {
      onHint: (isForeign, message) => { this.#handleHint(isForeign, message) },
      onNews: () => {
        this.#hasNews = true
        this.#onNews()
      },
      onDenied: (reason) => { this.#handleDenied(reason) },
      onSentinels: (err) => { this.#handleSentinels(err) },
      onDisconnect: () => { this.#handleDisconnect() }
    }).then((connection) => {
      this.#connectedAt = performance.now()
      this.#brokenAt = undefined
      const place = this.#reading?.place
      // Messages between the two connections were lost, but the log has the changes.
      if (place === undefined) this.#isStale = true
      else connection.log?.follow(place.id)
      this.#isBehind = true
      if (this.#isClosed) connection.close()
      this.#connection = connection
      return connection
    }).finally(() => { this.#connecting = undefined })
    return this.#connecting
  }

  /** Logs once that no sentinel answers, until one does again. The set itself is up to date. */
  #handleSentinels (err?: unknown): void {
    const isGuided = err === undefined
    if (!isGuided && this.#isGuided) {
      this.#context.log?.warn({ err }, `${this.name}: no sentinel answers, so this node will not notice another primary`)
    }
    this.#isGuided = isGuided
  }

  /** Connects again: at once, but later and later to a server that ends each connection. */
  #handleDisconnect (): void {
    const interval = this.#options.interval ?? INTERVAL
    this.#losses = performance.now() - this.#connectedAt < interval ? this.#losses + 1 : 0
    this.#looks?.soon(this.#losses < 2 ? 0 : backoff(this.#losses - 1, FIRST_RETRY, interval, 0.5))
  }

  #handleHint (isForeign: boolean, message: string): void {
    if (!this.#isFollowing) {
      if (isForeign) this.#isStale = true
      this.#looks?.soon()
      return
    }
    if (isForeign) this.#isNotified = true
    else {
      const version = readNumber(message)
      if (version <= (this.#reading?.state.version ?? 0)) return
      // Other programs send something else.
      this.#announced = Number.isNaN(version) ? Infinity : Math.max(this.#announced, version)
    }
    this.#looks?.soon(LOG_DELAY)
  }

  #handleDenied (reason?: string): void {
    if (reason === undefined || MENDABLE.test(reason)) this.#brokenAt = this.#reading?.state.log ?? ''
    if (reason !== undefined && !this.#isDenied) {
      this.#isDenied = true
      this.#context.log?.warn(
        {}, `${this.name}: its log of changes cannot be read (${visible(reason)}), so the whole set is read at each change`
      )
    }
    this.#isBehind = true
    this.#looks?.soon()
  }

  async #read (connection: RedisConnection, isOnlyNews: boolean): Promise<Reading> {
    connection.resetBudget()
    const { log } = connection
    const before = this.#reading
    const options = this.#readingOptions
    if (isOnlyNews && !this.#isStale && before !== undefined && log !== undefined && this.#isFollowing) {
      const began = performance.now()
      const next = await applied(before, log.take(), options)
      log.rest(performance.now() - began)
      if (next !== undefined) return next
      this.#isStale = true
    }
    const state = await connection.readState()
    this.#announced = 0
    this.#isBehind = false
    if (before !== undefined && !this.#isStale) {
      if (sameState(state, before.state)) return before
      const next = log === undefined || !this.#isFollowing ? undefined : await catchUp(before, log, state, options)
      if (next !== undefined) return next
      // The next connection goes on from there.
      if (!connection.isOpen) throw new errors.FST_ENDPOINT_REDIS_UNAVAILABLE(this.name, 'the connection was lost')
    }
    this.#isStale = false
    const began = performance.now()
    try {
      const reading = await readWhole({ connection, state, before, log: this.#context.log, ...options })
      this.#wholeDue = performance.now() + this.#wholeInterval
      return reading
    } finally {
      // Not after the first one, which the log did not cause.
      if (before !== undefined) log?.rest(performance.now() - began)
    }
  }
}

async function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => { reject(signal.reason) }
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort)
  }
}
