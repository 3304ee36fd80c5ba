import t from 'tap'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { head } from '../support/peer.js'

const [node, ...args] = compiled('one-connection') as [string, ...string[]]

t.test('close() waits for the request under way, and says that it is the last', async (t) => {
  const child = new Child(t, node, args)
  child.process.stdin?.write(head('/slow'))
  await child.prints(/^slow/m)
  child.kill('SIGTERM')
  await child.prints(/^closing/m)
  child.kill('SIGUSR2')
  t.match(await child.ended, { status: 0 })
  t.match(child.output, /connection: close\r\n[^]*\{"pid":\d+\}/i)
})

t.test('close() waits for nobody who only has the input open', async (t) => {
  const child = new Child(t, node, args)
  await child.prints(/Server listening at stdio/)
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
})

t.test('the end of a reader ends the app', async (t) => {
  const child = new Child(t, node, args)
  await child.prints(/Server listening at stdio/)
  child.process.stdout?.destroy()
  child.process.stdin?.write(head('/large'))
  t.match(await child.ended, { status: 0 })
  t.match(child.output, 'the app is closed')
})
