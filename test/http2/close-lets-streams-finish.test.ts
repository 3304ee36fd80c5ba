import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'

t.test('app.close() ends an idle session at once, and lets a busy session finish its streams', async (t) => {
  const site = await makeSite(t)
  const events = new EventEmitter()
  const started = once(events, 'started')
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => 'hello')
    app.get('/slow', async () => {
      const go = once(events, 'go')
      events.emit('started')
      await go
      return 'finished'
    })
  }, { forceCloseConnections: false })
  const idle = await openSession(port, asClient(site, site.alice))
  const busy = await openSession(port, asClient(site, site.alice))
  await ask2(idle)
  const idleClosed = once(idle, 'close')
  const answer = ask2(busy, '/slow')
  await started
  const closed = app.close()
  await idleClosed
  events.emit('go')
  t.equal((await answer).body, 'finished')
  await closed
})

t.test('a session without traffic is closed after http2SessionTimeout', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, undefined, { http2SessionTimeout: 50 } as object)
  const session = await openSession(port, asClient(site, site.alice))
  t.equal((await ask2(session)).status, 200)
  await once(session, 'close')
})
