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
import { errors, located, reasonOf } from '../../errors.js'
import { type FileRevocations, type FileToRead, readRevocationFile } from '../files/file-content.js'
import { receivedRevocations } from './messages.js'
import { RemoteFiles } from './remote-files.js'
import { Thread, ThreadEnded, ThreadNotStarted } from './thread.js'

/** Bytes above which a file is read in the thread: a megabyte holds the event loop for some 10 ms. */
const LARGE = 1024 * 1024
/** Milliseconds for which no other thread is tried after one that could not start. */
const PAUSE = 10_000

export class ReaderThread {
  #thread: Thread | undefined
  /** When a thread may be tried again, after one that could not start; of `performance.now()`. */
  #notBefore = 0
  #isWarned = false

  /**
   * Reads a file: here if it is small, in the thread if it is large. Its bytes are gone afterwards.
   *
   * Where no thread can be made, it is read here all the same.
   *
   * @throws as `readRevocationFile`; FST_ENDPOINT_FILE_UNREADABLE if the thread ends meanwhile, for lack of
   *   memory, say
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

  /** Files that the thread is to follow; undefined where no thread can be made. */
  openFiles (): RemoteFiles | undefined {
    const thread = this.#start()
    return thread === undefined ? undefined : new RemoteFiles(thread)
  }

  /** Makes the thread ready for a file of that many bytes, so that it starts while the file is waited for. */
  prepare (bytes: number): void {
    if (bytes > LARGE) this.#start()?.restIfIdle()
  }

  /** Ends the thread. What is being read is rejected. */
  close (): void {
    this.#thread?.close()
  }

  /** Undefined where the process may have no threads (Node's permission model), or no more of them, and in a bundle. */
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

  /** Large files are read here for a while. */
  #goWithout (thrown: unknown): void {
    this.#notBefore = performance.now() + PAUSE
    if (this.#isWarned) return
    this.#isWarned = true
    const why = `no thread can be made (${reasonOf(thrown)})`
    process.emitWarning(`fastify-endpoint reads large CRLs on the main thread, which waits meanwhile: ${why}`)
  }
}

async function readHere ({ authorities: { all: signers }, ...file }: FileToRead): Promise<FileRevocations> {
  return await readRevocationFile({ ...file, signers })
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
