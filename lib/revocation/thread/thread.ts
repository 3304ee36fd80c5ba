/**
 * One worker thread, from its start to its end: the calls to it, and its answers.
 *
 * A call ends with its answer, or when the worker ends. It is sent once the worker is ready. Sent earlier, the bytes of a
 * file would be lost with a worker that cannot start.
 */
import { Worker } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { reasonOf } from '../../errors.js'
import type { Changes } from '../../watching/poller.js'
import { type Answer, type Call, type Calls, type Command, receivedError } from './messages.js'

/** Descriptors that a worker needs to start and to load its program. */
const DESCRIPTORS = 8
/** Milliseconds without calls and without files to watch, after which it ends. Until then it keeps what it has read last. */
const IDLE_TIME = 1000

/** The worker ended before it answered. */
export class ThreadEnded extends Error {}

/** The worker ended before it was ready, so nothing was sent to it. */
export class ThreadNotStarted extends ThreadEnded {}

interface Pending {
  readonly call: Call
  onPart (part: unknown): void
  resolve (result: unknown): void
  reject (problem: unknown): void
}

export class Thread {
  readonly #worker: Worker
  readonly #onFailedStart: (error: Error) => void
  /** Returns the descriptors that were lent for its start. */
  readonly #endLoan: () => void
  readonly #pending = new Map<number, Pending>()
  /** The listeners to changes of files, by the number of their list. */
  readonly #followers = new Map<number, (changes: Changes) => void>()
  #nextId = 0
  #isReady = false
  #isEnded = false
  #idle: NodeJS.Timeout | undefined

  /**
   * @param onFailedStart called if it ends by itself before it is ready
   * @throws if the process may not start threads (Node's permission model), or no more of them
   */
  constructor (program: URL, onFailedStart: (error: Error) => void) {
    this.#onFailedStart = onFailedStart
    this.#endLoan = descriptors.areScarce(DESCRIPTORS) ? descriptors.lendSome() : () => {}
    try {
      this.#worker = new Worker(program, flags())
    } catch (thrown) {
      this.#endLoan()
      throw thrown
    }
    this.#worker.on('message', (answer: Answer) => { this.#receive(answer) })
    // An error gives the reason, and 'exit' follows. A terminated worker has only 'exit'.
    this.#worker.on('error', (error) => { this.#end(error) })
    // An answer that cannot be read is lost, and its call must not wait for ever.
    this.#worker.on('messageerror', (error) => {
      this.#end(error)
      this.#worker.terminate()
    })
    this.#worker.on('exit', () => { this.#end(new Error('the worker thread has ended')) })
    this.#worker.unref()
  }

  get isEnded (): boolean {
    return this.#isEnded
  }

  /**
   * Calls the worker, and keeps the process alive until it answers.
   *
   * @throws what the worker has thrown; ThreadEnded
   */
  call<K extends keyof Calls> (
    kind: K, payload: Calls[K]['payload'], onPart = (_part: Calls[K]['part']): void => {}
  ): Promise<Calls[K]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#isEnded) return reject(new ThreadEnded('the worker thread has ended'))
      const call = { id: this.#nextId++, kind, payload } as Call
      this.#pending.set(call.id, { call, onPart, resolve, reject } as Pending)
      clearTimeout(this.#idle)
      this.#worker.ref()
      if (this.#isReady) this.#send(call)
    })
  }

  postCommand (command: Command): void {
    this.#worker.postMessage(command)
  }

  /**
   * Registers the files of a list.
   *
   * @param onChange called with the changes that the worker has seen, and with none when it ends
   * @returns the number of the files in commands
   */
  follow (onChange: (changes: Changes) => void): number {
    clearTimeout(this.#idle)
    this.#followers.set(this.#nextId, onChange)
    return this.#nextId++
  }

  forget (files: number): void {
    this.#followers.delete(files)
    this.restIfIdle()
  }

  /** Without calls, lets the process end; without files to watch, lets the worker end after a while. */
  restIfIdle (): void {
    if (this.#isEnded || this.#pending.size > 0) return
    this.#worker.unref()
    clearTimeout(this.#idle)
    if (this.#followers.size === 0) this.#idle = setTimeout(() => { this.close() }, IDLE_TIME).unref()
  }

  /** Ends the worker. Pending calls are rejected. */
  close (): void {
    this.#end(new Error('the reader was closed'), ThreadEnded)
    this.#worker.terminate()
  }

  #send (call: Call): void {
    this.#worker.postMessage(call, call.kind === 'read' ? [call.payload.bytes.buffer as ArrayBuffer] : [])
  }

  #receive (answer: Answer): void {
    if (this.#isEnded) return
    if (answer.kind === 'ready') {
      this.#isReady = true
      this.#endLoan()
      for (const { call } of this.#pending.values()) this.#send(call)
    } else if (answer.kind === 'changed') {
      this.#followers.get(answer.files)?.(answer.changes)
    } else if (answer.kind === 'part') {
      this.#pending.get(answer.id)?.onPart(answer.part)
      this.postCommand({ kind: 'acknowledged' })
    } else {
      const pending = this.#pending.get(answer.id)
      this.#pending.delete(answer.id)
      this.restIfIdle()
      if (answer.kind === 'done') pending?.resolve(answer.result)
      else pending?.reject(receivedError(answer.problem))
    }
  }

  #end (error: Error, Problem = this.#isReady ? ThreadEnded : ThreadNotStarted): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearTimeout(this.#idle)
    this.#endLoan()
    if (Problem === ThreadNotStarted) this.#onFailedStart(error)
    for (const { reject } of this.#pending.values()) reject(new Problem(reasonOf(error), { cause: error }))
    for (const onChange of this.#followers.values()) onChange(new Map())
  }
}

/**
 * A worker inherits the flags of its process, but it cannot start with `--input-type`, which is for programs without a
 * file. Flags that are passed explicitly must be allowed for workers. So with `--input-type` it gets only those that
 * load modules.
 */
function flags (): { execArgv?: string[] } {
  if (!process.execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: process.execArgv.filter((flag) => flag.startsWith('--import=') || flag.startsWith('--require=')) }
}
