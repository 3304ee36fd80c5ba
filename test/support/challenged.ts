/**
 * An app whose store already has a certificate and outstanding challenges, as another node has left them. The directory is
 * silent, so they stay.
 */
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import Fastify, { type FastifyInstance } from 'fastify'
import { AcmeStore, type Challenge } from '../../lib/acme/store.js'
import endpoint, { type EndpointServer, parseEndpoint, quoteEndpointArgument, serverFactory } from '../../lib/index.js'
import type { AcmeArguments, TlsEndpoint } from '../../types/endpoint.js'
import { FakeDirectory } from './fake-directory.js'
import { createAuthority, type Authority, type Issued } from './pki.js'
import { makeShortFolder } from './unix-sockets.js'
import { PATIENCE } from './until.js'

export interface Challenged {
  readonly app: FastifyInstance
  readonly ca: Authority
  readonly store: AcmeStore
  readonly ports: readonly number[]
  /** What a validator must get. */
  readonly validation: Issued
  readonly challenges: readonly Challenge[]
  /** How many connections are open. */
  connections (): number
}

const DAY = 24 * 60 * 60 * 1000

interface ChallengedOptions {
  /** Further arguments of the tls: endpoint. */
  readonly more?: string
  /** Around the tls: endpoint, for example `haproxy:`. */
  readonly before?: string
  /** Further endpoints. */
  readonly others?: readonly string[]
  readonly hasCertificate?: boolean
  /** Whether it is due for renewal. */
  readonly isDue?: boolean
  /** Whether the challenges are in the store when the app starts. */
  readonly hasChallenges?: boolean
  /** Called before the app listens. */
  readonly prepare?: (app: FastifyInstance, folder: string, ca: Authority) => void | Promise<void>
}

export async function startChallenged (t: Test, options: ChallengedOptions = {}): Promise<Challenged> {
  const { more = '', before = '', others = [], hasCertificate = true, isDue = false, hasChallenges = true, prepare } = options
  const directory = await FakeDirectory.start(t)
  directory.always.set('dir', { isSilent: true })
  const folder = makeShortFolder(t)
  const ca = await createAuthority({ name: 'Test CA' })
  const text = `tls:0:interface=127.0.0.1:acme=example.org,www.example.org:acmeTerms=agreed:acmeStore=${quoteEndpointArgument(join(folder, 'store'))}` +
    `:acmeDirectory=${quoteEndpointArgument(`${directory.url}/dir`)}${more.replaceAll('FOLDER', folder)}`
  const store = new AcmeStore((parseEndpoint(text) as TlsEndpoint).acme as AcmeArguments)
  await store.open()
  const now = Date.now()
  const [past, left] = isDue ? [61, 29] : [1, 89]
  const own = await ca.issue({
    name: 'example.org',
    usage: 'server',
    dnsNames: ['example.org', 'www.example.org'],
    notBefore: new Date(now - past * DAY),
    notAfter: new Date(now + left * DAY)
  })
  if (hasCertificate) await store.writeCertificate(own.key, own.chain)
  const validation = await ca.issue({ name: 'validation', dnsNames: ['example.org'] })
  const challenges: Challenge[] = [
    { type: 'tls-alpn-01', name: 'example.org', token: 'tls', keyAuthorization: 'tls.thumb', certificate: validation.certificate, key: validation.key },
    { type: 'http-01', name: 'www.example.org', token: 'to-ken', keyAuthorization: 'to-ken.thumb' }
  ]
  if (hasChallenges) await store.writeOrder({ url: 'https://127.0.0.1/o', finalize: 'https://127.0.0.1/f', key: own.key, challenges })
  const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, forceCloseConnections: false })
  t.teardown(() => app.close())
  await prepare?.(app, folder, ca)
  await app.register(endpoint, { endpoint: [`${before}${text}`, ...others] })
  await app.listen()
  const connections = (): number => (app.server as unknown as EndpointServer).clientConnections.size
  return { app, ca, store, connections, validation, challenges, ports: app.endpoint.listeners.map(({ address }) => (address as AddressInfo).port) }
}
