/** The program of the worker that reads large files, and watches many. Only `Thread` starts it; nothing imports it. */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { descriptors } from '../../descriptors.js'
import { Authorities } from '../../x509/authorities.js'
import { type FileToRead, readRevocationFile } from '../files/file-content.js'
import { answer, type Answer, type Call, type Command, type WithDerAuthorities, type SentRevocations, sentRevocations } from './messages.js'
import type { FilesService } from './served-files.js'

// A worker has one.
const port = parentPort as MessagePort
let authorities = Authorities.none
let service: Promise<FilesService> | undefined

// For the one file that it reads at a time. The descriptors are closed when the worker ends.
descriptors.holdBack(undefined, 2)

port.on('message', (message: Call | Command) => {
  if (message.kind === 'read') {
    answer(port, message, (buffers) => read(message.payload, buffers))
    return
  }
  // Loaded only where it is needed: it takes as long as the rest of the start.
  service ??= import('./served-files.js').then(({ FilesService }) => new FilesService(port))
  service.then((files) => { files.handle(message) })
})
// A message that cannot be read can only be answered by ending the worker.
port.on('messageerror', (error) => { throw error })
port.postMessage({ kind: 'ready' } satisfies Answer)

async function read ({ authorities: sent, ...file }: WithDerAuthorities<FileToRead>, buffers: ArrayBuffer[]): Promise<SentRevocations> {
  const { certificates, anchors, digest } = sent
  if (authorities.digest !== digest) authorities = new Authorities(certificates, anchors)
  return sentRevocations(await readRevocationFile({ ...file, signers: authorities.all }), buffers)
}
