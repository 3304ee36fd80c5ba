/** With fewer descriptors than connections, the list is still read, and a client that it revokes is cut during the flood. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectToTls } from 'node:tls'
import t from 'tap'
import { besiege, startBesieged } from '../support/besieged.js'
import { asClient, connectTls, get, makeSite } from '../support/mutual-tls.js'
import { head } from '../support/peer.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

/** Descriptors of the process. */
const LIMIT = 120
const CONNECTIONS = 160
/** Milliseconds on a loaded machine. If no descriptors are kept free, it never happens. */
const LONGEST_WAIT = 30_000

t.test('a revoked client is cut during a flood of connections', async (t) => {
  const site = await makeSite(t)
  const socket = join(makeShortFolder(t), 's')
  const { child, ports: [port = 0, clear = 0] } = await startBesieged(t, LIMIT, {
    // The default is shorter than the siege: the kernel would drop connections, and make them wait for seconds.
    endpoint: [`${site.endpoint()}:backlog=511`, 'tcp:0:interface=127.0.0.1:backlog=511', site.over(`unix:${socket}:backlog=511`)]
  })
  t.match(child.output, /"descriptors":120,"connections":90,"msg":"maxConnections exceeds the limit of open files: at most 90 connections/)
  for (const { of, by, servesOthers } of [
    { of: 'silent connections', by: () => connect(port, '127.0.0.1'), servesOthers: true },
    { of: 'silent connections in the clear', by: () => connect(clear, '127.0.0.1'), servesOthers: false },
    { of: 'silent connections to a unix socket', by: () => connect(socket), servesOthers: true },
    // From the address that a good client has here, too.
    { of: 'connections of its own', by: undefined, servesOthers: false }
  ]) {
    const name = of.replaceAll(' ', '-')
    const mallory = await site.ca.issue({ name, usage: 'client' })
    await site.write(name, mallory)
    const options = asClient(site, mallory)
    const own = (): ReturnType<typeof connectToTls> => {
      const one = connectToTls({ host: '127.0.0.1', port, ...options })
      return one.once('secureConnect', () => { one.write(head()) })
    }
    // Connections of the last siege may still be in the way.
    const client = await until('the client connects', () => connectTls(port, options).catch(() => undefined))
    t.teardown(() => { client.destroy() })
    client.on('error', () => {}).write(head())
    await once(client, 'data')
    client.resume()
    const siege = besiege(t, CONNECTIONS, by ?? own)
    await siege.crowded
    // The listener is added first, because the server may be faster than the callback of this process.
    const cut = once(client, 'close', { signal: AbortSignal.timeout(LONGEST_WAIT) })
    await site.revoke(`${name}.pem`)
    await t.resolves(cut, of)
    await t.rejects(get(port, options), 'and cannot connect again')
    if (servesOthers) t.equal(await statusFor(port, asClient(site, site.alice)), 200, 'others do')
    siege.end()
  }
})

/** Gives the status of the answer to a good client, which retries while it is closed. */
async function statusFor (port: number, options: ReturnType<typeof asClient>): Promise<number> {
  return until('a good client is served', () => get(port, options).then(({ status }) => status, () => undefined))
}
