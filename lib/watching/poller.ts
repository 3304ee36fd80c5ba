/**
 * Seeing that something changed on the disk.
 *
 * By looking, again and again: events of the file system miss what happens behind symbolic links, on
 * network mounts and where the system has run out of them. Events are taken as a hint to look at once.
 *
 * Looking costs the main thread little, and is kept little: a round looks at so many paths at most, and
 * takes its turn the later the more they are. With many paths each round looks at some of them, the list
 * and the folders before the files, since files come and go in their folders.
 */
import { join, sep } from 'node:path'
import { performance } from 'node:perf_hooks'
import { FolderHints } from './folder-hints.js'
import { changesAmong, type Observation } from './observation.js'

/** Milliseconds between two rounds. */
export const POLL_INTERVAL = 100

/** How much is looked at, and how often. */
interface Pace {
  /** Paths that a round looks at. */
  readonly looks: number
  /** Milliseconds of the thread, as measured: to wake up for a round, and to look at one path. */
  readonly roundCost: number
  readonly lookCost: number
  /** The share of the thread that may be spent. */
  readonly share: number
  /** See `changesAmong`. */
  readonly changesAmong: (paths: readonly string[], before: ReadonlyMap<string, Observation>) => Changes | Promise<Changes>
}

const MAIN_THREAD: Pace = { looks: 60, roundCost: 0.2, lookCost: 0.012, share: 0.002, changesAmong }

/** Milliseconds between two rounds that hints ask for. */
const HINT_INTERVAL = 20

export type Changes = ReadonlyMap<string, Observation>

interface PollerOptions {
  /** The least milliseconds between two rounds. */
  interval: number
  /** That of the main thread, if it is not given. */
  pace?: Pace
  /** Called once after each `watch`, with what looks otherwise than it did. */
  onChange: (changes: Changes) => void
}

export class Poller {
  readonly #interval: number
  readonly #pace: Pace
  readonly #onChange: (changes: Changes) => void
  readonly #hints: FolderHints
  #wait = POLL_INTERVAL
  #baseline: ReadonlyMap<string, Observation> = new Map()
  #first: Rotation = new Rotation([])
  #others: Rotation = new Rotation([])
  #hinted = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  /** Set while a round is under way: there is never more than one, however long a file system hangs. */
  #looking = false
  #lastRound = 0
  #paused = true

  constructor ({ interval, pace = MAIN_THREAD, onChange }: PollerOptions) {
    this.#interval = interval
    this.#pace = pace
    this.#onChange = onChange
    this.#hints = new FolderHints((folder, name) => this.#takeHint(folder, name), (folder) => this.#lookAtAllIn(folder))
  }

  /**
   * Starts to look, for anything that differs from what was observed.
   *
   * @param named files that do not wait for their turn among many: the first, if it is not given, since the list
   *   is what is observed before all else
   */
  watch (observed: ReadonlyMap<string, Observation>, named = firstOf(observed)): void {
    this.#baseline = observed
    const { looks, roundCost, lookCost, share } = this.#pace
    const first: string[] = []
    const others: string[] = []
    for (const [path, seen] of observed) {
      const isFile = 'kind' in seen && seen.kind === 'file' && !named.has(path) && observed.size > looks
      if (isFile) others.push(path)
      else first.push(path)
    }
    this.#first = this.#first.over(first)
    this.#others = this.#others.over(others)
    this.#paused = false
    this.#wait = Math.max(this.#interval, (roundCost + lookCost * Math.min(observed.size, looks)) / share)
    this.#hints.watch(observed)
    this.#scheduleNext()
  }

  /** Stops to look, until `watch`. */
  pause (): void {
    this.#paused = true
    clearTimeout(this.#timer)
  }

  close (): void {
    this.pause()
    this.#hints.close()
  }

  #scheduleNext (): void {
    this.#schedule(this.#hinted.size > 0 ? HINT_INTERVAL : this.#wait)
  }

  #schedule (delay: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { this.#round() }, delay).unref()
  }

  async #round (): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    this.#lastRound = performance.now()
    const baseline = this.#baseline
    const changes = await this.#pace.changesAmong(this.#nextPaths(), baseline)
    this.#looking = false
    if (this.#paused || baseline !== this.#baseline) {
      // It is looked at again: what is loaded meanwhile may be something else.
      for (const path of changes.keys()) this.#hinted.add(path)
    }
    if (this.#paused) return
    if (baseline !== this.#baseline || changes.size === 0) return this.#scheduleNext()
    this.pause()
    this.#onChange(changes)
  }

  #nextPaths (): readonly string[] {
    const { looks } = this.#pace
    const hinted: string[] = []
    for (const path of this.#hinted) {
      if (hinted.length === looks) break
      this.#hinted.delete(path)
      if (this.#baseline.has(path)) hinted.push(path)
    }
    if (hinted.length === 0 && this.#others.size === 0) return this.#first.next(looks)
    const first = this.#first.next(Math.max(looks / 2, looks - this.#others.size))
    const others = this.#others.next(looks - first.length)
    return [...new Set([...hinted, ...first, ...others])]
  }

  /** What stands in a folder may have changed after it was looked at, and before the folder was watched. */
  #lookAtAllIn (folder: string): void {
    if (this.#others.size === 0) return
    for (const path of this.#baseline.keys()) if (path.startsWith(`${folder}${sep}`)) this.#hinted.add(path)
    if (!this.#paused && !this.#looking) this.#schedule(HINT_INTERVAL)
  }

  #takeHint (folder: string, name: string | null): void {
    const path = join(folder, name ?? '')
    const isRead = this.#baseline.has(folder)
    // In a folder that is not read, its links may still be what an observed path goes through.
    if (!isRead && !this.#baseline.has(path) && name !== null && !name.startsWith('..')) return
    if (isRead) this.#hinted.add(folder)
    if (this.#baseline.has(path)) this.#hinted.add(path)
    const wait = this.#lastRound + HINT_INTERVAL - performance.now()
    // What is told of meanwhile is looked at as soon as anything is.
    if (!this.#looking && !this.#paused) this.#schedule(Math.max(wait, 0))
  }
}

function firstOf (observed: ReadonlyMap<string, Observation>): ReadonlySet<string> {
  const [first] = observed.keys()
  return new Set(first === undefined ? [] : [first])
}

/** Some of many, each in its turn. */
class Rotation {
  readonly #items: readonly string[]
  #position: number

  constructor (items: readonly string[], position = 0) {
    this.#items = items
    this.#position = position
  }

  /** Others, among which it goes on where it was. */
  over (items: readonly string[]): Rotation {
    return new Rotation(items, this.#position % Math.max(items.length, 1))
  }

  get size (): number {
    return this.#items.length
  }

  next (count: number): readonly string[] {
    if (count >= this.#items.length) return this.#items
    const start = this.#position
    this.#position = (start + count) % this.#items.length
    const taken = this.#items.slice(start, start + count)
    return [...taken, ...this.#items.slice(0, count - taken.length)]
  }
}
