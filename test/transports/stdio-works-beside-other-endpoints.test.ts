import t from 'tap'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { head } from '../support/peer.js'

const [node, ...args] = compiled('one-connection') as [string, ...string[]]

t.test('an app with other endpoints keeps running after standard input ends', async (t) => {
  const child = new Child(t, node, [...args, 'tcp:0:interface=127.0.0.1'])
  const [, port] = await child.prints(/127\.0\.0\.1:(\d+)/)
  child.process.stdin?.end(head())
  await child.prints(/"pid"/)
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
})

t.test('if another endpoint cannot be opened, the app answers nothing', async (t) => {
  const child = new Child(t, node, [...args, 'fd:2000000000'])
  child.process.stdin?.end(head())
  t.match(await child.ended, { status: 0 })
  t.match(child.output, 'failed FST_ENDPOINT_DESCRIPTOR_INVALID fd:2000000000')
  t.notMatch(child.output, 'HTTP/1.1')
})
