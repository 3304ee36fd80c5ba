import { once } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a swap interrupts a response that streams to a revoked client', async (t) => {
  const site = await makeSite(t)
  const source = new Readable({ read () {} })
  const { app, port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', (_request, reply) => reply.send(source))
  })
  const mallory = await connectTls(port, asClient(site, site.mallory))
  mallory.on('error', () => {})
  mallory.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  source.push('first part')
  let received = ''
  while (!received.includes('first part')) received += (await once(mallory, 'data'))[0]
  mallory.on('data', (chunk) => { received += chunk })
  const cut = once(mallory, 'close')
  const sourceClosed = once(source, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  source.push('second part')
  await cut
  await sourceClosed
  t.notMatch(received, /second part/)
})
