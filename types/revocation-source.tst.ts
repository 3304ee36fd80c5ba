/**
 * A source of an app's own: its members, and what its factory gets.
 */
import type { RevocationContent, RevocationSource, RevocationSourceContext, RevocationSourceFactory } from 'fastify-endpoint'
import { expect, test } from 'tstyche'

declare const context: RevocationSourceContext
declare const factory: RevocationSourceFactory

test('a source is an object with a name and three methods', () => {
  expect<{ name: string, load (signal: AbortSignal): Promise<RevocationContent>, watch (onChange: () => void): void, close (): void }>().type.toBeAssignableTo<RevocationSource>()
  expect<{ name: string, load (): Promise<{ keys: string[] }>, watch (): void, close (): Promise<void> }>().type.toBeAssignableTo<RevocationSource>()
  expect<{ name: string, load (): Promise<{ keys: string[] }>, watch (): void, close (): void, restore (copy: RevocationContent): void }>().type.toBeAssignableTo<RevocationSource>()
  expect<{ name: string, load (): Promise<{ keys: string[] }>, watch (): void, close (): void, restore (copy: string): void }>().type.not.toBeAssignableTo<RevocationSource>()
  expect<{ name: string, load (): Promise<{ keys: string[] }>, watch (): void }>().type.not.toBeAssignableTo<RevocationSource>()
  expect<{ name: string, load (): string[], watch (): void, close (): void }>().type.not.toBeAssignableTo<RevocationSource>()
})

test('the content of a source is bytes, lines, or both', () => {
  expect<{ bytes: Buffer }>().type.toBeAssignableTo<RevocationContent>()
  expect<{ keys: readonly string[], version: string, problems: Error[] }>().type.toBeAssignableTo<RevocationContent>()
  expect<{ keys: string }>().type.not.toBeAssignableTo<RevocationContent>()
})

test('a factory gets the line and its context', () => {
  expect(factory('nats://localhost/revoked', context)).type.toBe<RevocationSource>()
  expect(context.limits).type.toBe<{ readonly fileBytes: number, readonly entries: number }>()
  expect(context.folder).type.toBe<string>()
})
