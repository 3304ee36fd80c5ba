/**
 * The sources that the lines of one list name. Each is opened with its line, and closed when the line is gone.
 */
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { errors, isCoded, located, reasonOf } from '../../errors.js'
import type { RevocationSourceFactory } from '../../../types/revocation-source.js'
import type { SourceEntry } from '../list/list-file.js'
import { listName } from '../list/last-good-list.js'
import type { SourcedKeys } from '../set/set-keys.js'
import type { RevocationOrigin } from '../../../types/revocation.js'
import type { SourcedCrl } from '../crl/series.js'
import { openCache } from './cache-folder.js'
import { CachedCopy } from './cached-copy.js'
import { FollowedSource } from './followed-source.js'
import { CDP, LinePoints } from './points/cdp-line.js'
import type { ContentOptions, SourceRevocations } from './content.js'
import { type LinePlace, sourceName, withoutCredentials } from './source-name.js'

export interface SourcesOptions {
  /** The factories of sources, by the word before the colon. */
  readonly factories: Readonly<Record<string, RevocationSourceFactory>>
  /** Where copies are kept (nowhere). */
  readonly cacheDir?: string | undefined
  /** Milliseconds that sources may take at a start (30,000). */
  readonly startLimit?: number | undefined
  /** When the start began, by `performance.now()`: what came before the sources counts too (when the sources are opened). */
  readonly startedAt?: number | undefined
  readonly log?: { warn (details: object, message: string): void } | undefined
}

interface LineSourcesOptions extends SourcesOptions, Omit<ContentOptions, 'accepts'> {
  /** Absolute path of the list. */
  readonly list: string
}

/** What the sources contribute to the set, and their problems. */
export interface SourcesResult {
  readonly crls: readonly SourcedCrl[]
  /** The CRLs of the copies: at a start, what was in force before. */
  readonly copied: readonly SourcedCrl[]
  readonly keys: readonly SourcedKeys[]
  /** Certificates and keys. */
  readonly count: number
  readonly problems: readonly Error[]
  readonly warnings: readonly string[]
  /** Each source, for reports. */
  readonly sources: readonly SourceState[]
}

/** One source with its content in force. */
export interface SourceState {
  /** Undefined if no line names it any more. */
  readonly line: number | undefined
  /** Without credentials. */
  readonly name: string
  /** Undefined if it has returned nothing usable. */
  readonly content: SourceRevocations | undefined
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
  readonly #previous: LineSources | undefined
  readonly #named = new Map<string, Named>()
  readonly #starting = new Set<Promise<void>>()
  /** Whether a source was opened since the last `hasNews` or `refresh`. */
  #isAnyOpened = false
  #points: LinePoints | undefined
  /** The line `cdp:`. */
  #cdp: number | undefined
  #isFirst = true
  #isClosed = false
  #hasNews = false
  #onNews: (() => void) | undefined

  /** @param previous the sources for other authorities: their content is used while a source cannot be loaded */
  constructor (options: LineSourcesOptions, previous?: LineSources) {
    this.#options = options
    this.#previous = previous
  }

  /** The words, before a colon, that lines with a source begin with. */
  get words (): ReadonlySet<string> {
    return new Set([...Object.keys(this.#options.factories), 'cdp'])
  }

  /**
   * Follows the sources of these lines, and no others. The first call waits for their first content, but not if
   * authorities were only removed: a slow source must not keep the clients of a removed authority connected, and the
   * previous content already contains all that fewer authorities can verify.
   *
   * A source that is no longer named stays until all named ones have loaded: entries that move to another source stay
   * revoked meanwhile.
   *
   * @throws FST_ENDPOINT_CACHE
   */
  async follow (entries: readonly SourceEntry[]): Promise<void> {
    const { cacheDir, startLimit = START_LIMIT, startedAt = performance.now() } = this.#options
    const isFirst = this.#isFirst
    const isAwaited = isFirst && !this.#isNarrower
    this.#isFirst = false
    if (isFirst && cacheDir !== undefined && entries.length > 0) await openCache(cacheDir)
    const ends = (this.#previous === undefined ? startedAt : performance.now()) + startLimit
    let lines: ReadonlyMap<string, number>
    // The CRL of one point may name another. `LinePoints` limits how far they lead.
    do {
      if (isAwaited) await Promise.all(this.#starting)
      lines = this.#linesOf(entries)
    } while (this.#open(lines, isAwaited ? Math.max(ends - performance.now(), 1) : undefined))
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

  /** Whether the previous sources were for all of these authorities, and perhaps for more. */
  get #isNarrower (): boolean {
    return this.#previous !== undefined && this.#options.authorities.isWithin(this.#previous.#options.authorities)
  }

  /** The sources that lines name, and the points found so far, with their line numbers. */
  #linesOf (entries: readonly SourceEntry[]): Map<string, number> {
    const lines = new Map<string, number>()
    for (const { value, line } of entries) if (!lines.has(value)) lines.set(value, line)
    this.#cdp = lines.get(CDP)
    lines.delete(CDP)
    if (this.#cdp === undefined) return lines
    this.#points ??= new LinePoints(this.#options.authorities)
    const where = `${listName(this.#options.list)} line ${this.#cdp}`
    const crlsOf = (value: string): SourceRevocations['crls'] => this.contentOf(value)?.crls ?? []
    for (const value of this.#points.find(where, [...lines.keys()], crlsOf)) lines.set(value, this.#cdp)
    return lines
  }

  /** Opens the sources that are not open yet. Returns whether there were any. */
  #open (lines: ReadonlyMap<string, number>, limit: number | undefined): boolean {
    if (this.#isClosed) return false
    let isAny = false
    for (const [value, line] of lines) {
      const known = this.#named.get(value)
      if (known !== undefined) {
        known.line = line
        continue
      }
      isAny = true
      const made = this.#make(value, line)
      this.#named.set(value, made)
      if (made.followed === undefined) continue
      const starting = made.followed.start(limit).finally(() => { this.#starting.delete(starting) })
      this.#starting.add(starting)
      this.#isAnyOpened = true
    }
    return isAny
  }

  /** @param isStart whether the copy of an unreachable source is enough, as at a start */
  collect (isStart: boolean): SourcesResult {
    const { list } = this.#options
    const named = [...this.#named.values()]
    const points = this.#cdp === undefined ? undefined : this.#points
    const problems: Error[] = (points?.problems ?? []).map((problem) => located(problem, { file: list, line: this.#cdp as number }))
    const warnings: string[] = [...points?.warnings ?? []]
    const crls: SourcedCrl[] = []
    const copied: SourcedCrl[] = []
    const found: SourcedKeys[] = []
    let count = 0
    for (const { followed, line, problem = followed?.problem } of named) {
      const location = { file: list, ...(line !== undefined && { line }) }
      const { crls: own = [], problems: inside = [], warnings: remarks = [], keys = [] } = followed?.content ?? {}
      if (problem !== undefined && isStart && followed?.isCached === true) {
        warnings.push(`${problem.message}; its copy in cacheDir is in force`)
      } else if (problem !== undefined) problems.push(located(problem, location))
      for (const one of inside) {
        if (isStart && followed?.hasCopy === true) warnings.push(`${one.message}; its copy in cacheDir is in force as well`)
        else problems.push(located(one, location))
      }
      warnings.push(...remarks)
      const source = this.#origin(line, followed)
      for (const table of keys) {
        count += table.size
        found.push({ table, source })
      }
      for (const crl of own) crls.push({ ...crl, source })
      for (const crl of followed?.copied ?? []) copied.push({ ...crl, source })
    }
    const sources = [...this.#named].map(([value, { line, followed }]) => ({
      line,
      name: followed?.name ?? sourceName(value),
      content: followed?.content
    }))
    return { crls, copied, keys: found, count, problems, warnings, sources }
  }

  /** Calls back once a source has reported something that `collect` did not include. */
  onNews (call: () => void): void {
    this.#onNews = call
    if (this.#hasNews) call()
  }

  /** Loads all sources again, and waits for them. Never rejects: see `collect`. */
  async refresh (): Promise<void> {
    this.#isAnyOpened = false
    await Promise.all([...this.#named.values()].map(({ followed }) => followed?.refresh()))
  }

  /** The same, but a source that has not loaded yet uses the content of its previous one. */
  async catchUp (): Promise<void> {
    await Promise.all([...this.#named].map(([value, { followed }]) => followed?.catchUp(this.#previous?.contentOf(value))))
  }

  /** Waits for the sources opened since `refresh`, or since the last call. @returns whether there were any */
  async hasNews (): Promise<boolean> {
    // Includes sources that have loaded by now: the load that opened them has not seen their content.
    const isAny = this.#isAnyOpened
    this.#isAnyOpened = false
    await Promise.all(this.#starting)
    return isAny
  }

  /** The content in force of the source of a line. */
  contentOf (value: string): SourceRevocations | undefined {
    return this.#named.get(value)?.followed?.content
  }

  close (): void {
    this.#isClosed = true
    this.#onNews = undefined
    for (const { followed } of this.#named.values()) followed?.close().catch(() => {})
    this.#named.clear()
  }

  #make (value: string, line: number): Named {
    const { list, factories, cacheDir, limits, log, authorities, reader } = this.#options
    const word = value.slice(0, value.indexOf(':')).toLowerCase()
    try {
      const points = value.startsWith(CDP) ? this.#points : undefined
      const open: RevocationSourceFactory | undefined = points === undefined ? factories[word] : (...args) => points.open(...args)
      if (open === undefined) throw new Error('this kind of source is unknown')
      const source = open(value, { folder: dirname(list), limits, ...(log !== undefined && { log }), ...whereIs(list, line) })
      const copy = cacheDir === undefined ? undefined : new CachedCopy(cacheDir, value, 2 * limits.fileBytes)
      const onNews = (): void => {
        this.#hasNews = true
        this.#onNews?.()
      }
      const previous = this.#previous?.contentOf(value)
      return {
        line,
        followed: new FollowedSource({
          source, reading: { authorities, reader, limits, accepts: points?.filterFor(value) }, copy, previous, onNews, log
        })
      }
    } catch (thrown) {
      const what = `${listName(list)} line ${line}: source ${sourceName(value)}`
      const problem = isCoded(thrown) ? thrown : new errors.FST_ENDPOINT_SOURCE_INVALID(what, withoutCredentials(reasonOf(thrown)))
      return { line, followed: undefined, problem }
    }
  }

  #origin (line: number | undefined, followed: FollowedSource | undefined): RevocationOrigin {
    return { list: this.#options.list, ...(line !== undefined && { line }), ...(followed !== undefined && { source: followed.name }) }
  }
}

/** For the messages of sources of this package. */
function whereIs (list: string, line: number): object {
  return { what: `${listName(list)} line ${line}`, location: { file: list, line } } satisfies LinePlace
}
