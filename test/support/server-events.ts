/** Which events a server emits, and with what. */
import type { EventEmitter } from 'node:events'

/** Those of net.Server, tls.Server, http.Server, https.Server and http2.Http2SecureServer that the documents of Node name. */
export const SERVER_EVENTS = [
  'close', 'connection', 'drop', 'error', 'listening',
  'keylog', 'newSession', 'OCSPRequest', 'resumeSession', 'secureConnection', 'tlsClientError',
  'checkContinue', 'checkExpectation', 'clientError', 'connect', 'dropRequest', 'request', 'upgrade',
  'session', 'sessionError', 'stream', 'timeout', 'unknownProtocol'
] as const

/**
 * Notes each event with the classes of its arguments, and the codes of errors: `tlsClientError(ECONNRESET, TLSSocket)`.
 * Events whose listeners change what a server does are left out.
 */
export function noteEvents (server: EventEmitter, without: readonly string[] = []): string[] {
  const noted: string[] = []
  for (const event of SERVER_EVENTS) {
    if (without.includes(event)) continue
    server.on(event, (...args: unknown[]) => { noted.push(`${event}(${args.map(classOf).join(', ')})`) })
  }
  return noted
}

function classOf (value: unknown): string {
  if (value instanceof Error) return (value as NodeJS.ErrnoException).code ?? value.message
  return typeof value === 'object' && value !== null ? value.constructor?.name ?? 'object' : typeof value
}
