/** Compares every property and method of the sockets on a server of Node and on ours with docs/node-differences.md. */
import { once } from 'node:events'
import type { ServerHttp2Stream } from 'node:http2'
import type { RequestOptions } from 'node:https'
import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { startBareApp } from '../support/bare-server.js'
import { documentedDifferences } from '../support/differences.js'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, bytesFor, connectTls, get, makeSite, putInForce, startApp, takeTicket, type RunningApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { differences, portraitOfSocket, type Portrait } from '../support/portrait.js'

/** The differences that these tests have found. */
const seen = new Set<string>()

const KINDS = {
  'a verified client': { requestCert: true, rejectUnauthorized: true, extra: '', certificate: true },
  'a client without a certificate, of which one is asked': { requestCert: true, rejectUnauthorized: false, extra: ':verify=optional', certificate: false },
  'a client of which no certificate is asked': { requestCert: false, rejectUnauthorized: false, extra: undefined, certificate: false }
} as const

/** The two apps, Node's first; `portraits` gets one entry for each request. */
async function startBoth (t: Test, site: Site, kind: keyof typeof KINDS, http2: boolean, portraits: Portrait[]): Promise<[bare: RunningApp, ours: RunningApp]> {
  const { extra, ...asked } = KINDS[kind]
  const routes = (app: FastifyInstance): void => {
    app.get('/', async (request) => {
      portraits.push(portraitOfSocket(request.raw.socket))
      return 'hello'
    })
    app.server.on('upgrade', (_request: unknown, socket: Socket) => {
      portraits.push(portraitOfSocket(socket))
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n')
    })
    for (const event of ['connection', 'secureConnection']) {
      app.server.on(event, (socket: Socket) => { if ('encrypted' in socket) portraits.push(portraitOfSocket(socket)) })
    }
  }
  const endpoint = extra === undefined ? site.endpoint('') : `${site.endpoint()}${extra}`
  return [
    await startBareApp(t, site, routes, { http2, ...asked }),
    await startApp(t, `${endpoint}:alpn=${http2 ? 'h2+http/1.1' : 'http/1.1'}`, routes)
  ]
}

for (const kind of Object.keys(KINDS) as Array<keyof typeof KINDS>) {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.test(`a socket looks the same in server events, HTTP/1 and HTTP/2 requests, and an upgrade: ${kind}, ${maxVersion}`, async (t) => {
      const site = await makeSite(t)
      const options = { ...asClient(site, KINDS[kind].certificate ? site.alice : undefined), maxVersion }
      for (const http2 of [false, true]) {
        const all: Portrait[] = []
        const [bare, ours] = await startBoth(t, site, kind, http2, all)
        const of: Portrait[][] = []
        for (const { port } of [bare, ours]) {
          if (http2) {
            const session = await openSession(port, options)
            await ask2(session)
            session.close()
          } else {
            await get(port, options)
            await bytesFor(port, options, 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n')
          }
          of.push(all.splice(0))
        }
        const [theirs, own] = of as [Portrait[], Portrait[]]
        t.equal(own[0]?.['authorized'], KINDS[kind].certificate, 'as the gate judged')
        // `connection` and `secureConnection` with the same socket, where Node has only the second with it.
        const ownByEvent = http2 ? [own[0], own[2]] : [own[0], own[2], own[3], own[5]]
        t.equal(theirs.length, ownByEvent.length)
        t.same(differences(own[0] as Portrait, own[1] as Portrait), [], 'both events show the same')
        for (const [index, portrait] of theirs.entries()) {
          for (const name of differences(portrait, ownByEvent[index] as Portrait)) {
            seen.add(name)
            t.equal(name, 'server', `number ${index}: ${JSON.stringify(portrait[name])} and ${JSON.stringify(ownByEvent[index]?.[name])}`)
          }
        }
      }
    })
  }
}

t.test('a session that is resumed without a certificate is not authorized', async (t) => {
  const site = await makeSite(t)
  const portraits: Portrait[] = []
  const [, ours] = await startBoth(t, site, 'a client without a certificate, of which one is asked', false, portraits)
  const session = await takeTicket(ours.port, { ...asClient(site), maxVersion: 'TLSv1.3' })
  portraits.splice(0)
  await get(ours.port, { ...asClient(site), session } as RequestOptions)
  t.equal(portraits[0]?.['isSessionReused()'], true)
  t.match(portraits[0], { authorized: false, authorizationError: 'UNABLE_TO_GET_ISSUER_CERT', 'getPeerCertificate()': {} })
  seen.add('authorized')
})

t.test('a client that is cut is no longer authorized', async (t) => {
  const site = await makeSite(t)
  const sockets: TLSSocket[] = []
  const { app, port } = await startApp(t, site.endpoint(), (app) => {
    app.server.on('secureConnection', (socket: TLSSocket) => { sockets.push(socket) })
  })
  const client = await connectTls(port, asClient(site, site.mallory))
  client.on('error', () => {}).resume()
  while (sockets.length === 0) await once(app.server, 'secureConnection')
  const [socket] = sockets as [TLSSocket]
  t.equal(socket.authorized, true)
  await putInForce(app, () => site.revoke('mallory.pem'))
  t.match(socket, { authorized: false, authorizationError: 'certificate_revoked' })
  t.equal(socket.getPeerCertificate(), null, 'like a closed socket of Node')
  t.equal(socket.getPeerX509Certificate(), undefined)
  t.equal(socket.getCertificate(), null)
  seen.add('authorized')
})

t.test('the issuers of a client come from the path that was verified, also in a resumed session', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const site = await makeSite(t, root)
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: root, pathLength: 0 })
  const client = await issuing.issue({ name: 'deep', usage: 'client' })
  const portraits: Portrait[] = []
  const [, ours] = await startBoth(t, site, 'a verified client', false, portraits)
  const names = (certificate: any): string[] => certificate === 'itself' || certificate === undefined
    ? [String(certificate)]
    : [certificate.subject.CN, ...names(certificate.issuerCertificate)]
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    await get(ours.port, { ...asClient(site, client), maxVersion })
    t.same(names(portraits.at(-1)?.['getPeerCertificate(true)']), ['deep', 'Issuing CA', 'Root', 'itself'])
    const session = await takeTicket(ours.port, { ...asClient(site, client), maxVersion })
    await get(ours.port, { ...asClient(site, client), maxVersion, session } as RequestOptions)
    t.equal(portraits.at(-1)?.['isSessionReused()'], true)
    t.same(names(portraits.at(-1)?.['getPeerCertificate(true)']), ['deep', 'Issuing CA', 'Root', 'itself'])
  }
  seen.add('getPeerCertificate(true)')
})

t.test('the socket of an HTTP/2 session shows the same as the sockets of its requests', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async (request) => {
      const { session } = (request.raw as unknown as { stream: ServerHttp2Stream }).stream
      const socket = session?.socket as TLSSocket
      return { authorized: socket.authorized, error: socket.authorizationError, subject: socket.getPeerCertificate().subject }
    })
  })
  const session = await openSession(port, asClient(site, site.alice))
  t.match(JSON.parse((await ask2(session)).body), { authorized: true, error: null, subject: { CN: 'alice' } })
  session.close()
})

t.test('getPeerX509Certificate returns the same certificate as request.clientCertificate', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', async (request) => {
      const shown = (request.raw.socket as TLSSocket).getPeerX509Certificate()
      return { same: shown === request.clientCertificate, issuer: shown?.issuerCertificate ?? 'none' }
    })
  })
  t.same(JSON.parse((await get(port, asClient(site, site.alice))).body), { same: true, issuer: 'none' })
  seen.add('getPeerX509Certificate()')
})

t.test('renegotiate() calls back with an error', async (t) => {
  const site = await makeSite(t)
  let outcome: unknown
  const { port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', async (request) => {
      outcome = await new Promise((resolve) => { (request.raw.socket as TLSSocket).renegotiate({}, (error) => { resolve(error) }) })
      return 'hello'
    })
  })
  const socket = connect({ host: '127.0.0.1', port, ...asClient(site, site.alice), maxVersion: 'TLSv1.2' })
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  t.type(outcome, Error)
  seen.add('renegotiate()')
})

t.test('the documents list exactly these differences', async (t) => {
  // See certificates-look-as-node-shows-them.test.ts.
  seen.add('getPeerCertificate()')
  t.same([...seen].sort(), documentedDifferences('Sockets'))
})
