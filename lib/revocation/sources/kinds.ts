/** The kinds of sources that lines of a list can name, by the word before the colon. */
import type { RevocationSourceFactory } from '../../../types/revocation-source.js'
import { HttpSource } from './http/source.js'
import { RedisSource } from './redis/source.js'

const openRedis: RevocationSourceFactory = (line, context) => new RedisSource(line, context)

export const BUILT_IN: Readonly<Record<string, RevocationSourceFactory>> = {
  https: (line, context) => new HttpSource(line, context),
  http: (line, context) => new HttpSource(line, context),
  redis: openRedis,
  rediss: openRedis,
  'redis-sentinel': openRedis,
  'rediss-sentinel': openRedis,
  'redis-cluster': openRedis,
  'rediss-cluster': openRedis
}

/** Words that apps cannot use: lines with them have another meaning. */
const RESERVED = new Set(['tbs', 'serial', 'spki', 'cdp', 'file', ...Object.keys(BUILT_IN)])

/** What is wrong with a word for a kind of source of an app's own; undefined if nothing is. */
export function problemOfWord (word: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*$/.test(word)) return 'a word as the scheme of a URL: lower case letters, digits, + - and .'
  return RESERVED.has(word) ? 'another word, since this one means something else in a list' : undefined
}
