import type { SecureVersion } from 'node:tls'
import t from 'tap'
import { Agent, fetch } from 'undici'
import { alertIn } from '../support/alerts.js'
import { startInstalledApp } from '../support/installed.js'

// In TLS 1.3 a client is done before the server judges it. What undici then reports is the end of the connection
// and not the alert, whatever the server: `openssl s_server -Verify 1 -verify_return_error` gives the same.
const SEEN: ReadonlyArray<[SecureVersion, string]> = [['TLSv1.2', 'certificate_revoked'], ['TLSv1.3', 'UND_ERR_SOCKET']]

for (const [version, seen] of SEEN) {
  t.test(`fetch of undici is served until its certificate is revoked, then its open connection is closed and the next one is rejected (${version})`, async (t) => {
    const { site, port, revokeMallory } = await startInstalledApp(t)
    const agentOf = ({ chain, key }: { chain: string, key: string }): Agent => {
      const agent = new Agent({ connect: { ca: site.ca.certificate, cert: chain, key, maxVersion: version } })
      t.teardown(() => agent.destroy())
      return agent
    }
    const [alice, mallory] = [agentOf(site.alice), agentOf(site.mallory)]
    const visit = async (dispatcher: Agent): Promise<string> => await (await fetch(`https://localhost:${port}/news`, { dispatcher })).text()
    t.equal(await visit(mallory), 'good news')
    t.equal(await visit(alice), 'good news')
    const ended = new Promise((resolve) => { mallory.once('disconnect', resolve) })
    await revokeMallory()
    await ended
    const refused = await visit(mallory).catch((thrown: Error) => thrown)
    t.equal(alertIn((refused as Error).cause as Error), seen)
    t.equal(await visit(alice), 'good news')
  })
}
