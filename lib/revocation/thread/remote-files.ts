/** The files of a list that are followed in the thread, as the main thread has them. */
import { errors, isCoded, reasonOf } from '../../errors.js'
import type { Changes } from '../../watching/poller.js'
import { listName } from '../list/last-good-list.js'
import type { FilesFound, FilesPart, FilesRequest } from '../files/matched-files.js'
import { receivedError, receivedRevocations, type SentPart } from './messages.js'
import type { Thread } from './thread.js'

export class RemoteFiles {
  readonly #thread: Thread
  readonly #id: number
  #onChange: ((changes: Changes) => void) | undefined

  /** @param from others in the same thread: these know then what those know */
  constructor (thread: Thread, from?: RemoteFiles) {
    this.#thread = thread
    this.#id = thread.follow((changes) => { this.#change(changes) })
    thread.tell({ kind: 'open', files: this.#id, from: from === undefined ? undefined : from.#id })
  }

  /** Whether the thread has ended, and with it what it knew. */
  get isEnded (): boolean {
    return this.#thread.isEnded
  }

  /**
   * See `MatchedFiles.refresh`. Rounds must not overlap.
   *
   * @throws FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile
   */
  async refresh (request: FilesRequest, isWhole: boolean, take: (part: FilesPart) => void): Promise<FilesFound & { isRacy: boolean }> {
    const { certificates, anchors, digest } = request.authorities
    const payload = { files: this.#id, request: { ...request, authorities: { certificates, anchors, digest } }, isWhole }
    try {
      const { problems, ...found } = await this.#thread.call('refresh', payload, (part) => { take(receivedPart(part)) })
      return { ...found, problems: problems.map(receivedError) }
    } catch (thrown) {
      if (isCoded(thrown)) throw thrown
      const what = request.list === undefined ? 'What the patterns name' : `What ${listName(request.list)} names`
      throw new errors.FST_ENDPOINT_FILE_UNREADABLE(what, reasonOf(thrown))
    }
  }

  /** @param onChange called once at the most, and without changes if the thread ends: then look by yourself */
  watch (interval: number, onChange: (changes: Changes) => void): void {
    this.#onChange = onChange
    if (this.isEnded) this.#change(new Map())
    else this.#thread.tell({ kind: 'watch', files: this.#id, interval })
  }

  pause (): void {
    this.#onChange = undefined
    this.#thread.tell({ kind: 'pause', files: this.#id })
  }

  /** Others, which know what these know and go on in the same thread. */
  fork (): RemoteFiles {
    return new RemoteFiles(this.#thread, this)
  }

  close (): void {
    this.#onChange = undefined
    this.#thread.tell({ kind: 'close', files: this.#id })
    this.#thread.forget(this.#id)
  }

  #change (changes: Changes): void {
    const onChange = this.#onChange
    this.#onChange = undefined
    onChange?.(changes)
  }
}

function receivedPart ({ isAnew, files }: SentPart): FilesPart {
  return { isAnew, files: files.map(({ content, ...file }) => content === undefined ? file : { ...file, content: receivedRevocations(content) }) }
}
