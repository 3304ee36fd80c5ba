/**
 * Follows one source: keeps its last good content and its problem, and decides when to load it again.
 *
 * It loads by itself, so that nothing waits for a source that is slow or gone. Callers get what it has.
 */
import { performance } from 'node:perf_hooks'
import { descriptors } from '../../descriptors.js'
import { errors, isCoded, reasonOf } from '../../errors.js'
import type { RevocationContent, RevocationSource } from '../../../types/revocation-source.js'
import { backoff } from '../../watching/backoff.js'
import { isNewer, seriesKeyOf, type VerifiedCrl } from '../crl/series.js'
import type { CachedCopy } from './cached-copy.js'
import { ask, type ContentOptions, readContent, type SourceRevocations } from './content.js'
import { withoutCredentials } from './source-name.js'

interface FollowedSourceOptions {
  readonly source: RevocationSource
  readonly reading: ContentOptions
  /** The copy of its last good content on the disk (none). */
  readonly copy?: CachedCopy | undefined
  /** The last good content, perhaps for other authorities. */
  readonly previous?: SourceRevocations | undefined
  /** Milliseconds after which a copy that could not be written is tried again (60,000). */
  readonly copyRetry?: number
  /** Called when the content or the problem has changed. */
  readonly onNews: () => void
  readonly log?: { warn (details: object, message: string): void } | undefined
}

/** Milliseconds that a load may take after the start. */
const LOAD_LIMIT = 120_000
/** Milliseconds before a failed load is retried; doubled each time. */
const FIRST_RETRY = 500
const LAST_RETRY = 60_000
const JITTER = 0.25
/** Descriptors that a load needs: for a connection, and for finding the address of a name. */
const DESCRIPTORS = 4
/** Milliseconds after which writing a failed copy is tried again: the next load then asks for everything. */
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
  #hasLoaded = false
  #copied: readonly VerifiedCrl[] = []
  /** The CRLs from the last time that none was missing. Each of them needs a successor. */
  #previousCrls: readonly VerifiedCrl[] | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  #failures = 0
  /** When to try the copy again, by `performance.now()`. */
  #copyDue = Infinity

  constructor (options: FollowedSourceOptions) {
    this.#options = options
    this.#content = options.previous
    this.name = options.source.name
    this.#what = `source ${this.name}`
  }

  /** The last good content; undefined if there was none. */
  get content (): SourceRevocations | undefined {
    return this.#content
  }

  /** The CRLs of the copy on the disk. */
  get copied (): readonly VerifiedCrl[] {
    return this.#copied
  }

  /** Why the current content of the source is not in force. */
  get problem (): Error | undefined {
    return this.#problem
  }

  /** Whether the content comes from the copy on the disk, and the source itself has not answered. */
  get isCached (): boolean {
    return this.#isCached
  }

  /** Whether there was a good copy on the disk when it started. */
  get hasCopy (): boolean {
    return this.#hasCopy
  }

  /**
   * Loads for the first time, then follows the source. Never rejects: see `problem`.
   *
   * @param limit milliseconds that it may take
   */
  async start (limit = LOAD_LIMIT): Promise<void> {
    const { source, copy, reading } = this.#options
    const ends = performance.now() + limit
    // Read before the first load, so that the source can answer that nothing has changed.
    const cached = this.#content === undefined ? await copy?.read().catch(() => undefined) : undefined
    if (cached !== undefined) {
      // First, since reading may transfer its bytes away.
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

  /** Loads again. Overlapping calls share a load, which begins after the last of them. Never rejects. */
  async refresh (): Promise<void> {
    (this.#options.source as { [ask]?: () => void })[ask]?.()
    await this.#loadAgain()
  }

  async #loadAgain (): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#load(LOAD_LIMIT).finally(() => { this.#running = undefined })
      return await this.#running
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      return this.#loadAgain()
    })
    await this.#next
  }

  /** The same; but before its first successful load it uses `known`. Never rejects. */
  async catchUp (known: SourceRevocations | undefined): Promise<void> {
    if (this.#hasLoaded) return await this.refresh()
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
    this.#loadAgain().catch(() => {})
  }

  async #load (limit: number): Promise<void> {
    clearTimeout(this.#retry)
    if (this.#closing.signal.aborted) return
    const { problem, content } = this
    try {
      await this.#loadContent(limit)
      this.#problem = undefined
      this.#isCached = false
      this.#hasLoaded = true
      this.#failures = 0
    } catch (thrown) {
      if (this.#closing.signal.aborted) return
      this.#problem = this.#failed(thrown)
      // A lack of descriptors is not the source's failure: a client that uses them up must not delay its own revocation.
      const failures = descriptors.areScarce(DESCRIPTORS) ? 1 : ++this.#failures
      this.#retry = setTimeout(() => { this.refresh().catch(() => {}) }, backoff(failures, FIRST_RETRY, LAST_RETRY, JITTER)).unref()
    }
    if (this.#closing.signal.aborted) return
    if (this.#problem?.message !== problem?.message || this.#content !== content) this.#options.onNews()
  }

  async #loadContent (limit: number): Promise<void> {
    const { source, reading, copy } = this.#options
    const known = this.#isKnown && performance.now() < this.#copyDue ? this.#content?.version : undefined
    const endLoan = descriptors.areScarce(DESCRIPTORS) ? descriptors.lendSome() : undefined
    const said = await this.#within(limit, (signal) => source.load(signal, known)).finally(endLoan)
    if (known !== undefined && said.version === known) return
    // First, since reading may transfer the bytes away.
    this.#copyDue = Infinity
    const saved = await copy?.prepare(said).catch(this.#reportCopy)
    try {
      const isSignedOnly = source.isSignedOnly === true
      const read = await readContent(said, this.#what, isSignedOnly, reading, this.#content)
      const isBroken = this.#isCached && read.problems.length > 0
      const content = isSignedOnly || isBroken ? this.#withReplaced(read) : read
      this.#content = content
      // A replayed older answer must not replace newer CRLs in the copy.
      if (saved === undefined || content.problems.length > 0 || isOlder(content.crls, this.#copied)) {
        await saved?.discard()
      } else {
        await saved.commit().catch(this.#reportCopy)
        this.#copied = content.crls
      }
    } catch (thrown) {
      await saved?.discard()
      throw thrown
    }
  }

  /**
   * On the way to a source of signed content, an attacker can substitute other signed content: the CRL of another
   * authority. So earlier CRLs without a successor stay in force. The same holds beside broken content, when only the
   * copy is known.
   */
  #withReplaced (read: SourceRevocations): SourceRevocations {
    const { all } = this.#options.reading.authorities
    const keys = new Set(all.map(({ identity }) => identity.spki))
    const held = this.#previousCrls ?? this.#content?.crls ?? []
    const series = new Set(read.crls.map(seriesKeyOf))
    const replaced = held.filter((known) => keys.has(known.signer) && !series.has(seriesKeyOf(known)))
    this.#previousCrls = replaced.length === 0 ? read.crls : held
    if (replaced.length === 0) return read
    const problem = new errors.FST_ENDPOINT_SOURCE_HELD(this.#what)
    return { ...read, crls: [...read.crls, ...replaced], problems: read.problems.length > 0 ? read.problems : [problem] }
  }

  /** Whether the content in force was read with the current authorities. */
  get #isKnown (): boolean {
    const authorities = this.#content?.authorities
    return authorities === undefined || authorities === this.#options.reading.authorities.digest
  }

  /** Does not wait for a source that ignores the signal. */
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
    // Not as the cause: the error of an app's source may hold secrets.
    return new errors.FST_ENDPOINT_SOURCE_FAILED(this.#what, withoutCredentials(reasonOf(thrown)))
  }
}

/** Whether one of the CRLs is older than a known one of its series. */
function isOlder (crls: readonly VerifiedCrl[], known: readonly VerifiedCrl[]): boolean {
  const series = new Map(known.map((one) => [seriesKeyOf(one), one]))
  return crls.some((one) => {
    const other = series.get(seriesKeyOf(one))
    return other !== undefined && isNewer(other.crl, one.crl)
  })
}
