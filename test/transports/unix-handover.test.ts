import { lutimesSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'
import { getOverUnix, LONG_AGO, makeShortFolder } from '../support/unix-sockets.js'

t.test('a process that still ends its requests does not take the lock of the next one with it', async (t) => {
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

  // To the next process it is the lock of one that lives, but is older than anybody needs to come to bind.
  lutimesSync(`${path}.lock`, LONG_AGO, LONG_AGO)
  const next = startProgram(t, 'serve', [`unix:${path}`])
  await next.prints(/listening/)
  t.equal(readlinkSync(`${path}.lock`), String(next.pid))
  finish()
  await closed
  t.match(await peer.closed, /200 OK/)
  t.equal(readlinkSync(`${path}.lock`), String(next.pid))
  t.equal(await getOverUnix(path), 200)
})
