import { join } from 'node:path'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const MESSAGE = 'this endpoint serves all routes to clients without a certificate'

t.test('the log warns once at the start that clients without a certificate reach all routes through another endpoint', async (t) => {
  const site = await makeSite(t)
  const demanding = site.endpoint()
  const inTheClear = site.endpoint('').replace(':interface=127.0.0.1', '')
  for (const [open, warned] of [
    ['tcp:0', true],
    ['tcp:0:interface=0.0.0.0', true],
    [inTheClear, true],
    ['haproxy:tcp:0:interface=127.0.0.1', true],
    ['tcp:0:interface=127.0.0.1', false],
    ['tcp:0:interface=127.0.0.2', false],
    ['tcp:0:interface=localhost', false],
    [`unix:${join(makeShortFolder(t), 's')}`, false],
    [`${demanding}:verify=optional`, false]
  ] as const) {
    for (const strings of [[open, demanding], [demanding, open]]) {
      const log = new LogCapture()
      const { app } = await startApp(t, strings, () => {}, { logger: log.logger })
      t.match(log.about(MESSAGE), warned ? [{ level: 40, endpoint: open, demanding }] : [], open)
      t.equal(log.about(MESSAGE).length, warned ? 1 : 0, open)
      await app.close()
    }
  }
})

t.test('there is no warning if both endpoints admit clients without a certificate', async (t) => {
  const site = await makeSite(t)
  for (const strings of [['tcp:0'], ['tcp:0', `${site.endpoint()}:verify=optional`], ['tcp:0', site.endpoint('')]]) {
    const log = new LogCapture()
    const { app } = await startApp(t, strings, () => {}, { logger: log.logger })
    t.same(log.about(MESSAGE), [])
    await app.close()
  }
})
