/**
 * The messages of the diagnostics channels.
 */
import type { X509Certificate } from 'node:crypto'
import type { ClientEvent, FailureEvent, RevocationOrigin, SwapEvent } from 'fastify-endpoint'
import { expect, test } from 'tstyche'

test('a subscriber can name the type of each message', () => {
  expect<ClientEvent['certificate']>().type.toBe<X509Certificate | undefined>()
  expect<ClientEvent['source']>().type.toBe<RevocationOrigin | undefined>()
  expect<SwapEvent>().type.toBe<{ readonly endpoint: string, readonly generation: number, readonly size: number }>()
  expect<FailureEvent['problems']>().type.toBe<readonly Error[]>()
})
