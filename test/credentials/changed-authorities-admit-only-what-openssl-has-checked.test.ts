/** The authorities change while a client is connected or in its handshake: OpenSSL has checked the old ones. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { alertIn, alertSeenByNode } from '../support/alerts.js'
import { oid } from '../support/der.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, helloRoute, makeSite, startApp } from '../support/mutual-tls.js'
import { head } from '../support/peer.js'
import { createAuthority, element, Extension, type Issued } from '../support/pki.js'
import { Relay } from '../support/relay.js'
import { renewals } from '../support/renewal.js'

const HOUR = 60 * 60 * 1000
const SERVERS_ONLY = new Extension('2.5.29.37', false, element(0x30, oid('1.3.6.1.5.5.7.3.1')))

/** An app with two authorities of one name and key, of which the second is for servers only, and a client of that key. */
async function start (t: Test) {
  const site = await makeSite(t)
  const free = await createAuthority({ name: 'Shared' })
  const twin = (options = {}) => createAuthority({ name: 'Shared', keyPair: free.keyPair, ...options })
  const limited = await twin({ extensions: [SERVERS_ONLY] })
  const client = await free.issue({ name: 'eve', usage: 'client' })
  const log = new LogCapture()
  const write = (certificates: readonly Issued[]): Promise<void> => writeFile(site.path('ca.pem'), [site.ca, ...certificates].map(({ certificate }) => certificate).join(''))
  await write([free, limited])
  const { port } = await startApp(t, site.endpoint(), helloRoute, { logger: log.logger })
  let swaps = 0
  const replace = async (...certificates: readonly Issued[]): Promise<void> => {
    await write(certificates)
    await renewals(log, ++swaps)
  }
  return { site, port, free, twin, limited, client, replace }
}

async function ask (socket: TLSSocket): Promise<string> {
  socket.write(head())
  return String((await once(socket, 'data'))[0])
}

t.test('a client whose only path left needs the judgment of OpenSSL is cut', async (t) => {
  for (const isRenewed of [false, true]) {
    const { site, port, twin, limited, client, replace } = await start(t)
    const socket = (await connectTls(port, asClient(site, client))).on('error', () => {})
    t.match(await ask(socket), /200 OK/)
    const isCut = once(socket, 'close')
    await replace(isRenewed ? await twin({ extensions: [SERVERS_ONLY], notBefore: new Date(Date.now() - HOUR) }) : limited)
    await isCut
    t.equal(await alertSeenByNode({ port }, asClient(site, client)), 'unsupported_certificate', 'as OpenSSL decides')
  }
})

t.test('a certificate does not renew an authority if another one of the same name and key contradicts it', async (t) => {
  const { site, port, free, twin, limited, client, replace } = await start(t)
  await replace(free)
  const socket = (await connectTls(port, asClient(site, client))).on('error', () => {})
  t.match(await ask(socket), /200 OK/)
  const isCut = once(socket, 'close')
  await replace(limited, await twin({ notBefore: new Date(Date.now() - HOUR) }))
  await isCut
})

t.test('one valid renewal of several is enough', async (t) => {
  const { site, port, free, twin, client, replace } = await start(t)
  await replace(free)
  const socket = await connectTls(port, asClient(site, client))
  t.match(await ask(socket), /200 OK/)
  await replace(await twin({ notBefore: new Date(Date.now() - 3 * HOUR), notAfter: new Date(Date.now() - HOUR) }), await twin({ notBefore: new Date(Date.now() - HOUR) }))
  t.match(await ask(socket), /200 OK/)
  socket.destroy()
})

t.test('a handshake during which the authorities change is judged by the old and the new ones', async (t) => {
  for (const { what, change, answer } of [
    { what: 'the one that OpenSSL used is gone', change: ({ limited }) => [[limited]], answer: 'unknown_ca' },
    { what: 'another one was added', change: ({ free, limited, another }) => [[free, limited, another]], answer: 'served' },
    { what: 'they have changed twice', change: ({ free, limited, another }) => [[free, limited, another], [free, limited]], answer: 'served' },
    { what: 'the one that OpenSSL used was gone for a moment', change: ({ free, limited }) => [[limited], [free, limited]], answer: 'served' },
    {
      what: 'they have changed more often than earlier ones are kept',
      change: ({ free, limited, another }) => [[free, limited, another], [free, limited], [free, limited, another], [free, limited]],
      answer: 'certificate_unknown'
    }
  ] as ReadonlyArray<{ what: string, change: (of: Record<'free' | 'limited' | 'another', Issued>) => Issued[][], answer: string }>) {
    const { site, port, free, limited, client, replace } = await start(t)
    const relay = await Relay.open(t, port, { flights: 1 })
    const socket = connect({ host: '127.0.0.1', port: relay.port, ...asClient(site, client) })
    const seen = new Promise<string>((resolve) => {
      socket.once('data', (data) => { resolve(String(data).startsWith('HTTP/1.1 200') ? 'served' : String(data)) })
      socket.once('error', (error) => { resolve(alertIn(error)) })
    })
    socket.once('secureConnect', () => { socket.write(head()) })
    await relay.held
    for (const certificates of change({ free, limited, another: await createAuthority({ name: 'Another' }) })) await replace(...certificates)
    relay.release()
    t.equal(await seen, answer, what)
    socket.destroy()
  }
})
