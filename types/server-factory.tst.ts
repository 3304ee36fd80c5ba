/**
 * serverFactory fits every overload of Fastify() without type arguments, and the app gets the requests and replies of its kind
 * of server.
 */
import type * as http from 'node:http'
import type * as http2 from 'node:http2'
import type * as https from 'node:https'
import Fastify, { fastify, type FastifyBaseLogger, type FastifyHttpOptions, type FastifyInstance, type FastifyServerFactory, type FastifyServerOptions } from 'fastify'
import { EndpointServer, serverFactory } from 'fastify-endpoint'
import { describe, expect, test } from 'tstyche'

/** A logger of the app's own, with more than Fastify asks for. */
interface AppLogger extends FastifyBaseLogger {
  audit (message: string): void
}

declare const loggerInstance: AppLogger
declare const baseLogger: FastifyBaseLogger

describe('Fastify({ serverFactory })', () => {
  test('is an app on HTTP/1', () => {
    const app = Fastify({ serverFactory })
    expect(app.server).type.toBe<http.Server>()
    expect(app).type.toBeAssignableTo<FastifyInstance>()
    app.get('/', async (request, reply) => {
      expect(request.raw).type.toBe<http.IncomingMessage>()
      expect(reply.raw).type.toBe<http.ServerResponse>()
    })
  })

  test('is the same with the named export of Fastify', () => {
    expect(fastify({ serverFactory }).server).type.toBe<http.Server>()
  })

  test('takes the options of Fastify beside it', () => {
    expect(Fastify({ serverFactory, http: { keepAlive: true }, keepAliveTimeout: 5_000, requestTimeout: 1_000, connectionTimeout: 0, maxRequestsPerSocket: 100, forceCloseConnections: 'idle', trustProxy: true }).server).type.toBe<http.Server>()
    expect(Fastify({ serverFactory, http: null }).server).type.toBe<http.Server>()
  })

  test('takes options that have a type already', () => {
    const options: FastifyServerOptions = { serverFactory }
    expect(Fastify(options).server).type.toBe<http.Server>()
    const httpOptions: FastifyHttpOptions<http.Server> = { serverFactory, http: {} }
    expect(Fastify(httpOptions).server).type.toBe<http.Server>()
    // Fastify ignores it; fastify-cli reads it from a module.
    const exported = { serverFactory, logger: true }
    expect(Fastify(exported).server).type.toBe<http.Server>()
  })

  test('can be awaited', async () => {
    const app = await Fastify({ serverFactory })
    expect(app.server).type.toBe<http.Server>()
  })
})

describe('with loggers', () => {
  test('of Fastify', () => {
    expect(Fastify({ serverFactory, logger: true }).log).type.toBe<FastifyBaseLogger>()
    expect(Fastify({ serverFactory, logger: { level: 'warn' } }).log).type.toBe<FastifyBaseLogger>()
    expect(Fastify({ serverFactory, loggerInstance: baseLogger }).log).type.toBe<FastifyBaseLogger>()
  })

  test('of the app, whose type is kept', () => {
    expect(Fastify({ serverFactory, loggerInstance }).log).type.toBe<AppLogger>()
    expect(Fastify({ serverFactory, loggerInstance }).server).type.toBe<http.Server>()
    expect(Fastify({ serverFactory, http2: true, loggerInstance }).log).type.toBe<AppLogger>()
    expect(Fastify<http.Server, http.IncomingMessage, http.ServerResponse, AppLogger>({ serverFactory, loggerInstance }).log).type.toBe<AppLogger>()
  })
})

describe('with http2', () => {
  test('without https, since the endpoint string has the TLS part', () => {
    const app = Fastify({ serverFactory, http2: true, http2SessionTimeout: 1_000 })
    expect(app.server).type.toBe<http2.Http2Server>()
    app.get('/', async (request, reply) => {
      expect(request.raw).type.toBe<http2.Http2ServerRequest>()
      expect(reply.raw).type.toBe<http2.Http2ServerResponse>()
    })
  })

  test('and https', () => {
    const app = Fastify({ serverFactory, http2: true, https: { allowHTTP1: true } })
    expect(app.server).type.toBe<http2.Http2SecureServer>()
    app.get('/', async (request) => {
      expect(request.raw).type.toBe<http2.Http2ServerRequest>()
    })
  })
})

test('with https', () => {
  expect(Fastify({ serverFactory, https: {} }).server).type.toBe<https.Server>()
  expect(Fastify({ serverFactory, https: null }).server).type.toBe<https.Server>()
})

describe('with the server named', () => {
  test('by each overload', () => {
    expect(Fastify<http.Server>({ serverFactory }).server).type.toBe<http.Server>()
    expect(Fastify<http2.Http2Server>({ serverFactory, http2: true }).server).type.toBe<http2.Http2Server>()
    expect(Fastify<http2.Http2SecureServer>({ serverFactory, http2: true, https: {} }).server).type.toBe<http2.Http2SecureServer>()
    expect(Fastify<https.Server>({ serverFactory, https: {} }).server).type.toBe<https.Server>()
  })

  test('as what it is', () => {
    const app = Fastify<EndpointServer>({ serverFactory })
    expect(app.server).type.toBe<EndpointServer>()
    expect(app.server.secure).type.toBe<boolean>()
  })
})

describe('serverFactory', () => {
  test('is a factory for every kind of server', () => {
    expect(serverFactory).type.toBeAssignableTo<FastifyServerFactory>()
    expect(serverFactory).type.toBeAssignableTo<FastifyServerFactory<https.Server>>()
    expect(serverFactory).type.toBeAssignableTo<FastifyServerFactory<http2.Http2Server>>()
    expect(serverFactory).type.toBeAssignableTo<FastifyServerFactory<http2.Http2SecureServer>>()
    expect(serverFactory).type.toBeAssignableTo<FastifyServerFactory<EndpointServer>>()
  })

  test('takes a handler and the options of the app, and nothing less', () => {
    expect(serverFactory).type.toBeCallableWith(() => {}, {})
    expect(serverFactory).type.not.toBeCallableWith(() => {})
    expect(serverFactory).type.not.toBeCallableWith('handler', {})
  })
})
