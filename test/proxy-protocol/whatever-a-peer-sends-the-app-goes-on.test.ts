import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { untilConnected } from '../support/closing.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { connectBehind, connectTlsBehind, seenRoute } from '../support/proxied.js'
import { binary, line, sslVector, vector, withChecksum } from '../support/proxy-headers.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')
const HEADERS = [
  GOOD,
  binary({ vectors: [vector(0x02, 'example.org'), sslVector(7, 0, vector(0x22, 'alice'))] }),
  withChecksum(binary({ vectors: [vector(0x03, Buffer.alloc(4))] }))
]

const bytes = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** A good header with some bytes changed, or arbitrary bytes; the bytes after it; and the place where it is cut. */
const stream = fc.tuple(
  fc.oneof(bytes(200), fc.tuple(fc.constantFrom(...HEADERS), fc.nat(), bytes(2)).map(([header, at, other]) => {
    const start = at % header.length
    return Buffer.concat([header.subarray(0, start), other, header.subarray(start + other.length)])
  })),
  fc.oneof(bytes(300), fc.constant(Buffer.from(head()))),
  fc.nat()
)

for (const secure of [false, true]) {
  t.test(`the app keeps serving whatever a peer sends, ${secure ? 'with' : 'without'} TLS after the header`, async (t) => {
    const site = await makeSite(t)
    const log = new LogCapture()
    const { app, port } = await startApp(t, `haproxy:${secure ? site.endpoint() : 'tcp:0:interface=127.0.0.1'}`, seenRoute, { logger: log.logger })
    const good = new Peer(t, secure ? await connectTlsBehind(port, GOOD, asClient(site, site.alice)) : await connectBehind(port, GOOD))
    await fc.assert(fc.asyncProperty(stream, async ([header, behind, at]) => {
      const all = Buffer.concat([header, behind])
      const cut = at % (all.length + 1)
      const socket = connect(port, '127.0.0.1').on('error', () => {}).resume()
      const closed = once(socket, 'close')
      socket.write(all.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      socket.end(all.subarray(cut))
      await closed
    }), { numRuns: 400 })
    t.match(await good.get(), /192\.0\.2\.1/)
    good.socket.destroy()
    await untilConnected(app, 0)
    t.strictSame(log.lines.filter(({ level }) => level > 40), [], 'nothing is logged as an error')
  })
}
