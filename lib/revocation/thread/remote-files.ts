/** The files of a list that are followed in the thread, as the main thread has them. */
import { errors, reasonOf } from '../../errors.js'
import type { Changes } from '../../watching/poller.js'
import { listName } from '../list/last-good-list.js'
import type { FilesFound, FilesPart, FilesRequest } from '../files/matched-files.js'
import { type FilesAnswer, type FilesCommand, receivedError, receivedRevocations, type SentFound, type SentPart } from './messages.js'

/** The thread, as its files see it. */
export interface FilesPort {
  /** @param isBusy whether an answer is waited for, so that the process must not end */
  post (files: RemoteFiles, command: FilesCommand, isBusy: boolean): void
  /** An answer is there. */
  rest (files: RemoteFiles): void
  /** Others, which know what these know. */
  fork (files: RemoteFiles): RemoteFiles
  forget (files: RemoteFiles): void
}

interface Waiting {
  resolve (found: Omit<FilesFound, 'problems'> & { problems: readonly Error[], isRacy: boolean }): void
  reject (problem: Error): void
  readonly take: (part: FilesPart) => void
}

export class RemoteFiles {
  readonly id: number
  readonly #port: FilesPort
  #waiting: Waiting | undefined
  #onChange: ((changes: Changes) => void) | undefined
  #isEnded = false

  constructor (id: number, port: FilesPort) {
    this.id = id
    this.#port = port
  }

  /** Whether the thread has ended, and with it what it knew. */
  get isEnded (): boolean {
    return this.#isEnded
  }

  /**
   * See `MatchedFiles.refresh`. Rounds must not overlap.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile
   */
  refresh ({ authorities: { certificates, anchors, digest }, ...request }: FilesRequest, isWhole: boolean, take: (part: FilesPart) => void): Promise<FilesFound & { isRacy: boolean }> {
    return new Promise((resolve, reject) => {
      const unreadable = (problem: Error): void => {
        const what = request.list === undefined ? 'What the patterns name' : `What ${listName(request.list)} names`
        reject('code' in problem ? problem : new errors.FST_ENDPOINT_FILE_UNREADABLE(what, problem.message))
      }
      this.#waiting = { resolve, reject: unreadable, take }
      this.#port.post(this, { files: this.id, command: 'refresh', request: { ...request, certificates, anchors, digest }, isWhole }, true)
    })
  }

  watch (interval: number, onChange: (changes: Changes) => void): void {
    this.#onChange = onChange
    if (this.#isEnded) this.#change(new Map())
    else this.#port.post(this, { files: this.id, command: 'watch', interval }, false)
  }

  pause (): void {
    this.#onChange = undefined
    if (!this.#isEnded) this.#port.post(this, { files: this.id, command: 'pause' }, false)
  }

  fork (): RemoteFiles {
    return this.#port.fork(this)
  }

  close (): void {
    this.#onChange = undefined
    if (this.#isEnded) return
    this.#port.post(this, { files: this.id, command: 'close' }, false)
    this.end(new Error('reading them was given up'))
    this.#port.forget(this)
  }

  /** What the thread has said. */
  take (answer: FilesAnswer): void {
    if ('changes' in answer) return this.#change(answer.changes)
    const waiting = this.#waiting
    if ('part' in answer) {
      waiting?.take(receivedPart(answer.part))
      return this.#port.post(this, { files: this.id, command: 'taken' }, false)
    }
    this.#waiting = undefined
    this.#port.rest(this)
    if ('problem' in answer) waiting?.reject(receivedError(answer.problem))
    else waiting?.resolve(receivedFound(answer.found))
  }

  /** There is no thread any more. Who follows the files is told to look for himself. */
  end (error: unknown): void {
    this.#isEnded = true
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.reject(new Error(reasonOf(error)))
    this.#change(new Map())
  }

  #change (changes: Changes): void {
    const onChange = this.#onChange
    this.#onChange = undefined
    onChange?.(changes)
  }
}

function receivedPart ({ isAnew, files }: SentPart): FilesPart {
  return { isAnew, files: files.map(({ content, ...file }) => ({ ...file, ...(content !== undefined && { content: receivedRevocations(content) }) })) }
}

function receivedFound ({ problems, ...found }: SentFound): FilesFound & { isRacy: boolean } {
  return { ...found, problems: problems.map(receivedError) }
}
