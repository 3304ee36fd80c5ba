/** The files of a list: up to 500 are read and watched on the main thread, more of them by the worker. */
import { lstat } from 'node:fs/promises'
import { errors } from '../../errors.js'
import { readSettledFile } from '../../files.js'
import type { Lookout } from '../../watching/follower.js'
import { look, type Observation } from '../../watching/observation.js'
import { type Changes, POLL_INTERVAL } from '../../watching/poller.js'
import type { FileHost } from './host.js'
import { type FilesFound, type FilesPart, type FilesRequest, MatchedFiles, TooManyFiles } from './matched-files.js'
import type { ReaderThread } from '../thread/reader-thread.js'
import type { RemoteFiles } from '../thread/remote-files.js'
import { volumeOf } from './volume.js'

interface ListFilesOptions {
  readonly reader: ReaderThread
  /** The least milliseconds between two looks at the disk. */
  readonly interval?: number
}

interface ListFilesRequest extends Omit<FilesRequest, 'before' | 'changed'> {
  /** Whether all files are looked at again, and not only what was seen to change. */
  readonly isWhole: boolean
  /** The round that gave what is in force; undefined if nothing is. */
  readonly since: number | undefined
  /** The files of each pattern that are in force; asked for only if they are not known here. */
  readonly before: () => ReadonlyMap<string, readonly string[]>
}

export interface ListFilesResult extends FilesFound {
  readonly round: number
  /** What the caller must look at: nothing, if the thread does. */
  readonly observed: ReadonlyMap<string, Observation>
  readonly isRacy: boolean
}

type Take = (part: FilesPart) => void

export class ListFiles implements Lookout {
  readonly #options: ListFilesOptions
  #here: MatchedFiles
  #there: RemoteFiles | undefined
  /** Whether there are too many here, for lack of a thread. */
  #isCrowded = false
  #rounds = 0
  /** The last round; undefined while there is one, and after one that failed. */
  #round: number | undefined
  #isClosed = false

  constructor (options: ListFilesOptions) {
    this.#options = options
    this.#here = new MatchedFiles(mainThread(options.reader))
  }

  /** Another one that knows what this one knows. The round in which both are is the same, those after it are not. */
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
   * Finds the files, and reads what has changed; see `MatchedFiles`.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile: the next round reports everything again.
   *   FST_ENDPOINT_CLOSED after `close`
   */
  async refresh ({ isWhole, since, before, ...request }: ListFilesRequest, take: Take): Promise<ListFilesResult> {
    // Without these, what cannot be found now would be taken for gone.
    const whole = (): FilesRequest => ({ ...request, before: before() })
    const mustOpen = this.#there?.isEnded === true || this.#isCrowded
    const isKnown = !(mustOpen && this.#open()) && since !== undefined && since === this.#round
    this.#round = undefined
    const found = await this.#find(isKnown ? request : whole(), isWhole, take).catch(async (thrown: unknown) => {
      if (!(thrown instanceof TooManyFiles)) throw thrown
      this.#open()
      return await this.#find(whole(), isWhole, take)
    })
    this.#round = ++this.#rounds
    return { ...found, round: this.#round }
  }

  watch (onChange: (changes: Changes) => void): void {
    // A failed round is tried again in any case, and less often.
    if (this.#round !== undefined) this.#there?.watch(this.#options.interval ?? POLL_INTERVAL, onChange)
  }

  pause (): void {
    this.#there?.pause()
  }

  close (): void {
    this.#isClosed = true
    this.#there?.close()
  }

  async #find (request: FilesRequest, isWhole: boolean, take: Take): Promise<Omit<ListFilesResult, 'round'>> {
    if (this.#there !== undefined) return { ...await this.#there.refresh(request, isWhole, take), observed: new Map() }
    return { ...await this.#here.refresh(request, take), observed: this.#here.observed, isRacy: false }
  }

  /**
   * Moves the files to a thread. If none can be started, any number of them is read here until one can.
   *
   * @returns whether they are in another place now, where nothing is known of them
   */
  #open (): boolean {
    if (this.#isClosed) throw new errors.FST_ENDPOINT_CLOSED()
    const { reader } = this.#options
    this.#there = reader.openFiles()
    if (this.#there === undefined && this.#isCrowded) return false
    this.#isCrowded = this.#there === undefined
    this.#here = new MatchedFiles({ ...mainThread(reader), ...(this.#isCrowded && { most: Infinity }) })
    return true
  }
}

/** Files that are read on the main thread, if there is another: to look at them all takes it some 30 ms. */
const MOST_HERE = 500
/** The thread pool of Node has four threads; more files at a time would only hold more memory. */
const FILES_AT_A_TIME = 8

export function mainThread (reader: ReaderThread): FileHost {
  return {
    most: MOST_HERE,
    atATime: FILES_AT_A_TIME,
    look,
    isGone: (path) => lstat(path).then(() => false, () => true),
    volumeOf,
    expect: (bytes) => { reader.prepare(bytes) },
    read: readSettledFile,
    revocations: (file) => reader.read(file),
    rest () {}
  }
}
