/** For a worker thread: tells its parent the code of the error that listening ends with. */
import { parentPort, workerData } from 'node:worker_threads'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
await app.register(endpoint, { endpoint: workerData as string })
await app.listen().then(() => parentPort?.postMessage('listening'), (error) => parentPort?.postMessage(error.code))
await app.close()
