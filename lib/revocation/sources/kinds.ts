/** The kinds of sources that lines of a list can name, by the word before the colon. */
import type { RevocationSourceFactory } from '../../../types/revocation-source.js'
import type { BuiltInWord } from './source-word.js'
import { HttpSource } from './http/source.js'
import { RedisSource } from './redis/source.js'

const openRedis: RevocationSourceFactory = (line, context) => new RedisSource(line, context)

export const BUILT_IN: Readonly<Record<BuiltInWord, RevocationSourceFactory>> = {
  https: (line, context) => new HttpSource(line, context),
  http: (line, context) => new HttpSource(line, context),
  redis: openRedis,
  rediss: openRedis,
  'redis-sentinel': openRedis,
  'rediss-sentinel': openRedis,
  'redis-cluster': openRedis,
  'rediss-cluster': openRedis
}
