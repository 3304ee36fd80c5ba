/**
 * The plugin: its options, and what it adds to an app.
 */
import type { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyContextConfig, type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from 'fastify'
import plugin, { endpoint, serverFactory, type ClientIdentity, type EndpointDecorator, type EndpointHealth, type EndpointListener, type EndpointOptions, type ErrorCode, type HealthReason, type HealthReasonCode } from 'fastify-endpoint'
import type { RevocationStatus } from 'fastify-endpoint/revocation'
import { register, Registry, type OpenMetricsContentType } from 'prom-client'
import { describe, expect, test } from 'tstyche'

declare const app: FastifyInstance
declare const request: FastifyRequest
declare const listener: EndpointListener
declare const certificate: X509Certificate
declare const identity: ClientIdentity

describe('app.register(endpoint)', () => {
  test('by the default export and by name', () => {
    expect(plugin).type.toBe(endpoint)
    expect(plugin).type.toBeAssignableTo<FastifyPluginAsync<EndpointOptions>>()
  })

  test('with any of its options, or none', () => {
    expect(app.register).type.toBeCallableWith(endpoint)
    expect(app.register).type.toBeCallableWith(endpoint, {})
    expect(app.register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
    expect(app.register).type.toBeCallableWith(endpoint, { endpoint: ['tcp:3000', 'unix:/run/app.sock'] })
    expect(app.register).type.toBeCallableWith(endpoint, { endpoint: ['tcp:3000', 'tcp6:3000'] as const })
    expect(app.register).type.toBeCallableWith(endpoint, { env: 'ADMIN_ENDPOINT', dotenv: true, fallback: 'tcp:0' })
    expect(app.register).type.toBeCallableWith(endpoint, { dotenv: { path: 'production.env' } })
    expect(app.register).type.toBeCallableWith(endpoint, { fallback: ['tcp:0', 'tcp6:0'], limits: {} })
  })

  test('with metrics: a registry of prom-client of either kind, and nothing else', () => {
    expect(app.register).type.toBeCallableWith(endpoint, { metrics: new Registry() })
    expect(app.register).type.toBeCallableWith(endpoint, { metrics: new Registry<OpenMetricsContentType>() })
    expect(app.register).type.toBeCallableWith(endpoint, { metrics: register })
    expect(app.register).type.not.toBeCallableWith(endpoint, { metrics: true })
    expect(app.register).type.not.toBeCallableWith(endpoint, { metrics: {} })
  })

  test('with sources of its own, and a folder for copies', () => {
    expect(app.register).type.toBeCallableWith(endpoint, { cacheDir: 'copies', sources: { nats: () => ({ name: 'nats', load: async () => ({ keys: [] }), watch () {}, close () {} }) } })
    expect(app.register).type.not.toBeCallableWith(endpoint, { sources: { nats: () => ({ name: 'nats' }) } })
    expect(app.register).type.not.toBeCallableWith(endpoint, { sources: ['nats'] })
    expect(app.register).type.not.toBeCallableWith(endpoint, { cacheDir: true })
  })

  test('together with the own options of Fastify', () => {
    expect(app.register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000', logLevel: 'warn' })
  })

  test('with options that depend on the app', () => {
    expect(app.register).type.toBeCallableWith(endpoint, (parent: FastifyInstance) => ({ endpoint: parent.prefix }))
  })

  test('not with an unknown option, or one of another type', () => {
    expect(app.register).type.not.toBeCallableWith(endpoint, { endpoint: 3000 })
    expect(app.register).type.not.toBeCallableWith(endpoint, { endpoint: [3000] })
    expect(app.register).type.not.toBeCallableWith(endpoint, { endpoints: 'tcp:3000' })
    expect(app.register).type.not.toBeCallableWith(endpoint, { env: true })
    expect(app.register).type.not.toBeCallableWith(endpoint, { dotenv: 'production.env' })
    expect(app.register).type.not.toBeCallableWith(endpoint, { fallback: undefined })
    expect(app.register).type.not.toBeCallableWith(endpoint, { limits: { file: 1 } })
    expect(app.register).type.not.toBeCallableWith(endpoint, { limits: 1_000 })
  })

  test('on an app of any kind', () => {
    expect(Fastify({ serverFactory }).register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
    expect(Fastify({ serverFactory, http2: true }).register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
    expect(Fastify({ serverFactory, http2: true, https: {} }).register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
    expect(Fastify({ serverFactory, https: {} }).register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
    expect(Fastify({ serverFactory, logger: true }).withTypeProvider().register).type.toBeCallableWith(endpoint, { endpoint: 'tcp:3000' })
  })
})

describe('request.clientIdentity', () => {
  test('is there once the plugin is imported, or undefined without a certificate', () => {
    expect(request.clientIdentity).type.toBe<ClientIdentity | undefined>()
    expect<Pick<FastifyRequest, 'clientIdentity'>>().type.toBe<{ readonly clientIdentity: ClientIdentity | undefined }>()
  })

  test('cannot be assigned to', () => {
    // @ts-expect-error Cannot assign to 'clientIdentity' because it is a read-only property.
    request.clientIdentity = identity
    // @ts-expect-error Cannot assign to 'spiffeId' because it is a read-only property.
    identity.spiffeId = 'spiffe://example.org/a'
    // @ts-expect-error Property 'push' does not exist on type 'readonly string[]'.
    identity.roles.push('admin')
  })

  test('has the names of the certificate, by their kind, and the roles', () => {
    expect(identity).type.toBe<{
      readonly commonName: string | undefined
      readonly dns: readonly string[]
      readonly uris: readonly string[]
      readonly emails: readonly string[]
      readonly ips: readonly string[]
      readonly spiffeId: string | undefined
      readonly roles: readonly string[]
    }>()
    expect(identity).type.not.toHaveProperty('subject')
  })

  test('must be looked at before its names are', () => {
    // @ts-expect-error 'request.clientIdentity' is possibly 'undefined'.
    expect(request.clientIdentity.spiffeId).type.toBe<string | undefined>()
    expect(request.clientIdentity?.roles.includes('admin')).type.toBe<boolean | undefined>()
  })

  test('is known in hooks and handlers', () => {
    app.addHook('onRequest', (request, _reply, done) => {
      expect(request.clientIdentity).type.toBe<ClientIdentity | undefined>()
      done()
    })
    app.get('/', async (request) => {
      expect(request.clientIdentity).type.toBe<ClientIdentity | undefined>()
    })
  })
})

describe('request.clientCertificate', () => {
  test('is the accepted certificate or undefined, and always present', () => {
    expect(request).type.toHaveProperty('clientCertificate')
    expect(request.clientCertificate).type.toBe<X509Certificate | undefined>()
    expect<Pick<FastifyRequest, 'clientCertificate'>>().type.toBe<{ readonly clientCertificate: X509Certificate | undefined }>()
  })

  test('cannot be replaced', () => {
    // @ts-expect-error Cannot assign to 'clientCertificate' because it is a read-only property.
    request.clientCertificate = certificate
  })

  test('is present in hooks and handlers of every kind of app', () => {
    Fastify({ serverFactory }).get('/', async (request) => {
      expect(request.clientCertificate).type.toBe<X509Certificate | undefined>()
    })
    Fastify({ serverFactory, http2: true }).addHook('onRequest', async (request) => {
      expect(request.clientCertificate).type.toBe<X509Certificate | undefined>()
    })
  })
})

describe('request.endpoint', () => {
  test('is one of the listeners of the app, or undefined', () => {
    expect<Pick<FastifyRequest, 'endpoint'>>().type.toBe<{ readonly endpoint: EndpointListener | undefined }>()
    expect(request.endpoint?.verify).type.toBe<'none' | 'required' | 'optional' | undefined>()
    expect(request.endpoint === app.endpoint.listeners[0]).type.toBe<boolean>()
  })

  test('cannot be replaced', () => {
    // @ts-expect-error Cannot assign to 'endpoint' because it is a read-only property.
    request.endpoint = listener
  })
})

describe('the config of a route', () => {
  test('can require a certificate', () => {
    expect(app.get).type.toBeCallableWith('/', { config: { endpoint: { clientCertificate: 'required' } } }, async () => {})
    expect(app.get).type.toBeCallableWith('/', { config: {} }, async () => {})
    expect<FastifyContextConfig['endpoint']>().type.toBe<{ clientCertificate: 'required' } | { allow: readonly [string, ...string[]] } | undefined>()
  })

  test('can allow some clients only, by one pattern or more', () => {
    expect(app.get).type.toBeCallableWith('/', { config: { endpoint: { allow: ['role:admin'] } } }, async () => {})
    expect(app.get).type.toBeCallableWith('/', { config: { endpoint: { allow: ['role:admin', 'dns:*.example.org'] } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { allow: [] } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { allow: 'role:admin' } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { allow: [1] } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { alow: ['role:admin'] } } }, async () => {})
    expect(app.route).type.toBeCallableWith({ method: 'GET', url: '/', config: { endpoint: { allow: ['role:admin'] } }, handler: async () => {} })
  })

  test('can require nothing else', () => {
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { clientCertificate: 'optional' } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { clientCertificate: true } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: { clientCertificates: 'required' } } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: {} } }, async () => {})
    expect(app.get).type.not.toBeCallableWith('/', { config: { endpoint: 'required' } }, async () => {})
  })

  test('is the same in a full declaration', () => {
    expect(app.route).type.toBeCallableWith({ method: 'GET', url: '/', config: { endpoint: { clientCertificate: 'required' } }, handler: async () => {} })
    expect(app.route).type.not.toBeCallableWith({ method: 'GET', url: '/', config: { endpoint: { clientCertificate: 'demanded' } }, handler: async () => {} })
  })
})

describe('app.endpoint', () => {
  test('lists the listeners and reloads them', () => {
    expect(app.endpoint).type.toBe<EndpointDecorator>()
    expect(Fastify({ serverFactory, http2: true }).endpoint).type.toBe<EndpointDecorator>()
    expect(app.endpoint.listeners).type.toBe<readonly EndpointListener[]>()
    expect(app.endpoint.reload()).type.toBe<Promise<void>>()
    expect(app.endpoint.reload).type.not.toBeCallableWith('revoked.txt')
  })

  test('has the health of the app, with reasons', () => {
    expect(app.endpoint.health()).type.toBe<EndpointHealth>()
    expect<EndpointHealth['status']>().type.toBe<'ready' | 'degraded' | 'unready'>()
    expect<EndpointHealth['reasons']>().type.toBe<readonly HealthReason[]>()
    expect<Pick<HealthReason, 'code' | 'error' | 'ends'>>().type.toBe<{ readonly code: HealthReasonCode, readonly error?: ErrorCode, readonly ends?: Date }>()
    expect<'crl_expired'>().type.toBeAssignableTo<HealthReasonCode>()
    expect(app.endpoint.health).type.not.toBeCallableWith('tcp:0')
  })

  test('describes a listener and its address', () => {
    expect(listener.description).type.toBe<string>()
    expect(listener.address).type.toBe<AddressInfo | string | null | undefined>()
  })

  test('counts rejected clients if the endpoint speaks TLS', () => {
    expect(listener).type.toHaveProperty('refusals')
    expect(listener.refusals?.total).type.toBe<number | undefined>()
    expect(listener.refusals?.withoutAlert).type.toBe<number | undefined>()
  })

  test('has the revocations if there is a list', () => {
    expect(listener).type.toHaveProperty('revocation')
    expect(listener.revocation?.generation).type.toBe<number | undefined>()
    expect(listener.revocation?.size).type.toBe<number | undefined>()
    expect(listener.revocation?.loadedAt).type.toBe<Date | undefined>()
    expect(listener.revocation?.status([certificate])).type.toBe<RevocationStatus | undefined>()
    expect(listener.revocation?.status([certificate, certificate.raw])).type.toBe<RevocationStatus | undefined>()
    expect<NonNullable<EndpointListener['revocation']>['status']>().type.not.toBeCallableWith(certificate)
    expect<NonNullable<EndpointListener['revocation']>['status']>().type.not.toBeCallableWith(['alice.pem'])
  })

  test('cannot be changed from outside', () => {
    // @ts-expect-error Cannot assign to 'listeners' because it is a read-only property.
    app.endpoint.listeners = []
    // @ts-expect-error Cannot assign to 'description' because it is a read-only property.
    listener.description = 'tcp:0'
    // @ts-expect-error Property 'push' does not exist on type 'readonly EndpointListener[]'.
    app.endpoint.listeners.push(listener)
  })
})
