/** The raw client of these tests is served like any other as long as it follows the protocol. */
import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, type KeyAlgorithm } from '../support/pki.js'
import { knock } from '../support/raw-tls-client.js'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a good client is served and bad clients get their alert (${version})`, async (t) => {
    const site = await makeSite(t)
    const { port } = await startApp(t, site.endpoint())
    for (const keyAlgorithm of ['P-256', 'P-384', 'RSA-2048', 'Ed25519'] as KeyAlgorithm[]) {
      const { der, key } = await site.ca.issue({ name: 'bob', usage: 'client', keyAlgorithm })
      const { text, alert } = await knock({ port, version, chain: [der], key })
      t.match(text, /200 OK[^]*bob/)
      t.equal(alert, 0)
    }
    const stranger = await (await createAuthority({ name: 'Stranger' })).issue({ name: 'bob', usage: 'client' })
    t.strictSame(await knock({ port, version, chain: [stranger.der], key: stranger.key }), { text: '', alert: 48 })
    t.match(await knock({ port, version, chain: [site.alice.der], key: stranger.key }), { text: '', alert: Number })
    t.match(await knock({ port, version, chain: [], key: stranger.key }), { text: '', alert: version === 'TLSv1.3' ? 116 : 40 })
    t.match(await knock({ port, version, chain: [Buffer.from('garbage')], key: stranger.key }), { text: '', alert: Number })
    t.match(await knock({ port, version, chain: [site.alice.der, Buffer.from('garbage')], key: site.alice.key }), { text: '', alert: Number })
  })
}
