/**
 * The program of the thread that reads large files, and follows many. Only `Thread` starts it, and nothing
 * imports it.
 */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { Authorities } from '../../x509/authorities.js'
import { type FileToRead, readRevocationFile } from '../files/file-content.js'
import { answer, type Answer, type Call, type Command, type Sent, type SentRevocations, sentRevocations } from './messages.js'
import type { FilesService } from './served-files.js'

// A thread has one.
const port = parentPort as MessagePort
let authorities = Authorities.none
let service: Promise<FilesService> | undefined

// It reads one file at a time, and never ends this: its descriptors end with it.
descriptors.holdBack(undefined, 2)

port.on('message', (message: Call | Command) => {
  if (message.kind === 'read') {
    answer(port, message, (buffers) => read(message.payload, buffers))
    return
  }
  // Not for a thread that only reads: to load it takes as long as the rest of what a thread is started with.
  service ??= import('./served-files.js').then(({ FilesService }) => new FilesService(port))
  service.then((files) => { files.take(message) })
})
// What cannot be read is never answered: with the end of the thread it is.
port.on('messageerror', (error) => { throw error })
port.postMessage({ kind: 'ready' } satisfies Answer)

async function read ({ authorities: sent, ...file }: Sent<FileToRead>, buffers: ArrayBuffer[]): Promise<SentRevocations> {
  const { certificates, anchors, digest } = sent
  if (authorities.digest !== digest) authorities = new Authorities(certificates, anchors)
  return sentRevocations(await readRevocationFile({ ...file, signers: authorities.all }), buffers)
}
