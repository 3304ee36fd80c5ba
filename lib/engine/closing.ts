/** What a close waits for: it is told of in the log, and bounded. */
import type { Connections } from './connections.js'
import type { EndpointLog } from '../../types/log.js'

/** Milliseconds after which the log says what is waited for. */
const PATIENCE = 10_000

/**
 * Begins when a server closes.
 * @param limit milliseconds after which the connections that are left are cut; Infinity: never
 */
export function watchClosing (connections: Connections, limit: number, log: EndpointLog | undefined): { end (): void } {
  const telling = setTimeout(() => {
    log?.warn({ ...connections.counts }, `close() waits for ${told(connections)}`)
  }, PATIENCE)
  const cutting = limit === Infinity
    ? undefined
    : setTimeout(() => {
      log?.warn({ ...connections.counts, closeTimeout: limit }, `close() has waited for closeTimeout: ${told(connections)} were cut`)
      connections.cutAll()
    }, limit)
  return {
    end () {
      clearTimeout(telling)
      clearTimeout(cutting)
    }
  }
}

const NAMES = { requests: 'in a request', upgraded: 'upgraded, as WebSockets are', handshakes: 'in their handshake', idle: 'about to end' } as const

/** For example `3 connections (2 in a request, 1 upgraded, as WebSockets are)`. */
function told ({ counts, size }: Connections): string {
  const parts = Object.entries(NAMES).flatMap(([occupation, name]) => {
    const count = counts[occupation as keyof typeof NAMES]
    return count === 0 ? [] : [`${count} ${name}`]
  })
  return `${size} connections (${parts.join('; ')})`
}
