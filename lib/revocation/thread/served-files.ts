/** The files of a list in the worker: it finds, reads and polls them, and reports changes to the main thread. */
import type { MessagePort } from 'node:worker_threads'
import { changesAmongSync } from '../../watching/observation.js'
import { type Changes, Poller } from '../../watching/poller.js'
import { Authorities } from '../../x509/authorities.js'
import { ownThread } from '../files/host.js'
import { type FilesPart, MatchedFiles } from '../files/matched-files.js'
import {
  answer, type Answer, type Call, type Command, type RefreshPayload, sentError, type SentResult, sentRevocations
} from './messages.js'

/** `roundCost` and `lookCost` are milliseconds, as measured. The worker may spend half a percent of its time. */
const PACE = { looks: 512, roundCost: 0.2, lookCost: 0.006, share: 0.005, changesAmong: changesAmongSync }
/** Changes in one round above which all files are looked at again. */
const MANY_CHANGES = 16
/** Changes that are reported: the main thread checks these files until they stop changing. */
const MOST_REPORTED = 64

class ServedFiles {
  readonly #files: MatchedFiles
  /** The files to look at again; undefined for all. */
  #changed: Set<string> | undefined
  #isClosed = false
  #poller: Poller | undefined
  #authorities = Authorities.none

  constructor (from: ServedFiles | undefined) {
    this.#files = from === undefined ? new MatchedFiles(ownThread()) : from.#files.fork()
  }

  /** @param send sends a part, and waits until the next may be sent */
  async refresh ({ request, isWhole }: RefreshPayload, send: (part: FilesPart) => Promise<void>): Promise<SentResult> {
    const { certificates, anchors, digest } = request.authorities
    if (this.#authorities.digest !== digest) this.#authorities = new Authorities(certificates, anchors)
    const changed = isWhole || this.#changed === undefined ? {} : { changed: this.#changed }
    this.#changed = new Set()
    const found = await this.#files.refresh({ ...request, authorities: this.#authorities, ...changed }, async (part) => {
      await send(part)
      if (this.#isClosed) throw new Error('the files were closed')
    })
    return { ...found, problems: found.problems.map(sentError), isRacy: this.#files.isRacy }
  }

  watch (interval: number, onChange: (changes: Changes) => void): void {
    this.#poller ??= new Poller({
      interval,
      pace: PACE,
      onChange: (changes) => {
        // If many have changed, there may be more, and finding them round by round would take long.
        if (changes.size > MANY_CHANGES) this.#changed = undefined
        for (const path of changes.keys()) this.#changed?.add(path)
        onChange(new Map([...changes].slice(0, MOST_REPORTED)))
      }
    })
    this.#poller.watch(this.#files.observed)
  }

  pause (): void {
    this.#poller?.pause()
  }

  close (): void {
    this.#isClosed = true
    this.#poller?.close()
  }
}

/** Handles the messages about files, for all lists of the worker. */
export class FilesService {
  readonly #port: MessagePort
  readonly #all = new Map<number, ServedFiles>()
  /** Parts that the main thread has not acknowledged yet, and the calls that wait for the acknowledgement. */
  #unacknowledged = 0
  readonly #waiting: Array<() => void> = []

  constructor (port: MessagePort) {
    this.#port = port
  }

  handle (message: Exclude<Call, { kind: 'read' }> | Command): void {
    switch (message.kind) {
      case 'open':
        this.#all.set(message.files, new ServedFiles(this.#all.get(message.from ?? -1)))
        break
      case 'refresh':
        answer(this.#port, message, async () => {
          const files = this.#all.get(message.payload.files) as ServedFiles
          return await files.refresh(message.payload, (part) => this.#send(message, part))
        })
        break
      case 'watch':
        this.#all.get(message.files)?.watch(message.interval, (changes) => {
          this.#post({ kind: 'changed', files: message.files, changes })
        })
        break
      case 'pause':
        this.#all.get(message.files)?.pause()
        break
      case 'close':
        this.#all.get(message.files)?.close()
        this.#all.delete(message.files)
        break
      case 'acknowledged':
        this.#unacknowledged--
        this.#waiting.shift()?.()
    }
  }

  /** At most two parts are under way: the main thread handles all that have arrived in one turn of its event loop. */
  async #send ({ id }: Call, { isFull, files }: FilesPart): Promise<void> {
    const buffers: ArrayBuffer[] = []
    const sent = files.map(({ content, ...file }) => content === undefined ? file : { ...file, content: sentRevocations(content, buffers) })
    this.#post({ kind: 'part', id, part: { isFull, files: sent } }, buffers)
    if (++this.#unacknowledged > 1) await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
  }

  #post (answer: Answer, buffers: ArrayBuffer[] = []): void {
    this.#port.postMessage(answer, buffers)
  }
}
