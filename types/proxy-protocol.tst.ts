/**
 * request.proxyProtocol: the PROXY header.
 */
import Fastify, { type FastifyRequest } from 'fastify'
import { serverFactory, type ProxyAddress, type ProxyIpAddress, type ProxyProtocol, type ProxySsl, type ProxyUnixAddress } from 'fastify-endpoint'
import { describe, expect, test } from 'tstyche'

declare const request: FastifyRequest
declare const header: ProxyProtocol
declare const address: ProxyAddress

describe('request.proxyProtocol', () => {
  test('is a header or undefined, and always present', () => {
    expect(request).type.toHaveProperty('proxyProtocol')
    expect(request.proxyProtocol).type.toBe<ProxyProtocol | undefined>()
    expect<Pick<FastifyRequest, 'proxyProtocol'>>().type.toBe<{ readonly proxyProtocol: ProxyProtocol | undefined }>()
  })

  test('cannot be replaced', () => {
    // @ts-expect-error Cannot assign to 'proxyProtocol' because it is a read-only property.
    request.proxyProtocol = header
  })

  test('is present in hooks and handlers of every kind of app', () => {
    Fastify({ serverFactory }).get('/', async (request) => {
      expect(request.proxyProtocol).type.toBe<ProxyProtocol | undefined>()
    })
    Fastify({ serverFactory, http2: true }).addHook('onRequest', async (request) => {
      expect(request.proxyProtocol?.source).type.toBe<ProxyAddress | undefined>()
    })
  })
})

describe('a header', () => {
  test('has a version and a command', () => {
    expect(header.version).type.toBe<1 | 2>()
    expect(header.command).type.toBe<'LOCAL' | 'PROXY'>()
    expect(header.transport).type.toBe<'stream' | 'datagram' | undefined>()
  })

  test('has what the proxy sent about the connection', () => {
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

test('an address is discriminated by its family', () => {
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

test('ssl says whether the proxy accepted a certificate of the client', () => {
  expect<ProxySsl['verified']>().type.toBe<boolean>()
  expect<ProxySsl['verify']>().type.toBe<number>()
  expect<ProxySsl['commonName']>().type.toBe<string | undefined>()
  expect<ProxySsl['clientCertificate']>().type.toBe<Buffer | undefined>()
  expect<ProxySsl['group']>().type.toBe<string | undefined>()
  expect<ProxySsl['signatureScheme']>().type.toBe<string | undefined>()
})
