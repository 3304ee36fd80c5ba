import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { connectBehind, connectTlsBehind, seenRoute } from '../support/proxied.js'
import { binary, line } from '../support/proxy-headers.js'

const WARN = 40
const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

const BAD: Array<[name: string, bytes: Buffer, reason: string]> = [
  ['no header, but HTTP', Buffer.from(head()), 'missing'],
  ['no header, but a ClientHello', Buffer.from('16030100050100000103', 'hex'), 'missing'],
  ['garbage', Buffer.from('\u001b[31mGARBAGE\r\n\0\u009b'), 'missing'],
  ['an invalid address', Buffer.concat([line('TCP4 999.168.0.1 192.0.2.1 1 2'), Buffer.from(head())]), 'address_invalid'],
  ['a line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`), 'line_too_long'],
  ['version 3', Buffer.concat([binary({ command: 0x31 }), Buffer.from(head())]), 'version_unknown']
]

for (const secure of [false, true]) {
  t.test(`a bad header ${secure ? 'before TLS' : 'in the clear'} ends only its own connection`, async (t) => {
    const site = await makeSite(t)
    const log = new LogCapture()
    const { port } = await startApp(t, `haproxy:${secure ? site.endpoint() : 'tcp:0:interface=127.0.0.1'}`, seenRoute, { logger: log.logger })
    const good = new Peer(t, secure ? await connectTlsBehind(port, GOOD, asClient(site, site.alice)) : await connectBehind(port, GOOD))
    await good.get()
    for (const [name, bytes, reason] of BAD) {
      const peer = await Peer.connect(t, port)
      peer.send(bytes.toString('latin1'))
      t.equal(await peer.closed, '', `${name}: not a byte in answer`)
      t.match(await good.get(), /200 OK/)
      const last = log.about('proxy connection rejected').at(-1)
      if (log.about('proxy connection rejected').length < 5) t.match(last, { level: WARN, reason, remoteAddress: '127.0.0.1' }, name)
    }
    t.equal(log.about('proxy connection rejected').length, 5, 'one peer fills five lines, not more')
    t.notMatch(JSON.stringify(log.lines), /999\.168|GET \/ HTTP|GARBAGE|11111111/, 'nothing of what was sent is in the log')
  })
}
