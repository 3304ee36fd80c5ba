/**
 * Parsed endpoint strings: `type` alone discriminates them.
 */
import {
  errors, parseEndpoint, quoteEndpointArgument, tokenizeEndpoint,
  type Endpoint, type ErrorCode, type ErrorLocation, type FdEndpoint, type HaproxyEndpoint, type SslEndpoint, type StdioEndpoint,
  type SystemdEndpoint, type Tcp6Endpoint, type TcpEndpoint, type TlsEndpoint, type TlsVersion, type UnixEndpoint
} from 'fastify-endpoint'
import { describe, expect, test } from 'tstyche'

/** Compiles only while it is exhaustive: a new type of endpoint without a case is an error. */
function whereIs (endpoint: Endpoint): string {
  switch (endpoint.type) {
    case 'tcp':
      expect(endpoint).type.toBe<TcpEndpoint>()
      return `${endpoint.interface} ${endpoint.port}`
    case 'tcp6':
      expect(endpoint).type.toBe<Tcp6Endpoint>()
      return `${endpoint.interface} ${endpoint.port}`
    case 'unix':
      expect(endpoint).type.toBe<UnixEndpoint>()
      return endpoint.address
    case 'ssl':
      expect(endpoint).type.toBe<SslEndpoint>()
      return `${endpoint.interface} ${endpoint.port}`
    case 'tls':
      expect(endpoint).type.toBe<TlsEndpoint>()
      return endpoint.transport === undefined ? `${endpoint.interface} ${endpoint.port}` : whereIs(endpoint.transport)
    case 'stdio':
      expect(endpoint).type.toBe<StdioEndpoint>()
      return 'standard input and output'
    case 'systemd':
      expect(endpoint).type.toBe<SystemdEndpoint>()
      return endpoint.name ?? `number ${endpoint.index}`
    case 'fd':
      expect(endpoint).type.toBe<FdEndpoint>()
      return `descriptor ${endpoint.fileno}`
    case 'haproxy':
      expect(endpoint).type.toBe<HaproxyEndpoint>()
      return whereIs(endpoint.wrapped)
  }
}

describe('parseEndpoint', () => {
  test('returns a union that a switch over type exhausts', () => {
    expect(parseEndpoint('tcp:3000')).type.toBe<Endpoint>()
    expect(whereIs(parseEndpoint('tcp:3000'))).type.toBe<string>()
    expect<Endpoint['type']>().type.toBe<'tcp' | 'tcp6' | 'unix' | 'ssl' | 'tls' | 'stdio' | 'systemd' | 'fd' | 'haproxy'>()
    expect<Endpoint['description']>().type.toBe<string>()
  })

  test('takes a string and nothing else', () => {
    expect(parseEndpoint).type.not.toBeCallableWith()
    expect(parseEndpoint).type.not.toBeCallableWith(3000)
    expect(parseEndpoint).type.not.toBeCallableWith(['tcp:3000'])
  })

  test('has only the common members before type is checked', () => {
    expect<Endpoint>().type.not.toHaveProperty('port')
    expect<keyof Endpoint>().type.toBe<'type' | 'description'>()
  })

  test('has policies as strings', () => {
    expect<TlsEndpoint['verify']>().type.toBe<'none' | 'required' | 'optional'>()
    expect<TlsEndpoint['revocationDepth']>().type.toBe<'chain' | 'leaf'>()
    expect<TlsEndpoint['unknownStatus']>().type.toBe<'allow' | 'deny'>()
    expect<TlsEndpoint['anchors']>().type.toBe<'self-signed' | 'any'>()
    expect<TlsEndpoint['expiredCrl']>().type.toBe<'use' | 'deny'>()
    expect<TlsEndpoint['alpn']>().type.toBe<Array<'h2' | 'http/1.1'>>()
    expect<TlsEndpoint['sslmethod']['versions']>().type.toBe<TlsVersion[]>()
    expect<TlsVersion>().type.toBe<'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'>()
  })

  test('wraps each type that haproxy: and transport= allow', () => {
    expect<HaproxyEndpoint['wrapped']['type']>().type.toBe<'tcp' | 'tcp6' | 'unix' | 'ssl' | 'tls' | 'systemd' | 'fd'>()
    expect<NonNullable<TlsEndpoint['transport']>['type']>().type.toBe<'systemd' | 'fd' | 'unix' | 'tcp6'>()
  })
})

test('tokenizeEndpoint returns positional arguments and keywords', () => {
  const tokens = tokenizeEndpoint('tcp:3000:interface=127.0.0.1')
  expect(tokens.positional).type.toBe<string[]>()
  expect(tokens.keyword).type.toBe<Map<string, string>>()
  expect(tokenizeEndpoint).type.not.toBeCallableWith(3000)
})

test('quoteEndpointArgument returns a string for a string', () => {
  expect(quoteEndpointArgument('a:b')).type.toBe<string>()
  expect(quoteEndpointArgument).type.not.toBeCallableWith(3000)
  expect(quoteEndpointArgument).type.not.toBeCallableWith(undefined)
})

describe('errors', () => {
  test('are a table of constructors by code', () => {
    expect<keyof typeof errors>().type.toBe<ErrorCode>()
    expect<'FST_ENDPOINT_SYNTAX'>().type.toBeAssignableTo<ErrorCode>()
    expect<'FST_ENDPOINT_NO_SUCH_CODE'>().type.not.toBeAssignableTo<ErrorCode>()
    const error = new errors.FST_ENDPOINT_SYNTAX('…')
    expect(error).type.toBeAssignableTo<Error>()
    expect(error.code).type.toBe<'FST_ENDPOINT_SYNTAX'>()
    expect(error.statusCode).type.toBe<500>()
    expect(errors.FST_ENDPOINT_CLIENT_REFUSED().statusCode).type.toBe<403>()
  })

  test('have optional properties for their location', () => {
    expect<ErrorLocation>().type.toBe<{ endpoint?: string, argument?: string, index?: number, file?: string, line?: number }>()
  })

  test('cannot be replaced', () => {
    // @ts-expect-error Cannot assign to 'FST_ENDPOINT_SYNTAX' because it is a read-only property.
    errors.FST_ENDPOINT_SYNTAX = errors.FST_ENDPOINT_MISSING
  })
})
