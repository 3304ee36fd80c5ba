/** A source that reads a set in Redis, and a bounded wait for its changes. */
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import { ask } from '../../lib/revocation/sources/content.js'
import { RedisSource, type RedisSourceOptions } from '../../lib/revocation/sources/redis/source.js'
import type { RevocationSourceContext } from '../../types/revocation-source.js'

const LONGEST_WAIT = 30_000

/** A line of a list that revokes nobody's certificate. */
export function entry (name: string | number): string {
  return `tbs:sha256//${createHash('sha256').update(String(name)).digest('base64')}`
}

export function entries (count: number, name = 'certificate'): string[] {
  return Array.from({ length: count }, (_, index) => entry(`${name} ${index}`))
}

/** What a source gives, with its keys as lines. */
export interface ReadContent {
  readonly keys: readonly string[]
  readonly bytes?: Uint8Array
  readonly version: string
  readonly problems: readonly Error[]
}

export interface Followed {
  readonly source: RedisSource
  /** What was written to the log. */
  readonly warnings: string[]
  load (): Promise<ReadContent>
  /** Acts, then loads after each change that the source reports, until the content or the error is as expected. */
  until (holds: (content: ReadContent | undefined, error: Error & { code?: string } | undefined) => boolean, act?: () => unknown): Promise<void>
}

/** Makes a source that the test closes. */
export function openSource (t: Test, address: string, { folder = '/', limits = { fileBytes: 1024 * 1024, entries: 1_000_000 }, ...options }: RedisSourceOptions & Partial<RevocationSourceContext> = {}): Followed {
  const warnings: string[] = []
  const source = new RedisSource(address, { folder, limits, log: { warn: (_details, message) => { warnings.push(message) } } }, { interval: 200, timeout: 1000, ...options })
  t.teardown(() => { source.close() })
  const load = async (): Promise<ReadContent> => {
    source[ask]()
    const { tables, ...content } = await source.load(AbortSignal.timeout(LONGEST_WAIT))
    return { ...content, keys: tables.flatMap((table) => [...table]) }
  }
  const changes = new EventEmitter()
  let count = 0
  let isWatched = false
  const until: Followed['until'] = async (holds, act) => {
    if (!isWatched) {
      isWatched = true
      source.watch(() => { count++; changes.emit('change') })
    }
    await act?.()
    const signal = AbortSignal.timeout(LONGEST_WAIT)
    // A source keeps no process alive.
    const alive = setInterval(() => {}, 1000)
    try {
      for (;;) {
        const seen = count
        const outcome = await load().then((content) => ({ content, error: undefined }), (error: Error) => ({ content: undefined, error }))
        if (holds(outcome.content, outcome.error)) return
        if (seen === count) await once(changes, 'change', { signal })
      }
    } finally {
      clearInterval(alive)
    }
  }
  return { source, warnings, load, until }
}

export function codesOf (content: ReadContent | undefined): unknown[] {
  return (content?.problems ?? []).map((problem) => (problem as Error & { code?: string }).code)
}
