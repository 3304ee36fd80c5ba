import { Server } from 'node:net'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('up to 50 connections wait to be accepted, unless the string gives a backlog', async (t) => {
  const { listen } = Server.prototype
  const asked = t.capture(Server.prototype, 'listen', listen)
  await startApp(t, 'tcp:0:interface=127.0.0.1')
  await startApp(t, 'tcp:0:interface=127.0.0.1:backlog=7')
  t.match(asked().map(({ args }) => args[0]), [{ backlog: 50 }, { backlog: 7 }])
})
