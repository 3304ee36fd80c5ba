/** Packages that inspect the socket of a request work as on a server of Node. */
import { createRequire } from 'node:module'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { startBareApp } from '../support/bare-server.js'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, get, makeSite, startApp, type RunningApp, type Site } from '../support/mutual-tls.js'
import type { Issued } from '../support/pki.js'

const require = createRequire(import.meta.url)

interface Passed { subject: { CN: string } }

/** The middleware of client-certificate-auth, which wants what Express adds to a request. */
const clientCertificateAuth = require('client-certificate-auth') as (allows: (certificate: Passed) => boolean) => (request: IncomingMessage, response: ServerResponse, next: (error?: Error) => void) => void

interface PassportStrategy {
  authenticate (request: IncomingMessage): void
  success (user: string): void
  fail (): void
  error (error: Error): void
}

const { Strategy } = require('passport-client-cert') as { Strategy: new (verify: (certificate: Passed, done: (error: null, user: string | false) => void) => void) => PassportStrategy }

/** 401 for a client that the package rejects, else the name of the user. */
function authRoutes (app: FastifyInstance): void {
  app.get('/middleware', (request, reply) => {
    let user = ''
    const check = clientCertificateAuth(({ subject }) => {
      user = subject.CN
      return user === 'alice'
    })
    check(Object.assign(request.raw, { secure: true }), reply.raw, (error) => { reply.code(error === undefined ? 200 : 401).send(user) })
  })
  app.get('/passport', (request, reply) => {
    const strategy = new Strategy(({ subject }, done) => done(null, subject.CN === 'alice' && subject.CN))
    // Like passport: each request gets its own strategy, with the methods that end it.
    Object.assign(strategy, {
      success: (user: string) => { reply.send(user) },
      fail: () => { reply.code(401).send('') },
      error: (error: Error) => { reply.send(error) }
    })
    strategy.authenticate(request.raw)
  })
}

async function start (t: Test, site: Site): Promise<Array<readonly [string, RunningApp]>> {
  return [
    ['a server of Node', await startBareApp(t, site, authRoutes, { http2: true, rejectUnauthorized: false })],
    ['an endpoint', await startApp(t, `${site.endpoint()}:verify=optional:alpn=h2+http/1.1`, authRoutes)]
  ]
}

t.test('client-certificate-auth and passport-client-cert admit alice, but not mallory or strangers', async (t) => {
  const site = await makeSite(t)
  for (const [name, { port }] of await start(t, site)) {
    for (const path of ['/middleware', '/passport']) {
      const statusOf = async (leaf?: Issued): Promise<string> => {
        const { status, body } = await get(port, asClient(site, leaf), path)
        return `${status} ${body}`
      }
      t.equal(await statusOf(site.alice), '200 alice', `${name}: ${path}`)
      t.match(await statusOf(site.mallory), /^401 /, `${name}: ${path} of who is not allowed`)
      t.match(await statusOf(), /^401 /, `${name}: ${path} without a certificate`)
    }
  }
})

// client-certificate-auth asks for `request.client`, which a request of HTTP/2 does not have on any server.
t.test('over HTTP/2, both packages answer as on a server of Node', async (t) => {
  const site = await makeSite(t)
  for (const path of ['/middleware', '/passport']) {
    for (const leaf of [site.alice, undefined]) {
      const answers: string[] = []
      for (const [, { port }] of await start(t, site)) {
        const session = await openSession(port, asClient(site, leaf))
        const { status, body } = await ask2(session, path)
        answers.push(`${status} ${body}`)
        session.close()
      }
      t.equal(answers[1], answers[0], `${path}: ${answers[0] ?? ''}`)
    }
  }
})
