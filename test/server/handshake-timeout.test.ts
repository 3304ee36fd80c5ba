import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'

t.test('a peer that does not come to the end of its handshake is closed after handshakeTimeout', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, `${site.endpoint()}:handshakeTimeout=1`, undefined, { logger: log.logger } as object)
  const started = process.hrtime.bigint()
  const peer = await Peer.connect(t, port)
  t.equal(await peer.closed, '')
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  t.ok(seconds > 0.9 && seconds < 9, 'neither at once nor at the default of ten seconds')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await app.close()
})
