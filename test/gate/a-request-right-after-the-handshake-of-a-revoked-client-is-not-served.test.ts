import t from 'tap'
import { asClient, bytesFor, makeSite, startApp } from '../support/mutual-tls.js'

const ATTEMPTS = 50

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a request that a revoked client sends right after its Finished never reaches the app (${version})`, async (t) => {
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    let requests = 0
    const { port } = await startApp(t, site.endpoint(), (app) => {
      app.addHook('onRequest', async () => { requests++ })
      app.get('/', async () => 'secret')
    })
    const mallory = { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }
    const answers: string[] = []
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      answers.push(await bytesFor(port, mallory, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'))
    }
    t.equal(answers.join(''), '')
    t.equal(requests, 0)
    t.match(await bytesFor(port, { ...mallory, cert: site.alice.chain, key: site.alice.key }, 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'), /secret/, 'the same request of a good client is answered')
  })
}
