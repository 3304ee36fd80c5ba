import { once } from 'node:events'
import t from 'tap'
import { HeldHook } from '../support/held-hook.js'
import { openSession } from '../support/http2-client.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'

t.test('the handler of a good client starts even if its session has already ended', async (t) => {
  const site = await makeSite(t)
  const held = new HeldHook()
  const gone: Array<Promise<unknown>> = []
  const seen: string[] = []
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    held.watch(app)
    app.addHook('onRequest', async (request) => { gone.push(once(request.raw.socket, 'close')) })
    app.post('/', { preHandler: held.wait }, async (request) => {
      seen.push(String(request.clientCertificate?.subject))
      return 'done'
    })
  })
  const alice = await openSession(port, asClient(site, site.alice))
  alice.request({ ':path': '/', ':method': 'POST' }).on('error', () => {}).end()
  await held.reached
  alice.destroy()
  await Promise.all(gone)
  held.release()
  t.match(await held.answered, /^200 /)
  t.same(seen, ['CN=alice'])
})
