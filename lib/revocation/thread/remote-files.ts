/** The files of a list that the worker reads and watches, seen from the main thread. */
import { errors, isCoded, reasonOf } from '../../errors.js'
import type { Changes } from '../../watching/poller.js'
import { listName } from '../list/last-good-list.js'
import type { RoundResult, FilesPart, FilesRequest } from '../files/matched-files.js'
import { receivedError, receivedRevocations, type SentPart } from './messages.js'
import type { Thread } from './thread.js'

export class RemoteFiles {
  readonly #thread: Thread
  readonly #id: number
  #onChange: ((changes: Changes) => void) | undefined

  /** @param from files in the same worker, to start with a copy of */
  constructor (thread: Thread, from?: RemoteFiles) {
    this.#thread = thread
    this.#id = thread.follow((changes) => { this.#emitChange(changes) })
    thread.postCommand({ kind: 'open', files: this.#id, from: from === undefined ? undefined : from.#id })
  }

  /** Whether the worker has ended, and lost the state of the files. */
  get isEnded (): boolean {
    return this.#thread.isEnded
  }

  /**
   * See `MatchedFiles.refresh`. Rounds must not overlap.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the worker ends meanwhile
   */
  async refresh (request: FilesRequest, isWhole: boolean, onPart: (part: FilesPart) => void): Promise<RoundResult & { isRacy: boolean }> {
    const { certificates, anchors, digest } = request.authorities
    const payload = { files: this.#id, request: { ...request, authorities: { certificates, anchors, digest } }, isWhole }
    try {
      const { problems, ...found } = await this.#thread.call('refresh', payload, (part) => { onPart(receivedPart(part)) })
      return { ...found, problems: problems.map(receivedError) }
    } catch (thrown) {
      if (isCoded(thrown)) throw thrown
      const what = request.list === undefined ? 'What the patterns name' : `What ${listName(request.list)} names`
      throw new errors.FST_ENDPOINT_FILE_UNREADABLE(what, reasonOf(thrown))
    }
  }

  /** @param onChange called at most once; without changes if the worker ends, so that the caller looks itself */
  watch (interval: number, onChange: (changes: Changes) => void): void {
    this.#onChange = onChange
    if (this.isEnded) this.#emitChange(new Map())
    else this.#thread.postCommand({ kind: 'watch', files: this.#id, interval })
  }

  pause (): void {
    this.#onChange = undefined
    this.#thread.postCommand({ kind: 'pause', files: this.#id })
  }

  /** A copy in the same worker. */
  fork (): RemoteFiles {
    return new RemoteFiles(this.#thread, this)
  }

  close (): void {
    this.#onChange = undefined
    this.#thread.postCommand({ kind: 'close', files: this.#id })
    this.#thread.forget(this.#id)
  }

  #emitChange (changes: Changes): void {
    const onChange = this.#onChange
    this.#onChange = undefined
    onChange?.(changes)
  }
}

function receivedPart ({ isFull, files }: SentPart): FilesPart {
  const received = files.map(({ content, ...file }) => content === undefined ? file : { ...file, content: receivedRevocations(content) })
  return { isFull, files: received }
}
