/**
 * The writer of a fleet, in its own process: on a message it adds many entries at once, and it answers when they are written.
 *
 *     node dist/bench/fleet-writer.js address count name
 *
 * As with the command, entries are checked first. It sends a message when it is ready, and another one at the end.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { addToRedis } from '../lib/revocation/sources/redis/writer.js'

const [, , address = '', count = '0', name = ''] = process.argv
const entries = Array.from({ length: Number(count) }, (_, index) => (
  `tbs:sha256//${createHash('sha256').update(`${name}${index}`).digest('base64')}`
))
process.send?.('ready')
await once(process, 'message')
await addToRedis({ address }, entries)
process.send?.('done')
process.disconnect()
