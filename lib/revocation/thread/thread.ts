/**
 * One worker thread, from its start to its end: what it is asked, and what it answers.
 *
 * A call ends with its answer, or with the thread. It is sent when the thread has said that it is there: before that, the
 * bytes of a file would be lost with a thread that cannot start.
 */
import { Worker } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { reasonOf } from '../../errors.js'
import type { Changes } from '../../watching/poller.js'
import { type Answer, type Call, type Calls, type Command, receivedError } from './messages.js'

/** Descriptors that a thread needs to start, with the files that it loads. */
const DESCRIPTORS = 8
/** Milliseconds without a call, and without files to follow, after which it ends. What it has read last is in memory until then. */
const IDLE_TIME = 1000

/** The thread has ended before it answered. */
export class ThreadEnded extends Error {}

/** It has ended before it was there, so nothing was sent to it. */
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
  /** Gives back the descriptors that it may have had to start. */
  readonly #endLoan: () => void
  readonly #pending = new Map<number, Pending>()
  /** Who is told of changes among files. */
  readonly #followers = new Map<number, (changes: Changes) => void>()
  #nextId = 0
  #isReady = false
  #isEnded = false
  #idle: NodeJS.Timeout | undefined

  /**
   * @param onFailedStart called if it ends by itself before it is there
   * @throws where the process may have no threads (Node's permission model), or no more of them
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
    this.#worker.on('message', (answer: Answer) => { this.#take(answer) })
    // An error says why; the end comes behind it, and without one if the thread was terminated.
    this.#worker.on('error', (error) => { this.#end(error) })
    // An answer that cannot be read never comes: whoever waits for it must not wait for ever.
    this.#worker.on('messageerror', (error) => {
      this.#end(error)
      this.#worker.terminate()
    })
    this.#worker.on('exit', () => { this.#end(new Error('the thread that read it has ended')) })
    this.#worker.unref()
  }

  get isEnded (): boolean {
    return this.#isEnded
  }

  /**
   * Asks the thread for something, and keeps the process alive until it answers.
   *
   * @throws what the thread has thrown; ThreadEnded
   */
  call<K extends keyof Calls> (
    kind: K, payload: Calls[K]['payload'], onPart = (_part: Calls[K]['part']): void => {}
  ): Promise<Calls[K]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#isEnded) return reject(new ThreadEnded('the thread has ended'))
      const call = { id: this.#nextId++, kind, payload } as Call
      this.#pending.set(call.id, { call, onPart, resolve, reject } as Pending)
      clearTimeout(this.#idle)
      this.#worker.ref()
      if (this.#isReady) this.#send(call)
    })
  }

  tell (command: Command): void {
    this.#worker.postMessage(command)
  }

  /**
   * Gives the files of a list a number.
   *
   * @param onChange called with changes that the thread has seen among them, and with none when it ends
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

  /** Lets the process end if nothing is asked for, and the thread after a while if it has nothing to follow either. */
  restIfIdle (): void {
    if (this.#isEnded || this.#pending.size > 0) return
    this.#worker.unref()
    clearTimeout(this.#idle)
    if (this.#followers.size === 0) this.#idle = setTimeout(() => { this.close() }, IDLE_TIME).unref()
  }

  /** Ends the thread. What it was asked for is rejected. */
  close (): void {
    this.#end(new Error('reading it was given up'), ThreadEnded)
    this.#worker.terminate()
  }

  #send (call: Call): void {
    this.#worker.postMessage(call, call.kind === 'read' ? [call.payload.bytes.buffer as ArrayBuffer] : [])
  }

  #take (answer: Answer): void {
    if (this.#isEnded) return
    if (answer.kind === 'ready') {
      this.#isReady = true
      this.#endLoan()
      for (const { call } of this.#pending.values()) this.#send(call)
    } else if (answer.kind === 'changed') {
      this.#followers.get(answer.files)?.(answer.changes)
    } else if (answer.kind === 'part') {
      this.#pending.get(answer.id)?.onPart(answer.part)
      this.tell({ kind: 'taken' })
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
 * A thread gets the flags of its process, and with one of them it does not start: the one that says how to
 * read a program that is no file. Flags that are given to it must be such as a thread may have alone; then
 * it gets those that load modules.
 */
function flags (): { execArgv?: string[] } {
  if (!process.execArgv.some((flag) => flag.startsWith('--input-type'))) return {}
  return { execArgv: process.execArgv.filter((flag) => flag.startsWith('--import=') || flag.startsWith('--require=')) }
}
