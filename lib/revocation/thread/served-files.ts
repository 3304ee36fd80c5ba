/**
 * The files of a list that are followed in the thread, as the thread has them: found, read, and looked at
 * again and again. The main thread hears of what has changed.
 */
import type { MessagePort } from 'node:worker_threads'
import { changesAmongSync } from '../../watching/observation.js'
import { Poller } from '../../watching/poller.js'
import { NO_SIGNERS, readSigners, type SignerSet } from '../../x509/signers.js'
import { ownThread } from '../files/host.js'
import { type FilesPart, MatchedFiles } from '../files/matched-files.js'
import { type FilesAnswer, type FilesCommand, sentError, type SentRequest, sentRevocations } from './messages.js'

/** Milliseconds of the thread to wake up for a round, and to look at one path; it may spend half a percent of its time. */
const PACE = { looks: 512, roundCost: 0.2, lookCost: 0.006, share: 0.005, changesAmong: changesAmongSync }
/** Changes of one round, above which everything is looked at again. */
const MANY_CHANGES = 16
/** Changes that are told of: it is looked at them until they rest. */
const CHANGES_TOLD = 64

export class ServedFiles {
  readonly #port: MessagePort
  readonly #id: number
  readonly #files: MatchedFiles
  /** What is to be looked at again; undefined: everything. */
  #changed: Set<string> | undefined
  /** Parts that nobody has taken yet. */
  #unheard = 0
  #onHeard: (() => void) | undefined
  #isClosed = false
  #poller: Poller | undefined
  #signers: SignerSet = NO_SIGNERS

  constructor (port: MessagePort, id: number, from: ServedFiles | undefined) {
    this.#port = port
    this.#id = id
    this.#files = from === undefined ? new MatchedFiles(ownThread()) : from.#files.fork()
  }

  /** Finds the files, and tells of them. Never rejects. */
  async refresh ({ certificates, anchors, digest, ...request }: SentRequest, isWhole: boolean): Promise<void> {
    try {
      if (this.#signers.digest !== digest) this.#signers = readSigners(certificates, anchors)
      const changed = this.#changed
      this.#changed = new Set()
      const found = await this.#files.refresh({ ...request, authorities: this.#signers, ...(!isWhole && changed !== undefined && { changed }) }, (part) => this.#tell(part))
      const { isRacy } = this.#files
      this.#post({ files: this.#id, found: { ...found, problems: found.problems.map(sentError), isRacy } })
    } catch (thrown) {
      this.#post({ files: this.#id, problem: sentError(thrown) })
    }
  }

  watch (interval: number): void {
    this.#poller ??= new Poller({
      interval,
      pace: PACE,
      onChange: (changes) => {
        // Where many have changed there may be more of them, and to come upon these round by round would take long.
        if (changes.size > MANY_CHANGES) this.#changed = undefined
        for (const path of changes.keys()) this.#changed?.add(path)
        this.#post({ files: this.#id, changes: new Map([...changes].slice(0, CHANGES_TOLD)) })
      }
    })
    this.#poller.watch(this.#files.observed)
  }

  pause (): void {
    this.#poller?.pause()
  }

  taken (): void {
    this.#unheard--
    this.#onHeard?.()
  }

  close (): void {
    this.#isClosed = true
    this.#poller?.close()
    this.#onHeard?.()
  }

  /** Not faster than the main thread takes it: what is waiting there is taken in one turn of its event loop. */
  async #tell ({ isAnew, files }: FilesPart): Promise<void> {
    const buffers: ArrayBuffer[] = []
    const sent = files.map(({ content, ...file }) => ({ ...file, ...(content !== undefined && { content: sentRevocations(content, buffers) }) }))
    this.#post({ files: this.#id, part: { isAnew, files: sent } }, buffers)
    if (++this.#unheard > 1 && !this.#isClosed) await new Promise<void>((resolve) => { this.#onHeard = resolve })
    if (this.#isClosed) throw new Error('nobody asks for them any more')
  }

  #post (answer: FilesAnswer, buffers: ArrayBuffer[] = []): void {
    this.#port.postMessage(answer, buffers)
  }
}

/** Does what a thread is told about files, for all of its lists. */
export function handleCommands (port: MessagePort): (told: FilesCommand) => void {
  const all = new Map<number, ServedFiles>()
  return (told) => {
    const files = all.get(told.files)
    switch (told.command) {
      case 'open':
        all.set(told.files, new ServedFiles(port, told.files, all.get(told.from ?? -1)))
        break
      case 'refresh': files?.refresh(told.request, told.isWhole); break
      case 'watch': files?.watch(told.interval); break
      case 'taken': files?.taken(); break
      case 'pause': files?.pause(); break
      case 'close':
        files?.close()
        all.delete(told.files)
    }
  }
}
