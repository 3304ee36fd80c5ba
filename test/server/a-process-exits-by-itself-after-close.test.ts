import t from 'tap'
import { startProgram } from '../support/children.js'
import { makeSite } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

t.test('a process exits by itself after its app has closed', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of ['tcp:0:interface=127.0.0.1', site.endpoint()]) {
    const child = startProgram(t, 'serve', [endpoint])
    const [, port] = await child.prints(/listening .*"port":(\d+)/)
    const silent = await Peer.connect(t, Number(port))
    if (endpoint.startsWith('tcp')) {
      silent.send(head())
      await silent.until('}')
    }
    child.kill('SIGTERM')
    t.same(await child.ended, { status: 0, signal: null }, child.output)
  }
})

t.test('a process whose server is unreferenced exits by itself, before or after listen()', async (t) => {
  for (const when of ['before', 'after']) {
    const child = startProgram(t, 'unreferenced', [when])
    t.same(await child.ended, { status: 0, signal: null }, child.output)
    t.match(child.output, 'listening')
  }
})

t.test('a process whose server is referenced again keeps running', async (t) => {
  const child = startProgram(t, 'unreferenced', ['again'])
  await child.prints(/listening/)
  child.process.stdin?.end('ask\n')
  await child.prints(/answered 200/)
  child.kill('SIGTERM')
  t.same(await child.ended, { status: null, signal: 'SIGTERM' })
})
