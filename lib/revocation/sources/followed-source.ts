/**
 * One source, followed: its last good content, what is wrong with it, and when it is asked again.
 *
 * It loads by itself, so that nobody waits for a source that is slow or gone; whoever asks gets what it has.
 */
import { performance } from 'node:perf_hooks'
import { descriptors } from '../../descriptors.js'
import { errors, isCoded, reasonOf } from '../../errors.js'
import type { RevocationContent, RevocationSource } from '../../../types/revocation-source.js'
import { backoff } from '../../watching/backoff.js'
import { isNewer, seriesKeyOf, type VerifiedCrl } from '../crl/series.js'
import type { CachedCopy } from './cached-copy.js'
import { type ContentOptions, readContent, type SourceRevocations } from './content.js'
import { withoutCredentials } from './source-name.js'

interface FollowedSourceOptions {
  readonly source: RevocationSource
  readonly reading: ContentOptions
  /** The copy of its last good content on the disk (none). */
  readonly copy?: CachedCopy | undefined
  /** What was good last, for other authorities perhaps. */
  readonly before?: SourceRevocations | undefined
  /** Milliseconds after which a copy that could not be kept is due again (60,000). */
  readonly copyRetry?: number
  /** Told when the content, or what is wrong with it, has become another. */
  readonly onNews: () => void
  readonly log?: { warn (details: object, message: string): void } | undefined
}

/** Milliseconds that a load may take, once the source has started. */
const LOAD_LIMIT = 120_000
/** Milliseconds before a load that failed is tried again; doubled each time. */
const FIRST_RETRY = 500
const LAST_RETRY = 60_000
const JITTER = 0.25
/** Descriptors that a load needs: for a connection, and for finding the address of a name. */
const DESCRIPTORS = 4
/** Milliseconds after which a copy that could not be kept is due again: the next load asks for all that the source says. */
const COPY_RETRY = 60_000

export class FollowedSource {
  readonly name: string
  readonly #options: FollowedSourceOptions
  readonly #what: string
  readonly #closing = new AbortController()
  #content: SourceRevocations | undefined
  #problem: Error | undefined
  #isCached = false
  #hasCopy = false
  #isHeard = false
  #copied: readonly VerifiedCrl[] = []
  /** What must have a successor: the CRLs that were there when none was missing. */
  #held: readonly VerifiedCrl[] | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  /** When a copy is due that could not be kept, of `performance.now()`. */
  #copyDue = Infinity

  constructor (options: FollowedSourceOptions) {
    this.#options = options
    this.#content = options.before
    this.name = options.source.name
    this.#what = `source ${this.name}`
  }

  /** What was good last; undefined if nothing was. */
  get content (): SourceRevocations | undefined {
    return this.#content
  }

  /** The CRLs of the copy on the disk. */
  get copied (): readonly VerifiedCrl[] {
    return this.#copied
  }

  /** Why what the source says now is not in force. */
  get problem (): Error | undefined {
    return this.#problem
  }

  /** Whether the content is that of the copy on the disk, and the source itself has not been heard. */
  get isCached (): boolean {
    return this.#isCached
  }

  /** Whether there was a good copy on the disk when it started. */
  get hasCopy (): boolean {
    return this.#hasCopy
  }

  /**
   * Loads for the first time, and follows the source from then on. Never rejects: see `problem`.
   *
   * @param limit milliseconds that it may take
   */
  async start (limit = LOAD_LIMIT): Promise<void> {
    const { source, copy, reading } = this.#options
    const ends = performance.now() + limit
    // Before the source is heard: it may then say that nothing has changed.
    const cached = this.#content === undefined ? await copy?.read().catch(() => undefined) : undefined
    if (cached !== undefined) {
      // Before it is read, since its bytes may be gone after that.
      this.#restore(cached)
      this.#content = await readContent(cached, this.#what, source.isSignedOnly === true, reading).catch(() => undefined)
      this.#isCached = this.#hasCopy = this.#content !== undefined
      this.#copied = this.#content?.crls ?? []
    }
    this.#running = this.#load(Math.max(ends - performance.now(), 1)).finally(() => { this.#running = undefined })
    await this.#running
    if (this.#closing.signal.aborted) return
    try {
      source.watch(() => { this.#askedByItself() })
    } catch (thrown) {
      this.#problem ??= this.#failed(thrown)
    }
  }

  /** Loads anew; calls that overlap share a load, which begins after the last of them. Never rejects. */
  async refresh (): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#load(LOAD_LIMIT).finally(() => { this.#running = undefined })
      return await this.#running
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.refresh()
    })
    await this.#next
  }

  /** The same; but if it has not been heard at all, what is known of it elsewhere has to do. Never rejects. */
  async catchUp (known: SourceRevocations | undefined): Promise<void> {
    if (this.#isHeard) return await this.refresh()
    this.#content = known ?? this.#content
  }

  async close (): Promise<void> {
    this.#closing.abort(new Error('it is no longer followed'))
    clearTimeout(this.#retry)
    try {
      await this.#options.source.close()
    } catch (thrown) {
      this.#options.log?.warn({ err: this.#failed(thrown) }, `${this.#what} could not be closed`)
    }
  }

  #restore (copy: RevocationContent): void {
    try {
      this.#options.source.restore?.(copy)
    } catch (thrown) {
      this.#options.log?.warn({ err: this.#failed(thrown) }, `${this.#what}: it did not accept its copy in cacheDir`)
    }
  }

  #askedByItself (): void {
    if (this.#closing.signal.aborted) return
    this.refresh().catch(() => {})
  }

  async #load (limit: number): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#closing.signal.aborted) return
    const { problem, content } = this
    try {
      await this.#take(limit)
      this.#problem = undefined
      this.#isCached = false
      this.#isHeard = true
      this.#failures = 0
    } catch (thrown) {
      if (this.#closing.signal.aborted) return
      this.#problem = this.#failed(thrown)
      // A lack of descriptors is not the source's failure: a client that uses them up must not hold up what revokes it.
      const failures = descriptors.areScarce(DESCRIPTORS) ? 1 : ++this.#failures
      this.#retry = setTimeout(() => { this.refresh().catch(() => {}) }, backoff(failures, FIRST_RETRY, LAST_RETRY, JITTER)).unref()
    }
    if (this.#closing.signal.aborted) return
    if (this.#problem?.message !== problem?.message || this.#content !== content) this.#options.onNews()
  }

  async #take (limit: number): Promise<void> {
    const { source, reading, copy } = this.#options
    const known = this.#isKnown && performance.now() < this.#copyDue ? this.#content?.version : undefined
    const endLoan = descriptors.areScarce(DESCRIPTORS) ? descriptors.lendSome() : undefined
    const said = await this.#within(limit, (signal) => source.load(signal, known)).finally(endLoan)
    if (known !== undefined && said.version === known) return
    // The bytes may be gone after they are read.
    this.#copyDue = Infinity
    const saved = await copy?.prepare(said).catch(this.#reportCopy)
    try {
      const isSignedOnly = source.isSignedOnly === true
      const read = await readContent(said, this.#what, isSignedOnly, reading, this.#content)
      const isBroken = this.#isCached && read.problems.length > 0
      const content = isSignedOnly || isBroken ? this.#withReplaced(read) : read
      this.#content = content
      // Whoever has the source say again what it said once must not have the copy forget what it has said since.
      if (saved === undefined || content.problems.length > 0 || isOlder(content.crls, this.#copied)) {
        await saved?.drop()
      } else {
        await saved.keep().catch(this.#reportCopy)
        this.#copied = content.crls
      }
    } catch (thrown) {
      await saved?.drop()
      throw thrown
    }
  }

  /**
   * Whoever is on the way to a source that only says what is signed can say something else that is signed as well, the CRL
   * of another authority. What was there before, and has no successor there, stays. So it does beside what is broken,
   * where there is only the copy to go by.
   */
  #withReplaced (read: SourceRevocations): SourceRevocations {
    const { all } = this.#options.reading.authorities
    const keys = new Set(all.map(({ identity }) => identity.spki))
    const held = this.#held ?? this.#content?.crls ?? []
    const series = new Set(read.crls.map(seriesKeyOf))
    const replaced = held.filter((known) => keys.has(known.signer) && !series.has(seriesKeyOf(known)))
    this.#held = replaced.length === 0 ? read.crls : held
    if (replaced.length === 0) return read
    const problem = new errors.FST_ENDPOINT_SOURCE_HELD(this.#what)
    return { ...read, crls: [...read.crls, ...replaced], problems: read.problems.length > 0 ? read.problems : [problem] }
  }

  /** Whether what is in force was read with the authorities of now. */
  get #isKnown (): boolean {
    const authorities = this.#content?.authorities
    return authorities === undefined || authorities === this.#options.reading.authorities.digest
  }

  /** A source that does not heed the signal is not waited for either. */
  async #within<T> (limit: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController()
    const timer = setTimeout(() => { late.abort(new errors.FST_ENDPOINT_SOURCE_TIMEOUT(this.#what, Math.round(limit))) }, limit)
    const signal = AbortSignal.any([late.signal, this.#closing.signal])
    try {
      return await new Promise<T>((resolve, reject) => {
        signal.addEventListener('abort', () => { reject(signal.reason) }, { once: true })
        work(signal).then(resolve, reject)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  readonly #reportCopy = (err: unknown): undefined => {
    this.#copyDue = performance.now() + (this.#options.copyRetry ?? COPY_RETRY)
    this.#options.log?.warn({ err }, `${this.#what}: its copy in cacheDir cannot be written`)
  }

  #failed (thrown: unknown): Error {
    if (isCoded(thrown)) return thrown
    // Not as the cause: nobody knows what an error of somebody else's holds.
    return new errors.FST_ENDPOINT_SOURCE_FAILED(this.#what, withoutCredentials(reasonOf(thrown)))
  }
}

/** Whether one of the CRLs is older than one of its series that is known. */
function isOlder (crls: readonly VerifiedCrl[], known: readonly VerifiedCrl[]): boolean {
  const series = new Map(known.map((one) => [seriesKeyOf(one), one]))
  return crls.some((one) => {
    const other = series.get(seriesKeyOf(one))
    return other !== undefined && isNewer(other.crl, one.crl)
  })
}
