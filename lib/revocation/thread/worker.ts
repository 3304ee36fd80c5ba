/**
 * The program of the thread that reads large files, and follows many. Only `ReaderThread` starts it, and nothing
 * imports it.
 */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { NO_SIGNERS, readSigners, type SignerSet } from '../../x509/signers.js'
import { readRevocationFile } from '../files/file-content.js'
import { type Answer, type FilesCommand, type Job, type Ready, sentError, sentRevocations } from './messages.js'

// A thread has one.
const port = parentPort as MessagePort
let known: SignerSet = NO_SIGNERS
let obeying: Promise<(told: FilesCommand) => void> | undefined

// It reads one file at a time, and never ends this: its descriptors end with it.
descriptors.holdBack(undefined, 2)

port.on('message', (told: Job | FilesCommand) => {
  if (!('files' in told)) {
    read(told)
    return
  }
  // Not for a thread that only reads: to load it takes as long as the rest of what a thread is started with.
  obeying ??= import('./served-files.js').then(({ handleCommands }) => handleCommands(port))
  obeying.then((obey) => { obey(told) })
})
// What cannot be read is never answered: with the end of the thread it is.
port.on('messageerror', (error) => { throw error })
port.postMessage('ready' satisfies Ready)

async function read ({ id, certificates, anchors, digest, ...file }: Job): Promise<void> {
  try {
    if (known.digest !== digest) known = readSigners(certificates, anchors)
    const buffers: ArrayBuffer[] = []
    const found = sentRevocations(await readRevocationFile({ ...file, signers: known.signers }), buffers)
    port.postMessage({ id, found } satisfies Answer, buffers)
  } catch (thrown) {
    port.postMessage({ id, problem: sentError(thrown) } satisfies Answer)
  }
}
