import { join } from 'node:path'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('a worker thread cannot set the umask, so a unix socket is refused there', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const worker = new Worker(new URL('../programs/serve-in-worker.ts', import.meta.url), { workerData: `unix:${path}` })
  const [code] = await once(worker, 'message')
  t.equal(code, 'FST_ENDPOINT_UNIX_IN_WORKER')
  await once(worker, 'exit')
})
