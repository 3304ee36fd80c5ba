import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'

for (const description of ['fd:3', 'systemd:INET:0', 'stdio']) {
  t.test(`a worker thread cannot use a descriptor of its process: ${description}`, async (t) => {
    const worker = new Worker(new URL('../programs/serve-in-worker.ts', import.meta.url), { workerData: description })
    const [code] = await once(worker, 'message')
    t.equal(code, 'FST_ENDPOINT_INHERITED_IN_WORKER')
    await once(worker, 'exit')
  })
}
