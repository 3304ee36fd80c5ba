/**
 * Reads large files, and many files, in one worker thread, so that the event loop is not blocked. The worker transfers
 * finished tables without copying. The same function reads small files on the main thread.
 *
 * The worker starts with the first large file. It ends after a second without one, unless it has many files to watch. It
 * keeps the process alive only while it reads.
 */
import { existsSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { errors, located, reasonOf } from '../../errors.js'
import { type FileRevocations, type FileToRead, readRevocationFile } from '../files/file-content.js'
import { receivedRevocations } from './messages.js'
import { RemoteFiles } from './remote-files.js'
import { Thread, ThreadEnded, ThreadNotStarted } from './thread.js'

/** Bytes above which the worker reads a file: one megabyte blocks the event loop for some 10 ms. */
const LARGE = 1024 * 1024
/** Milliseconds until a worker is tried again after one that could not start. */
const PAUSE = 10_000

export class ReaderThread {
  #thread: Thread | undefined
  /** When a worker may be tried again, by `performance.now()`. */
  #notBefore = 0
  #isWarned = false

  /**
   * Parses a file: on the main thread if it is small or no worker can be started, otherwise in the worker. Its bytes are
   * detached afterwards.
   *
   * @throws as `readRevocationFile`; FST_ENDPOINT_FILE_UNREADABLE if the worker ends meanwhile, for lack of memory for
   *   example
   */
  async read (file: FileToRead): Promise<FileRevocations> {
    const thread = file.bytes.length > LARGE ? this.#start() : undefined
    if (thread === undefined) return await readHere(file)
    try {
      const { certificates, anchors, digest } = file.authorities
      return receivedRevocations(await thread.call('read', { ...file, authorities: { certificates, anchors, digest } }))
    } catch (thrown) {
      if (thrown instanceof ThreadNotStarted) return await readHere(file)
      if (!(thrown instanceof ThreadEnded)) throw thrown
      throw located(new errors.FST_ENDPOINT_FILE_UNREADABLE(file.what, thrown.message), file.location, thrown.cause)
    }
  }

  /** The files of a list, for the worker to read and watch; undefined if no worker can be started. */
  openFiles (): RemoteFiles | undefined {
    const thread = this.#start()
    return thread === undefined ? undefined : new RemoteFiles(thread)
  }

  /** Starts the worker for a file of so many bytes, so that it is ready when the file has been read. */
  prepare (bytes: number): void {
    if (bytes > LARGE) this.#start()?.restIfIdle()
  }

  /** Ends the worker. Pending reads are rejected. */
  close (): void {
    this.#thread?.close()
  }

  /** Undefined if the process may not start threads (Node's permission model), or no more of them, and in a bundle. */
  #start (): Thread | undefined {
    if (this.#thread?.isEnded === false) return this.#thread
    this.#thread = undefined
    if (performance.now() < this.#notBefore) return undefined
    try {
      this.#thread = new Thread(programBeside(import.meta.url), (error) => { this.#goWithout(error) })
    } catch (thrown) {
      this.#goWithout(thrown)
    }
    return this.#thread
  }

  /** Reads large files on the main thread for a while. */
  #goWithout (thrown: unknown): void {
    this.#notBefore = performance.now() + PAUSE
    if (this.#isWarned) return
    this.#isWarned = true
    const why = `no worker thread can be started (${reasonOf(thrown)})`
    process.emitWarning(`fastify-endpoint reads large CRLs on the main thread, which blocks it: ${why}`)
  }
}

async function readHere ({ authorities: { all: signers }, ...file }: FileToRead): Promise<FileRevocations> {
  return await readRevocationFile({ ...file, signers })
}

/**
 * The program of the worker, which is beside this module as it runs: in its source, and in the bundle of the package.
 *
 * In a bundle of an app, this module is a part of the app's file, and a file beside that belongs to the app. Running that would
 * start the app a second time. So the program has a name that no app would give to a file of its own.
 *
 * @param place URL of this module; undefined in a CommonJS bundle
 */
function programBeside (place: string | undefined): URL {
  const url = place !== undefined && URL.canParse(place) ? new URL(place) : undefined
  const [extension] = /\.\w+$/.exec(url?.pathname ?? '') ?? []
  const program = extension === undefined ? undefined : new URL(`fastify-endpoint-thread${extension}`, url)
  if (program?.protocol === 'file:' && existsSync(program)) return program
  throw new Error('its program is missing, as in a bundle: mark fastify-endpoint as external')
}
