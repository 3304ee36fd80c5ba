/** A response and its request take as much memory as the rest of a connection. */
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { until } from '../support/until.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

t.test('an idle connection keeps neither its last request nor the response', async (t) => {
  const seen: Array<WeakRef<object>> = []
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', (app) => {
    app.get('/', async ({ raw }, reply) => {
      seen.push(new WeakRef(raw), new WeakRef(reply.raw))
      return 'hello'
    })
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => { agent.destroy() })
  const get = async (): Promise<boolean> => {
    const asked = request({ host: '127.0.0.1', port, agent }).end()
    const [response] = await once(asked, 'response') as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return asked.reusedSocket
  }
  await get()
  await until('both were collected', async () => {
    collectGarbage()
    return seen.every((reference) => reference.deref() === undefined)
  })
  t.equal(seen.length, 2)
  t.equal(await get(), true, 'the connection is still open')
})
