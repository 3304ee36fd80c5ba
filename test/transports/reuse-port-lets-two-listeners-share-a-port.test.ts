import t from 'tap'
import { knowsReusePort } from '../../lib/transports/tcp.js'
import { startApp } from '../support/mutual-tls.js'

t.test('reusePort lets two listeners share a port, and is a coded error on a Node.js that would ignore it', async (t) => {
  const shared = 'tcp:0:interface=127.0.0.1:reusePort=1'
  if (!knowsReusePort(process.versions.node)) {
    await t.rejects(startApp(t, shared), {
      code: 'FST_ENDPOINT_REUSE_PORT',
      message: `reusePort needs Node.js 22.12 or later; this is ${process.version}`,
      argument: 'reusePort',
      endpoint: shared
    })
    return
  }
  const { port } = await startApp(t, shared)
  await startApp(t, `tcp:${port}:interface=127.0.0.1:reusePort=1`)
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
})

t.test('reusePort came with Node.js 22.12 and 23.1', async (t) => {
  for (const version of ['22.12.0', '22.20.1', '23.1.0', '24.0.0', '26.8.0']) t.ok(knowsReusePort(version), version)
  for (const version of ['20.19.0', '21.7.3', '22.11.0', '23.0.0']) t.notOk(knowsReusePort(version), version)
})
