/** Logs what `close()` waits for, and closes the remaining connections when closeTimeout is over. */
import type { Connections } from './connections.js'
import type { EndpointLog } from '../../types/log.js'

/** Milliseconds until the log says what close() waits for. */
const LOG_DELAY = 10_000

/**
 * Call when a server begins to close.
 * @param limit milliseconds after which the remaining connections are closed; Infinity: never
 */
export function watchClosing (connections: Connections, limit: number, log: EndpointLog | undefined): { end (): void } {
  const logTimer = setTimeout(() => {
    log?.warn({ ...connections.counts }, `close() waits for ${describe(connections)}`)
  }, LOG_DELAY)
  const closeTimer = limit === Infinity
    ? undefined
    : setTimeout(() => {
      log?.warn({ ...connections.counts, closeTimeout: limit }, `closeTimeout reached: ${describe(connections)} closed`)
      connections.cutAll()
    }, limit)
  return {
    end () {
      clearTimeout(logTimer)
      clearTimeout(closeTimer)
    }
  }
}

const NAMES = {
  requests: 'in a request',
  upgraded: 'upgraded, as WebSockets are',
  handshakes: 'in their handshake',
  idle: 'about to end'
} as const

/** For example `3 connections (2 in a request; 1 upgraded, as WebSockets are)`. */
function describe ({ counts, size }: Connections): string {
  const parts = Object.entries(NAMES).flatMap(([activity, name]) => {
    const count = counts[activity as keyof typeof NAMES]
    return count === 0 ? [] : [`${count} ${name}`]
  })
  return `${size} connections (${parts.join('; ')})`
}
