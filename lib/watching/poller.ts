/**
 * Notices changes on the disk by polling.
 *
 * Events of the file system miss changes behind symbolic links, on network mounts and when the system has no more
 * watches. They only trigger a poll.
 *
 * Polling must cost the main thread little. A round looks at a limited number of paths, and the more paths there are,
 * the longer the pause. With many paths each round looks at some of them: the list and the folders before the files,
 * since a file that comes or goes changes its folder.
 */
import { join, sep } from 'node:path'
import { performance } from 'node:perf_hooks'
import { FolderHints } from './folder-hints.js'
import { changesAmong, type Observation } from './observation.js'

/** Milliseconds between two rounds. */
export const POLL_INTERVAL = 100

/** How much each round looks at, and how often. */
interface Pace {
  /** Paths that a round looks at. */
  readonly looks: number
  /** Measured milliseconds of the thread: to wake up for a round, and to look at one path. */
  readonly roundCost: number
  readonly lookCost: number
  /** The share of the thread's time that polling may take. */
  readonly share: number
  /** See `changesAmong`. */
  readonly changesAmong: (paths: readonly string[], before: ReadonlyMap<string, Observation>) => Changes | Promise<Changes>
}

const MAIN_THREAD: Pace = { looks: 60, roundCost: 0.2, lookCost: 0.012, share: 0.002, changesAmong }

/** Milliseconds between two rounds that hints cause. */
const HINT_INTERVAL = 20

export type Changes = ReadonlyMap<string, Observation>

interface PollerOptions {
  /** The minimum of milliseconds between two rounds. */
  interval: number
  /** By default, that of the main thread. */
  pace?: Pace
  /** Called at most once after each `watch`, with the changes. */
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
  /** Whether a round is running: there is never more than one, however long a file system hangs. */
  #looking = false
  #lastRound = 0
  #paused = true

  constructor ({ interval, pace = MAIN_THREAD, onChange }: PollerOptions) {
    this.#interval = interval
    this.#pace = pace
    this.#onChange = onChange
    this.#hints = new FolderHints((folder, name) => this.#handleHint(folder, name), (folder) => this.#lookAtAllIn(folder))
  }

  /**
   * Starts to poll for anything that differs from `observed`.
   *
   * @param named files that each round looks at, however many others there are (by default the first, which
   *   is the list)
   */
  watch (observed: ReadonlyMap<string, Observation>, named = firstPathOf(observed)): void {
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

  /** Stops polling until `watch`. */
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
      // Look again, since the load in between may have seen another state.
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

  /** A folder's content may have changed after the look at it, and before its watch began. */
  #lookAtAllIn (folder: string): void {
    if (this.#others.size === 0) return
    for (const path of this.#baseline.keys()) if (path.startsWith(`${folder}${sep}`)) this.#hinted.add(path)
    if (!this.#paused && !this.#looking) this.#schedule(HINT_INTERVAL)
  }

  #handleHint (folder: string, name: string | null): void {
    const path = join(folder, name ?? '')
    const isRead = this.#baseline.has(folder)
    // An observed path may go through a link in a folder that is not read itself.
    if (!isRead && !this.#baseline.has(path) && name !== null && !name.startsWith('..')) return
    if (isRead) this.#hinted.add(folder)
    if (this.#baseline.has(path)) this.#hinted.add(path)
    const wait = this.#lastRound + HINT_INTERVAL - performance.now()
    // Hints during a round are part of the next one.
    if (!this.#looking && !this.#paused) this.#schedule(Math.max(wait, 0))
  }
}

function firstPathOf (observed: ReadonlyMap<string, Observation>): ReadonlySet<string> {
  const [first] = observed.keys()
  return new Set(first === undefined ? [] : [first])
}

/** Gives a few of many items at a time, in turn. */
class Rotation {
  readonly #items: readonly string[]
  #position: number

  constructor (items: readonly string[], position = 0) {
    this.#items = items
    this.#position = position
  }

  /** The same position among other items. */
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
