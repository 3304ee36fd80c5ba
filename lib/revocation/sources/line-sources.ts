/**
 * The sources that the lines of one list name: opened with their line, and closed when it is gone.
 */
import { dirname } from 'node:path'
import { errors, located, reasonOf } from '../../errors.js'
import type { RevocationSourceFactory } from '../../../types/revocation-source.js'
import type { SourceEntry } from '../list-file.js'
import { listName } from '../list-reading.js'
import type { RevocationEntry, RevocationSource as Origin } from '../revocation-set.js'
import type { SourcedCrl } from '../crl/series.js'
import { CachedCopy, openCache } from './cached-copy.js'
import { FollowedSource } from './followed-source.js'
import type { ContentReading, SourceRevocations } from './source-content.js'
import { sourceName, withoutCredentials } from './source-name.js'

export interface SourcesOptions {
  /** How to make sources, by the word before the colon. */
  readonly factories: Readonly<Record<string, RevocationSourceFactory>>
  /** Where copies are kept (nowhere). */
  readonly cacheDir?: string | undefined
  /** Milliseconds that sources may take at a start (30,000). */
  readonly startLimit?: number | undefined
  readonly log?: { warn (details: object, message: string): void } | undefined
}

export interface LineSourcesOptions extends SourcesOptions, ContentReading {
  /** Absolute path of the list. */
  readonly list: string
}

/** What the sources hold that is in force, and what is wrong with them. */
export interface SourcesFound {
  readonly crls: readonly SourcedCrl[]
  /** Those of the copies: at a start, what was in force before. */
  readonly copied: readonly SourcedCrl[]
  entries (): Iterable<RevocationEntry>
  /** Certificates and keys. */
  readonly count: number
  readonly problems: readonly Error[]
  readonly warnings: readonly string[]
}

const START_LIMIT = 30_000

interface Named {
  line: number | undefined
  readonly followed: FollowedSource | undefined
  /** Why there is no source. */
  readonly problem?: Error
}

export class LineSources {
  readonly #options: LineSourcesOptions
  readonly #before: LineSources | undefined
  readonly #named = new Map<string, Named>()
  readonly #starting = new Set<Promise<void>>()
  #isFirst = true
  #hasNews = false
  #onNews: (() => void) | undefined

  /** @param before those of another set of authorities, whose content stands in for what cannot be loaded */
  constructor (options: LineSourcesOptions, before?: LineSources) {
    this.#options = options
    this.#before = before
  }

  /** The words, before a colon, that lines with a source begin with. */
  get words (): ReadonlySet<string> {
    return new Set(Object.keys(this.#options.factories))
  }

  /**
   * Follows the sources of these lines, and those of no other. The first time their first content is waited for.
   *
   * A source that is no longer named stays until all that are have been heard: what is moved to another place
   * is revoked all the while.
   *
   * @throws FST_ENDPOINT_CACHE
   */
  async follow (entries: readonly SourceEntry[]): Promise<void> {
    const { cacheDir, startLimit = START_LIMIT } = this.#options
    const isFirst = this.#isFirst
    this.#isFirst = false
    if (isFirst && cacheDir !== undefined && entries.length > 0) await openCache(cacheDir)
    const lines = new Map<string, number>()
    for (const { value, line } of entries) if (!lines.has(value)) lines.set(value, line)
    for (const [value, line] of lines) {
      const known = this.#named.get(value)
      if (known !== undefined) {
        known.line = line
        continue
      }
      const made = this.#make(value, line)
      this.#named.set(value, made)
      if (made.followed === undefined) continue
      const starting = made.followed.start(isFirst ? startLimit : undefined).finally(() => { this.#starting.delete(starting) })
      this.#starting.add(starting)
    }
    if (isFirst) await Promise.all(this.#starting)
    const isHeard = [...lines.keys()].every((value) => this.#named.get(value)?.followed?.content !== undefined)
    for (const [value, named] of this.#named) {
      if (lines.has(value)) continue
      if (!isHeard && named.followed?.content !== undefined) {
        named.line = undefined
        continue
      }
      this.#named.delete(value)
      named.followed?.close().catch(() => {})
    }
  }

  /** @param isStart whether the copy of a source that cannot be heard is good enough to start from */
  found (isStart: boolean): SourcesFound {
    const { list } = this.#options
    const named = [...this.#named.values()]
    const problems: Error[] = []
    const warnings: string[] = []
    const crls: SourcedCrl[] = []
    const copied: SourcedCrl[] = []
    let count = 0
    for (const { followed, line, problem = followed?.problem } of named) {
      const location = { file: list, ...(line !== undefined && { line }) }
      const { crls: own = [], problems: inside = [], warnings: told = [], keys = [], tbs = [] } = followed?.content ?? {}
      if (problem !== undefined && isStart && followed?.isCached === true) warnings.push(`${problem.message}; the copy of it in cacheDir is in force`)
      else if (problem !== undefined) problems.push(located(problem, location))
      for (const one of inside) problems.push(located(one, location))
      warnings.push(...told)
      count += keys.length + tbs.length
      const source = this.#origin(line, followed)
      for (const crl of own) crls.push({ ...crl, source })
      for (const crl of followed?.copied ?? []) copied.push({ ...crl, source })
    }
    return { crls, copied, entries: () => this.#entries(named), count, problems, warnings }
  }

  /** Whether something was heard of that `found` did not tell of, now or later. */
  onNews (call: () => void): void {
    this.#onNews = call
    if (this.#hasNews) call()
  }

  /** Asks all sources anew, and waits for them. Never rejects: see `found`. */
  async refresh (): Promise<void> {
    await Promise.all([...this.#named.values()].map(({ followed }) => followed?.refresh()))
  }

  /** Waits for those that were opened since the start and have not been heard yet. Whether there were any. */
  async heard (): Promise<boolean> {
    const starting = [...this.#starting]
    await Promise.all(starting)
    return starting.length > 0
  }

  /** What the source of a line has said that is in force. */
  contentOf (value: string): SourceRevocations | undefined {
    return this.#named.get(value)?.followed?.content
  }

  close (): void {
    this.#onNews = undefined
    for (const { followed } of this.#named.values()) followed?.close().catch(() => {})
    this.#named.clear()
  }

  #make (value: string, line: number): Named {
    const { list, factories, cacheDir, limits, log, authorities, reader } = this.#options
    const word = value.slice(0, value.indexOf(':')).toLowerCase()
    try {
      const factory = factories[word]
      if (factory === undefined) throw new Error('no source of this kind is known')
      const source = factory(value, { folder: dirname(list), limits, ...(log !== undefined && { log }) })
      const copy = cacheDir === undefined ? undefined : new CachedCopy(cacheDir, value, 2 * limits.fileBytes)
      const onNews = (): void => {
        this.#hasNews = true
        this.#onNews?.()
      }
      const before = this.#before?.contentOf(value)
      return { line, followed: new FollowedSource({ source, reading: { authorities, reader, limits }, copy, before, onNews, log }) }
    } catch (thrown) {
      const what = `${listName(list)} line ${line}: source ${sourceName(value)}`
      const problem = isCoded(thrown) ? thrown : new errors.FST_ENDPOINT_SOURCE_INVALID(what, withoutCredentials(reasonOf(thrown)))
      return { line, followed: undefined, problem }
    }
  }

  * #entries (named: readonly Named[]): Generator<RevocationEntry> {
    for (const { followed, line } of named) {
      const { keys = [], tbs = [] } = followed?.content ?? {}
      const source = this.#origin(line, followed)
      for (const { kind, value } of keys) yield { kind, value, source }
      for (const value of tbs) yield { kind: 'tbs', value, source }
    }
  }

  #origin (line: number | undefined, followed: FollowedSource | undefined): Origin {
    return { list: this.#options.list, ...(line !== undefined && { line }), ...(followed !== undefined && { source: followed.name }) }
  }
}

function isCoded (thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code) in errors
}
