/**
 * request.proxyProtocol: what the header of the PROXY protocol says.
 */
import Fastify, { type FastifyRequest } from 'fastify'
import { serverFactory, type ProxyAddress, type ProxyIpAddress, type ProxyProtocol, type ProxySsl, type ProxyUnixAddress } from 'fastify-endpoint'
import { describe, expect, test } from 'tstyche'

declare const request: FastifyRequest
declare const header: ProxyProtocol
declare const address: ProxyAddress

describe('request.proxyProtocol', () => {
  test('is a header, or undefined, and always there to be asked for', () => {
    expect(request).type.toHaveProperty('proxyProtocol')
    expect(request.proxyProtocol).type.toBe<ProxyProtocol | undefined>()
    expect<Pick<FastifyRequest, 'proxyProtocol'>>().type.toBe<{ readonly proxyProtocol: ProxyProtocol | undefined }>()
  })

  test('cannot be replaced', () => {
    // @ts-expect-error Cannot assign to 'proxyProtocol' because it is a read-only property.
    request.proxyProtocol = header
  })

  test('is there in hooks and handlers of every kind of app', () => {
    Fastify({ serverFactory }).get('/', async (request) => {
      expect(request.proxyProtocol).type.toBe<ProxyProtocol | undefined>()
    })
    Fastify({ serverFactory, http2: true }).addHook('onRequest', async (request) => {
      expect(request.proxyProtocol?.source).type.toBe<ProxyAddress | undefined>()
    })
  })
})

describe('a header', () => {
  test('says what it is', () => {
    expect(header.version).type.toBe<1 | 2>()
    expect(header.command).type.toBe<'LOCAL' | 'PROXY'>()
    expect(header.transport).type.toBe<'stream' | 'datagram' | undefined>()
  })

  test('says of the connection what the proxy sent', () => {
    expect(header.source).type.toBe<ProxyAddress | undefined>()
    expect(header.destination).type.toBe<ProxyAddress | undefined>()
    expect(header.alpn).type.toBe<string | undefined>()
    expect(header.authority).type.toBe<string | undefined>()
    expect(header.uniqueId).type.toBe<Buffer | undefined>()
    expect(header.ssl).type.toBe<ProxySsl | undefined>()
    expect(header.networkNamespace).type.toBe<string | undefined>()
  })

  test('cannot be changed', () => {
    // @ts-expect-error Cannot assign to 'authority' because it is a read-only property.
    header.authority = 'example.org'
  })
})

test('an address tells by its family what it is made of', () => {
  if (address.family === 'unix') {
    expect(address).type.toBe<ProxyUnixAddress>()
    expect(address.path).type.toBe<string>()
    expect(address).type.not.toHaveProperty('port')
  } else {
    expect(address).type.toBe<ProxyIpAddress>()
    expect(address.family).type.toBe<'IPv4' | 'IPv6'>()
    expect(address.port).type.toBe<number>()
  }
})

test('what the proxy says of TLS tells whether the client has shown a good certificate', () => {
  expect<ProxySsl['verified']>().type.toBe<boolean>()
  expect<ProxySsl['verify']>().type.toBe<number>()
  expect<ProxySsl['commonName']>().type.toBe<string | undefined>()
  expect<ProxySsl['clientCertificate']>().type.toBe<Buffer | undefined>()
  expect<ProxySsl['group']>().type.toBe<string | undefined>()
  expect<ProxySsl['signatureScheme']>().type.toBe<string | undefined>()
})
