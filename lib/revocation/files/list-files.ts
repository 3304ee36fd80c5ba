/**
 * The files of a list: few are read where the list is, many in the thread, which then follows them too.
 */
import { lstat } from 'node:fs/promises'
import { readSettledFile } from '../../files.js'
import type { Lookout } from '../../watching/follower.js'
import { look, type Observation } from '../../watching/observation.js'
import { type Changes, POLL_INTERVAL } from '../../watching/poller.js'
import type { FileHost } from './host.js'
import { type FilesFound, type FilesPart, type FilesRequest, MatchedFiles, TooManyFiles } from './matched-files.js'
import type { ReaderThread, RemoteFiles } from '../thread/reader-thread.js'
import { volumeOf } from './volume.js'

export interface ListFilesOptions {
  readonly reader: ReaderThread
  /** The least milliseconds between two looks at the disk. */
  readonly interval?: number
}

export interface ListFilesRequest extends Omit<FilesRequest, 'before' | 'changed'> {
  /** Whether all files are looked at again, and not only what was seen to change. */
  readonly isWhole: boolean
  /** What the last round gave that is in force; undefined if nothing is. */
  readonly since: FilesState | undefined
  /** The files of each pattern that are in force; asked for only if nobody else knows. */
  readonly before: () => ReadonlyMap<string, readonly string[]>
}

/** What stands for the state of all files after a round. */
export interface FilesState {
  readonly source: ListFiles
}

export interface ListFilesResult extends FilesFound {
  readonly state: FilesState
  /** What is to be looked at by who has asked: nothing, if the thread does. */
  readonly observed: ReadonlyMap<string, Observation>
  readonly isRacy: boolean
}

export class ListFiles implements Lookout {
  readonly #options: ListFilesOptions
  #here: MatchedFiles
  #there: RemoteFiles | undefined
  /** Whether there are too many here, for lack of a thread. */
  #isCrowded = false
  /** The state after the last round; undefined while there is one, and after one that failed. */
  #state: FilesState | undefined

  constructor (options: ListFilesOptions) {
    this.#options = options
    this.#here = new MatchedFiles(mainThread(options.reader))
  }

  /**
   * Finds the files, and reads what has changed; see `MatchedFiles`.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile. The next round is told everything anew
   */
  async refresh ({ isWhole, since, before, ...request }: ListFilesRequest, take: (part: FilesPart) => void): Promise<ListFilesResult> {
    if (since !== undefined && since !== this.#state) this.#adopt(since)
    const isKnown = since !== undefined && this.#state === since && this.#there?.isEnded !== true
    this.#state = undefined
    // For who does not know what is in force, and would take what cannot be found now for gone.
    const whole = (): FilesRequest => since === undefined ? request : { ...request, before: before() }
    const outcome = await this.#refresh(isKnown ? request : whole(), whole, isWhole, take)
    const state = { source: this }
    this.#state = state
    return { ...outcome, state }
  }

  watch (onChange: (changes: Changes) => void): void {
    // What has failed is tried again in any case, and less often.
    if (this.#state !== undefined) this.#there?.watch(this.#options.interval ?? POLL_INTERVAL, onChange)
  }

  pause (): void {
    this.#there?.pause()
  }

  close (): void {
    this.#there?.close()
  }

  async #refresh (request: FilesRequest, whole: () => FilesRequest, isWhole: boolean, take: (part: FilesPart) => void): Promise<Omit<ListFilesResult, 'state'>> {
    const { reader } = this.#options
    if (this.#there?.isEnded === true || this.#isCrowded) this.#there = reader.openFiles()
    if (this.#isCrowded && this.#there !== undefined) {
      this.#isCrowded = false
      this.#here = new MatchedFiles(mainThread(reader))
      return await this.#refresh(whole(), whole, isWhole, take)
    }
    if (this.#there === undefined) {
      try {
        const found = await this.#here.refresh(request, take)
        return { ...found, observed: this.#here.observed, isRacy: false }
      } catch (thrown) {
        if (!(thrown instanceof TooManyFiles)) throw thrown
        this.#there = reader.openFiles()
        // Where no thread can be made, any number is read here, until one can be.
        this.#isCrowded = this.#there === undefined
        this.#here = new MatchedFiles({ ...mainThread(reader), ...(this.#isCrowded && { most: Infinity }) })
        return await this.#refresh(whole(), whole, isWhole, take)
      }
    }
    const found = await this.#there.refresh(request, isWhole, take)
    return { ...found, observed: new Map() }
  }

  /** Begins with what another one knows, if it is just that. */
  #adopt (since: FilesState): void {
    const { source } = since
    if (source.#state !== since || source.#there?.isEnded === true) return
    if (source.#there === undefined) this.#here = source.#here.fork()
    this.#there = source.#there?.fork()
    this.#state = since
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
