import { randomBytes } from 'node:crypto'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { getOverUnix } from '../support/unix-sockets.js'

const skip = process.platform === 'linux' ? false : 'only Linux has an abstract namespace'

t.test('an abstract unix socket is opened and leaves no file behind', { skip }, async (t) => {
  const name = `\0fastify-endpoint-${randomBytes(8).toString('hex')}`
  const { app } = await startApp(t, `unix:${name}`)
  t.equal(app.server.address(), name)
  t.equal(await getOverUnix(name), 200)
  await t.rejects(startApp(t, `unix:${name}`), { code: 'FST_ENDPOINT_ADDRESS_IN_USE' })
  await app.close()
  await startApp(t, `unix:${name}`)
  t.equal(await getOverUnix(name), 200)
})
