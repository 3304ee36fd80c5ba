/** An app on an ordinary server of Node.js with the credentials of a site, to compare ours with. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import type { RunningApp, Site } from './mutual-tls.js'

export interface BareOptions {
  /** Whether HTTP/2 is served beside HTTP/1. */
  readonly http2?: boolean
  /** Whether clients are asked for a certificate (yes). */
  readonly requestCert?: boolean
  /** Whether clients without a valid certificate are rejected (yes). */
  readonly rejectUnauthorized?: boolean
}

/** Starts it on a free port of loopback; it is closed when the test ends. */
export async function startBareApp (
  t: Test,
  site: Site,
  routes: (app: FastifyInstance) => void | Promise<void>,
  { http2 = false, requestCert = true, rejectUnauthorized = true }: BareOptions = {}
): Promise<RunningApp> {
  const https = { key: site.server.key, cert: site.server.chain, ca: site.ca.certificate, requestCert, rejectUnauthorized }
  const app = (http2 ? Fastify({ http2: true, https: { ...https, allowHTTP1: true } }) : Fastify({ https, forceCloseConnections: true })) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await routes(app)
  await app.ready()
  app.server.listen(0, '127.0.0.1')
  await once(app.server, 'listening')
  return { app, port: (app.server.address() as AddressInfo).port }
}
