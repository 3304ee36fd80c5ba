/**
 * Reading large files, and many, without holding the event loop: in one worker thread, which hands back
 * finished tables without copying them. It is the same function as for small files, which are read where
 * they are.
 *
 * The thread starts with the first large file, and ends when there was none for a while, unless it has many
 * to follow. It keeps the process alive only while it reads.
 */
import { existsSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { errors, located, reasonOf } from '../../errors.js'
import { type FileRevocations, type FileToRead, readRevocationFile } from '../files/file-content.js'
import { type Answer, type FilesAnswer, type FilesCommand, type Job, type Ready, receivedError, receivedRevocations } from './messages.js'
import { RemoteFiles } from './remote-files.js'

export type { RemoteFiles } from './remote-files.js'

/** Bytes above which a file is read in the thread: a megabyte holds the event loop for some 10 ms. */
const LARGE = 1024 * 1024
/** Descriptors that a thread needs to start, with the files that it loads. */
const DESCRIPTORS = 8
/** Milliseconds for which no other thread is tried after one that could not start. */
const PAUSE = 10_000
/** Milliseconds without a large file after which the thread ends. What it has read last is in memory until then. */
const IDLE_TIME = 1000

interface Waiting {
  resolve (found: FileRevocations | Promise<FileRevocations>): void
  reject (problem: Error): void
  readonly file: FileToRead
}

export class ReaderThread {
  #worker: Worker | undefined
  /** Whether the thread has said that it is there. Before that it is sent nothing to read, which would be lost with it. */
  #isReady = false
  /** Ends that it may have the descriptors that are held back. */
  #endLoan: (() => void) | undefined
  /** When a thread may be tried again, after one that could not start; of `performance.now()`. */
  #notBefore = 0
  #idle: NodeJS.Timeout | undefined
  #nextId = 0
  #isWarned = false
  readonly #waiting = new Map<number, Waiting>()
  readonly #files = new Map<number, RemoteFiles>()
  /** Those of which an answer is waited for. */
  readonly #busy = new Set<RemoteFiles>()

  /**
   * Reads a file: here if it is small, in the thread if it is large. Its bytes are gone afterwards.
   *
   * Where no thread can be made, it is read here all the same.
   *
   * @throws as `readRevocationFile`; FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile, for lack of
   *   memory, say
   */
  async read (file: FileToRead): Promise<FileRevocations> {
    if (file.bytes.length <= LARGE) return readHere(file)
    const worker = this.#start()
    if (worker === undefined) return readHere(file)
    const id = this.#nextId++
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, file })
      clearTimeout(this.#idle)
      worker.ref()
      if (this.#isReady) post(worker, id, file)
    })
  }

  /** Files that the thread is to follow; undefined where no thread can be made. */
  openFiles (from?: RemoteFiles): RemoteFiles | undefined {
    const worker = this.#start()
    if (worker === undefined) return undefined
    clearTimeout(this.#idle)
    const files = new RemoteFiles(this.#nextId++, {
      post: (files, command, isBusy) => {
        if (isBusy) this.#busy.add(files)
        if (isBusy) worker.ref()
        worker.postMessage(command)
      },
      rest: (files) => {
        this.#busy.delete(files)
        this.#restIfIdle()
      },
      // It goes on in the thread that it is in.
      fork: (files) => this.openFiles(files) as RemoteFiles,
      forget: (files) => {
        this.#files.delete(files.id)
        this.#busy.delete(files)
        this.#restIfIdle()
      }
    })
    this.#files.set(files.id, files)
    worker.postMessage({ files: files.id, command: 'open', from: from?.id } satisfies FilesCommand)
    return files
  }

  /** Makes the thread ready for a file of that many bytes, so that it starts while the file is waited for. */
  prepare (bytes: number): void {
    if (bytes <= LARGE || this.#start() === undefined) return
    this.#restIfIdle()
  }

  /** Ends the thread. What is being read is rejected. */
  close (): void {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (worker === undefined) return
    this.#endLoan?.()
    this.#end(worker, new Error('reading it was given up'), true)
    worker.terminate()
  }

  /** Undefined where the process may have no threads (Node's permission model), or no more of them, and in a bundle. */
  #start (): Worker | undefined {
    if (performance.now() < this.#notBefore) return undefined
    try {
      this.#worker ??= this.#startWorker()
    } catch (thrown) {
      this.#goWithout(thrown)
    }
    return this.#worker
  }

  /** Large files are read here for a while. */
  #goWithout (thrown: unknown): void {
    this.#endLoan?.()
    this.#notBefore = performance.now() + PAUSE
    if (!this.#isWarned) process.emitWarning(`fastify-endpoint reads large CRLs on the main thread, which waits meanwhile: no thread can be made (${reasonOf(thrown)})`)
    this.#isWarned = true
  }

  #startWorker (): Worker {
    const program = programBeside(import.meta.url)
    this.#endLoan = descriptors.areScarce(DESCRIPTORS) ? descriptors.lendSome() : undefined
    const worker = new Worker(program, flags())
    worker.on('message', (answer: Ready | Answer | FilesAnswer) => {
      if (answer === 'ready') this.#begin(worker)
      else if ('files' in answer) this.#files.get(answer.files)?.take(answer)
      else this.#take(answer)
    })
    // An error says why; the end comes behind it, and without one if the thread was terminated.
    worker.on('error', (error) => { this.#end(worker, error) })
    // An answer that cannot be read never comes: who waits for it must not wait for ever.
    worker.on('messageerror', (error) => {
      this.#end(worker, error)
      worker.terminate()
    })
    worker.on('exit', () => { this.#end(worker, new Error('the thread that read it has ended')) })
    worker.unref()
    return worker
  }

  #begin (worker: Worker): void {
    if (this.#worker !== worker) return
    this.#isReady = true
    this.#endLoan?.()
    for (const [id, { file }] of this.#waiting) post(worker, id, file)
  }

  #take ({ id, problem, found }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    this.#restIfIdle()
    if (problem !== undefined) waiting?.reject(receivedError(problem))
    if (found !== undefined) waiting?.resolve(receivedRevocations(found))
  }

  /** The next file gets another thread. */
  #end (worker: Worker, error: Error, isGivenUp = false): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const isLost = this.#isReady || isGivenUp
    this.#isReady = false
    if (!isLost) this.#goWithout(error)
    for (const { resolve, reject, file } of this.#waiting.values()) {
      if (isLost) reject(located(new errors.FST_ENDPOINT_FILE_UNREADABLE(file.what, reasonOf(error)), file.location, error))
      else resolve(readHere(file))
    }
    this.#waiting.clear()
    const followed = [...this.#files.values()]
    this.#files.clear()
    this.#busy.clear()
    for (const files of followed) files.end(error)
  }

  /** Lets the process end, and the thread after a while if it has nothing to follow. */
  #restIfIdle (): void {
    if (this.#waiting.size > 0 || this.#busy.size > 0) return
    this.#worker?.unref()
    clearTimeout(this.#idle)
    if (this.#files.size > 0) return
    this.#idle = setTimeout(() => { this.close() }, IDLE_TIME).unref()
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

async function readHere ({ authorities: { signers }, ...file }: FileToRead): Promise<FileRevocations> {
  return await readRevocationFile({ ...file, signers })
}

function post (worker: Worker, id: number, { authorities: { certificates, anchors, digest }, ...file }: FileToRead): void {
  const job: Job = { ...file, id, certificates, anchors, digest }
  worker.postMessage(job, [file.bytes.buffer as ArrayBuffer])
}

/** This module, as the package has it: compiled, or its source in the tests of the package. */
const OWN_PLACE = /\/lib\/revocation\/thread\/reader-thread\.([jt]s)$/

/**
 * The program of the thread.
 *
 * In a bundle this module is a part of the app's file: what lies beside it is the app's, and to run that would start
 * the app once more. So the names of both files are looked at.
 *
 * @param place where this module is; undefined in a CommonJS bundle
 */
function programBeside (place: string | undefined): URL {
  const url = place !== undefined && URL.canParse(place) ? new URL(place) : undefined
  const [, extension] = OWN_PLACE.exec(url?.pathname ?? '') ?? []
  const program = extension === undefined ? undefined : new URL(`worker.${extension}`, url)
  if (program?.protocol === 'file:' && existsSync(program)) return program
  throw new Error('its program is not there, as in a bundle: mark fastify-endpoint as external')
}
