import t from 'tap'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { head } from '../support/peer.js'

const [node, ...args] = compiled('one-connection') as [string, ...string[]]

t.test('close() waits for the request under way, and its answer says that the connection closes', async (t) => {
  const child = new Child(t, node, args)
  child.process.stdin?.write(head('/slow'))
  await child.prints(/^slow/m)
  child.kill('SIGTERM')
  await child.prints(/^closing/m)
  child.kill('SIGUSR2')
  t.match(await child.ended, { status: 0 })
  t.match(child.output, /connection: close\r\n[^]*\{"pid":\d+\}/i)
})

t.test('close() does not wait for a client that has sent no request', async (t) => {
  const child = new Child(t, node, args)
  await child.prints(/Server listening at stdio/)
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
})

t.test('the app ends when the reader of its output is gone', async (t) => {
  const child = new Child(t, node, args)
  await child.prints(/Server listening at stdio/)
  child.process.stdout?.destroy()
  child.process.stdin?.write(head('/large'))
  t.match(await child.ended, { status: 0 })
  t.match(child.output, 'the app is closed')
})
