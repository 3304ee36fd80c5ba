import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { killsOneUnderLoad } from '../support/pairs.js'
import { knowsReusePort } from '../../lib/transports/tcp.js'

async function startCompiled (t: Test, name: string, ...words: string[]): Promise<Child> {
  const [command, ...args] = compiled(name, ...words) as [string, ...string[]]
  return new Child(t, command, args)
}

t.test('the workers of a cluster share a port, and the death of one takes only its own connections', async (t) => {
  const primary = await startCompiled(t, 'cluster', 'tcp:0:interface=127.0.0.1', '2')
  await primary.prints(/(?:listening .*\n){2}/)
  const workers = [...primary.output.matchAll(/^listening (.*)$/gm)].map(([, json]) => JSON.parse(json as string) as { pid: number, address: AddressInfo })
  const [first, second] = workers as [typeof workers[0], typeof workers[0]]
  t.equal(first?.address.port, second?.address.port)
  await killsOneUnderLoad(t, first?.address.port as number, [first?.pid as number, second?.pid as number])
  primary.kill('SIGTERM')
  t.match(await primary.ended, { status: 0 })
})

t.test('with reusePort, independent processes share a port', async (t) => {
  if (!knowsReusePort(process.versions.node)) {
    const child = await startCompiled(t, 'serve', 'tcp:0:interface=127.0.0.1:reusePort=1')
    t.ok(await child.prints(/failed FST_ENDPOINT_REUSE_PORT/))
    return
  }
  const first = await startCompiled(t, 'serve', 'tcp:0:interface=127.0.0.1:reusePort=1')
  const { port } = JSON.parse((await first.prints(/listening (\{.*\})/))[1] as string) as AddressInfo
  const second = await startCompiled(t, 'serve', `tcp:${port}:interface=127.0.0.1:reusePort=1`)
  await second.prints(/listening/)
  await killsOneUnderLoad(t, port, [first.pid, second.pid])
  second.kill('SIGTERM')
  t.match(await second.ended, { status: 0 })
})
