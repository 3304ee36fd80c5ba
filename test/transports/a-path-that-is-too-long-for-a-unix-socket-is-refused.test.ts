import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { getOverUnix, makeShortFolder } from '../support/unix-sockets.js'

t.test('a path of 107 bytes is opened, and a path of 108 bytes is refused', async (t) => {
  const folder = makeShortFolder(t)
  const longest = join(folder, 'x'.repeat(107 - folder.length - 1))
  t.equal(Buffer.byteLength(longest), 107)
  const { app } = await startApp(t, `unix:${longest}`)
  t.ok(lstatSync(longest).isSocket())
  t.equal(app.server.address(), longest)
  t.equal(await getOverUnix(longest), 200)
  await t.rejects(startApp(t, `unix:${longest}x`), { code: 'FST_ENDPOINT_INVALID_ARGUMENT', message: /has 108 bytes/ })
})
