import { readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { untilDeaf } from '../support/closing.js'
import { startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'
import { getOverUnix, makeShortFolder } from '../support/unix-sockets.js'

t.test('a process that is finishing its requests has already handed its socket to the next process', async (t) => {
  const path = join(makeShortFolder(t), 's')
  let finish = (): void => {}
  const before = await startApp(t, `unix:${path}`, (app) => {
    app.get('/', (_request, reply) => { finish = () => { reply.send({}) } })
  }, { forceCloseConnections: false })
  const peer = await Peer.connect(t, path)
  const requested = new Promise<void>((resolve) => { before.app.server.once('request', () => resolve()) })
  peer.send(head())
  await requested
  const closed = before.app.close()

  await untilDeaf(before.app)
  const next = startProgram(t, 'serve', [`unix:${path}`])
  await next.prints(/listening/)
  t.equal(readlinkSync(`${path}.lock`), String(next.pid))
  finish()
  await closed
  t.match(await peer.closed, /200 OK/)
  t.equal(readlinkSync(`${path}.lock`), String(next.pid))
  t.equal(await getOverUnix(path), 200)
})
