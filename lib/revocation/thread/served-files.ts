/**
 * The files of a list that are followed in the thread, as the thread has them: found, read, and looked at
 * again and again. The main thread hears of what has changed.
 */
import type { MessagePort } from 'node:worker_threads'
import { changesAmongSync } from '../../watching/observation.js'
import { type Changes, Poller } from '../../watching/poller.js'
import { Authorities } from '../../x509/authorities.js'
import { ownThread } from '../files/host.js'
import { type FilesPart, MatchedFiles } from '../files/matched-files.js'
import {
  answer, type Answer, type Call, type Command, type RefreshPayload, sentError, type SentFound, sentRevocations
} from './messages.js'

/** Milliseconds of the thread to wake up for a round, and to look at one path; it may spend half a percent of its time. */
const PACE = { looks: 512, roundCost: 0.2, lookCost: 0.006, share: 0.005, changesAmong: changesAmongSync }
/** Changes of one round, above which everything is looked at again. */
const MANY_CHANGES = 16
/** Changes that are told of: it is looked at them until they rest. */
const CHANGES_TOLD = 64

class ServedFiles {
  readonly #files: MatchedFiles
  /** What is to be looked at again; undefined: everything. */
  #changed: Set<string> | undefined
  #isClosed = false
  #poller: Poller | undefined
  #authorities = Authorities.none

  constructor (from: ServedFiles | undefined) {
    this.#files = from === undefined ? new MatchedFiles(ownThread()) : from.#files.fork()
  }

  /** @param send gives a part away, and waits until there is room for the next */
  async refresh ({ request, isWhole }: RefreshPayload, send: (part: FilesPart) => Promise<void>): Promise<SentFound> {
    const { certificates, anchors, digest } = request.authorities
    if (this.#authorities.digest !== digest) this.#authorities = new Authorities(certificates, anchors)
    const changed = isWhole || this.#changed === undefined ? {} : { changed: this.#changed }
    this.#changed = new Set()
    const found = await this.#files.refresh({ ...request, authorities: this.#authorities, ...changed }, async (part) => {
      await send(part)
      if (this.#isClosed) throw new Error('nobody asks for them any more')
    })
    return { ...found, problems: found.problems.map(sentError), isRacy: this.#files.isRacy }
  }

  watch (interval: number, onChange: (changes: Changes) => void): void {
    this.#poller ??= new Poller({
      interval,
      pace: PACE,
      onChange: (changes) => {
        // Where many have changed there may be more of them, and to come upon these round by round would take long.
        if (changes.size > MANY_CHANGES) this.#changed = undefined
        for (const path of changes.keys()) this.#changed?.add(path)
        onChange(new Map([...changes].slice(0, CHANGES_TOLD)))
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

/** Does what a thread is asked and told about files, for all of its lists. */
export class FilesService {
  readonly #port: MessagePort
  readonly #all = new Map<number, ServedFiles>()
  /** Parts that the main thread has not taken yet, and what waits for that. */
  #untaken = 0
  readonly #waiting: Array<() => void> = []

  constructor (port: MessagePort) {
    this.#port = port
  }

  take (message: Exclude<Call, { kind: 'read' }> | Command): void {
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
      case 'taken':
        this.#untaken--
        this.#waiting.shift()?.()
    }
  }

  /** Not faster than the main thread takes it: what is waiting there is taken in one turn of its event loop. */
  async #send ({ id }: Call, { isAnew, files }: FilesPart): Promise<void> {
    const buffers: ArrayBuffer[] = []
    const sent = files.map(({ content, ...file }) => content === undefined ? file : { ...file, content: sentRevocations(content, buffers) })
    this.#post({ kind: 'part', id, part: { isAnew, files: sent } }, buffers)
    if (++this.#untaken > 1) await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
  }

  #post (answer: Answer, buffers: ArrayBuffer[] = []): void {
    this.#port.postMessage(answer, buffers)
  }
}
