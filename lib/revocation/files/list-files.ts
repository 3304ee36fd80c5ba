/** The files of a list: up to 500 are read and watched on the main thread, more of them by the worker. */
import { lstat } from 'node:fs/promises'
import { errors } from '../../errors.js'
import { readSettledFile } from '../../files.js'
import type { Lookout } from '../../watching/follower.js'
import { look, type Observation } from '../../watching/observation.js'
import { type Changes, POLL_INTERVAL } from '../../watching/poller.js'
import type { FileHost } from './host.js'
import { type RoundResult, type FilesPart, type FilesRequest, MatchedFiles, TooManyFiles } from './matched-files.js'
import type { ReaderThread } from '../thread/reader-thread.js'
import type { RemoteFiles } from '../thread/remote-files.js'
import { volumeOf } from './volume.js'

interface ListFilesOptions {
  readonly reader: ReaderThread
  /** At least so many milliseconds are between two looks at the disk. */
  readonly interval?: number
}

interface ListFilesRequest extends Omit<FilesRequest, 'inForce' | 'changed'> {
  /** Whether to look at all files again, and not only at those that were seen to change. */
  readonly isWhole: boolean
  /** The round whose result is in force; undefined if nothing is in force. */
  readonly since: number | undefined
  /** The files in force, by pattern; called only if this has not reported them itself. */
  readonly inForce: () => ReadonlyMap<string, readonly string[]>
}

export interface ListFilesResult extends RoundResult {
  readonly round: number
  /** What the caller must watch: nothing if the thread does. */
  readonly observed: ReadonlyMap<string, Observation>
  readonly isRacy: boolean
}

type OnPart = (part: FilesPart) => void

export class ListFiles implements Lookout {
  readonly #options: ListFilesOptions
  #here: MatchedFiles
  #there: RemoteFiles | undefined
  /** Whether too many files are read here, because no thread could be started. */
  #isCrowded = false
  #rounds = 0
  /** The last round; undefined during a round, and after one that failed. */
  #round: number | undefined
  #isClosed = false

  constructor (options: ListFilesOptions) {
    this.#options = options
    this.#here = new MatchedFiles(mainThread(options.reader))
  }

  /** A copy that knows the same files. Both have the last round in common, and no later one. */
  fork (): ListFiles {
    const fork = new ListFiles(this.#options)
    fork.#here = this.#here.fork()
    fork.#there = this.#there?.fork()
    fork.#isCrowded = this.#isCrowded
    fork.#rounds = this.#rounds
    fork.#round = this.#round
    return fork
  }

  /**
   * Finds the files, and reads those that have changed; see `MatchedFiles`.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile: the next round reports everything again.
   *   FST_ENDPOINT_CLOSED if it would have to start a thread after `close`
   */
  async refresh ({ isWhole, since, inForce, ...request }: ListFilesRequest, onPart: OnPart): Promise<ListFilesResult> {
    // Without the files in force, one that cannot be found now would count as removed.
    const whole = (): FilesRequest => ({ ...request, inForce: inForce() })
    const mustOpen = this.#there?.isEnded === true || this.#isCrowded
    const isKnown = !(mustOpen && this.#open()) && since !== undefined && since === this.#round
    this.#round = undefined
    const found = await this.#find(isKnown ? request : whole(), isWhole, onPart).catch(async (thrown: unknown) => {
      if (!(thrown instanceof TooManyFiles)) throw thrown
      this.#open()
      return await this.#find(whole(), isWhole, onPart)
    })
    this.#round = ++this.#rounds
    return { ...found, round: this.#round }
  }

  watch (onChange: (changes: Changes) => void): void {
    // A failed round is repeated in any case, with a backoff.
    if (this.#round !== undefined) this.#there?.watch(this.#options.interval ?? POLL_INTERVAL, onChange)
  }

  pause (): void {
    this.#there?.pause()
  }

  close (): void {
    this.#isClosed = true
    this.#there?.close()
  }

  async #find (request: FilesRequest, isWhole: boolean, onPart: OnPart): Promise<Omit<ListFilesResult, 'round'>> {
    if (this.#there !== undefined) return { ...await this.#there.refresh(request, isWhole, onPart), observed: new Map() }
    return { ...await this.#here.refresh(request, onPart), observed: this.#here.observed, isRacy: false }
  }

  /**
   * Moves the files to a thread. If none can be started, any number of them is read here until one can.
   *
   * @returns whether they have moved, so that their state is lost
   */
  #open (): boolean {
    if (this.#isClosed) throw new errors.FST_ENDPOINT_CLOSED()
    const { reader } = this.#options
    this.#there = reader.openFiles()
    if (this.#there === undefined && this.#isCrowded) return false
    this.#isCrowded = this.#there === undefined
    this.#here = new MatchedFiles({ ...mainThread(reader), ...(this.#isCrowded && { capacity: Infinity }) })
    return true
  }
}

/** More files than this are left to the worker: to look at so many takes the main thread some 30 ms. */
const MOST_HERE = 500
/** Node's thread pool has four threads: more files at a time would only hold more memory. */
const FILES_AT_A_TIME = 8

export function mainThread (reader: ReaderThread): FileHost {
  return {
    capacity: MOST_HERE,
    concurrency: FILES_AT_A_TIME,
    look,
    isGone: (path) => lstat(path).then(() => false, () => true),
    volumeOf,
    announce: (bytes) => { reader.prepare(bytes) },
    read: readSettledFile,
    revocations: (file) => reader.read(file),
    yieldTurn () {}
  }
}
