/**
 * Reading large files without holding the event loop: in one worker thread, which hands back finished
 * tables without copying them. It is the same function as for small files, which are read where they are.
 *
 * The thread starts with the first large file, and ends when there was none for a while. It keeps the
 * process alive only while it reads.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type ErrorCode, type ErrorLocation, errors, located, reasonOf } from '../errors.js'
import type { Crl } from './crl/crl.js'
import { SerialTable, type SerialTableArrays } from './crl/serial-table.js'
import type { VerifiedCrl } from './crl/series.js'
import { readSigners, type SignerSet } from './crl/signers.js'
import { type FileRevocations, readRevocationFile } from './revocation-file.js'

/** Bytes above which a file is read in the thread: a megabyte holds the event loop for some 10 ms. */
const LARGE = 1024 * 1024
/** Milliseconds without a large file after which the thread ends. What it has read last is in memory until then. */
const IDLE_TIME = 1000

export interface FileToRead {
  readonly bytes: Uint8Array
  readonly what: string
  readonly location: ErrorLocation
  readonly authorities: SignerSet
  readonly limit: number
}

/** What the thread is asked. */
interface Job extends Omit<FileToRead, 'authorities'> {
  readonly id: number
  readonly certificates: readonly Uint8Array[]
  readonly digest: string
}

/** What it answers. Neither a table nor a coded error can be cloned. */
interface Answer {
  readonly id: number
  readonly problem?: SentError
  readonly found?: Omit<FileRevocations, 'crls' | 'problems'> & { readonly crls: readonly SentCrl[], readonly problems: readonly SentError[] }
}

type SentCrl = Omit<VerifiedCrl, 'crl'> & { readonly crl: Omit<Crl, 'entries'> & { readonly entries: SerialTableArrays } }

interface SentError {
  readonly code: ErrorCode | undefined
  readonly message: string
  readonly location: ErrorLocation
}

interface Waiting {
  resolve (found: FileRevocations): void
  reject (problem: Error): void
  readonly what: string
  readonly location: ErrorLocation
}

export class ReaderThread {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #nextId = 0
  #isWarned = false
  readonly #waiting = new Map<number, Waiting>()

  /**
   * Reads a file: here if it is small, in the thread if it is large. Its bytes are gone afterwards.
   *
   * Where no thread can be made, it is read here all the same.
   *
   * @throws as `readRevocationFile`; FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile, for lack of
   *   memory, say
   */
  async read ({ authorities: { signers, certificates, digest }, ...file }: FileToRead): Promise<FileRevocations> {
    if (file.bytes.length <= LARGE) return readRevocationFile({ ...file, signers })
    const worker = this.#start()
    if (worker === undefined) return readRevocationFile({ ...file, signers })
    const id = this.#nextId++
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, what: file.what, location: file.location })
      clearTimeout(this.#idle)
      worker.ref()
      const job: Job = { ...file, id, certificates, digest }
      worker.postMessage(job, [file.bytes.buffer as ArrayBuffer])
    })
  }

  /** Makes the thread ready for a file of that many bytes, so that it starts while the file is waited for. */
  prepare (bytes: number): void {
    if (bytes <= LARGE || this.#start() === undefined) return
    if (this.#waiting.size === 0) this.#rest()
  }

  /** Ends the thread. What is being read is rejected. */
  close (): void {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (worker === undefined) return
    this.#end(worker, new Error('reading it was given up'))
    worker.terminate()
  }

  /** Undefined where the process may have no threads (Node's permission model), or no more of them. */
  #start (): Worker | undefined {
    try {
      this.#worker ??= this.#startWorker()
    } catch (thrown) {
      if (!this.#isWarned) process.emitWarning(`fastify-endpoint reads large CRLs on the main thread, which waits meanwhile: no thread can be made (${reasonOf(thrown)})`)
      this.#isWarned = true
    }
    return this.#worker
  }

  #startWorker (): Worker {
    // This very file: see the end of it.
    const worker = new Worker(new URL(import.meta.url), { workerData: ROLE, ...flags() })
    worker.on('message', (answer: Answer) => this.#take(answer))
    // An error says why; the end comes behind it, and without one if the thread was terminated.
    worker.on('error', (error) => { this.#end(worker, error) })
    worker.on('exit', () => { this.#end(worker, new Error('the thread that read it has ended')) })
    worker.unref()
    return worker
  }

  #take ({ id, problem, found }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#rest()
    if (problem !== undefined) waiting?.reject(received(problem))
    if (found !== undefined) waiting?.resolve({ ...found, crls: found.crls.map(receivedCrl), problems: found.problems.map(received) })
  }

  /** The next file gets another thread. */
  #end (worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { reject, what, location } of this.#waiting.values()) {
      reject(located(new errors.FST_ENDPOINT_FILE_UNREADABLE(what, reasonOf(error)), location, error))
    }
    this.#waiting.clear()
  }

  /** Lets the process end, and the thread after a while. */
  #rest (): void {
    this.#worker?.unref()
    clearTimeout(this.#idle)
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

function receivedCrl ({ crl: { entries, ...crl }, ...rest }: SentCrl): VerifiedCrl {
  return { ...rest, crl: { ...crl, entries: SerialTable.from(entries) } }
}

function received ({ code, message, location }: SentError): Error {
  const error = code === undefined ? new Error(message) : new errors[code]()
  error.message = message
  return located(error, location)
}

/** What tells this file that it is the thread, and not somebody else's. */
const ROLE = 'fastify-endpoint.reader-thread'

if (!isMainThread && workerData === ROLE) {
  let known: SignerSet = { signers: [], certificates: [], digest: '' }
  parentPort?.on('message', ({ id, certificates, digest, ...file }: Job) => {
    try {
      if (known.digest !== digest) known = readSigners(certificates)
      const { crls, problems, ...found } = readRevocationFile({ ...file, signers: known.signers })
      const sent = crls.map(({ crl: { entries, ...crl }, ...rest }): SentCrl => ({ ...rest, crl: { ...crl, entries: entries.arrays } }))
      const buffers = sent.flatMap(({ crl: { entries: { tags, slots, records } } }) => [tags.buffer, slots.buffer, records.buffer] as ArrayBuffer[])
      parentPort?.postMessage({ id, found: { ...found, crls: sent, problems: problems.map(sentError) } } satisfies Answer, buffers)
    } catch (thrown) {
      parentPort?.postMessage({ id, problem: sentError(thrown) } satisfies Answer)
    }
  })
}

function sentError (thrown: unknown): SentError {
  const { code, file, line } = thrown as { code?: string } & ErrorLocation
  return {
    code: code !== undefined && code in errors ? code as ErrorCode : undefined,
    message: reasonOf(thrown),
    location: { ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
  }
}
