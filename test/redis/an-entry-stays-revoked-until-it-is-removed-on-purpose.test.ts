/**
 * Random sequences of what writers, other programs, failures and attackers do to a set, with two nodes that follow it. An
 * entry that a node has revoked stays revoked until it is removed on purpose, or the set is accepted without it. At the end
 * the set is accepted, and each node has exactly its members.
 *
 * `REDIS_SEQUENCES=200` runs more of them, and `REDIS_SEED=7` begins with another one.
 */
import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { entry, openSource } from '../support/redis-source.js'
import { until } from '../support/until.js'

const SEQUENCES = Number(process.env['REDIS_SEQUENCES'] ?? 6)
const FIRST_SEED = Number(process.env['REDIS_SEED'] ?? 1)
const STEPS = 14
const KEYS = ['revoked', 'revoked:state', 'revoked:removed', 'revoked:log']

/** Numbers from a seed (xorshift). */
function randomFrom (seed: number): (below: number) => number {
  let state = Math.imul(seed, 2654435761) >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

t.test('an entry stays revoked until it is removed on purpose', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEQUENCES; seed++) {
    await t.test(`sequence ${seed}`, async (t) => {
      const random = randomFrom(seed)
      await client.flushall()
      await client.config('SET', 'notify-keyspace-events', random(2) === 0 ? 'Ks$hgx' : '')
      // Some logs are too short, or have too few bytes, for a node that was away.
      const writer = { address, logEntries: random(2) === 0 ? 100_000 : 3, logBytes: random(3) === 0 ? 300 : 1_000_000 }
      let count = 0
      const fresh = (): string => entry(`${seed} ${count++}`)
      await acceptInRedis(writer)
      await addToRedis(writer, Array.from({ length: 5 }, fresh))
      const members = async (): Promise<string[]> => (await client.type('revoked') === 'set' ? await client.smembers('revoked') : []).sort()
      const some = async (): Promise<string> => (await members())[random(3)] ?? entry(`${seed} 0`)

      /** All that may have been removed on purpose. */
      const gone = new Set<string>()
      const trace: string[] = []
      const nodes = await Promise.all([undefined, 300].map(async (wholeInterval) => {
        const { source, load } = openSource(t, address, { interval: 50, timeout: 5000, logRetry: 100, ...(wholeInterval !== undefined && { wholeInterval }) })
        let known = new Set((await load()).keys)
        let running = Promise.resolve()
        const read = async (): Promise<void> => {
          const content = await load().catch(() => undefined)
          if (content === undefined) return
          const now = new Set(content.keys)
          const lost = [...known].filter((one) => !now.has(one) && !gone.has(one))
          if (lost.length > 0) t.fail(`${lost.length} un-revoked after ${trace.join(', ')}`)
          known = now
        }
        source.watch(() => { running = running.then(read) })
        return { source, known: () => known, read: async () => await (running = running.then(read)) }
      }))
      let saved: Array<readonly [string, Buffer | null]> = []
      const actions: Record<string, () => Promise<unknown>> = {
        add: async () => await addToRedis(writer, [fresh(), fresh()]),
        addAgain: async () => await addToRedis(writer, [entry(`${seed} ${random(count)}`)]),
        remove: async () => {
          const one = await some()
          gone.add(one)
          await removeFromRedis(writer, [one])
        },
        accept: async () => {
          for (let index = 0; index < count; index++) gone.add(entry(`${seed} ${index}`))
          // What is in the set now stays.
          for (const one of await members()) gone.delete(one)
          await acceptInRedis(writer)
        },
        sadd: async () => await client.sadd('revoked', fresh()),
        srem: async () => await client.srem('revoked', await some()),
        exchange: async () => await client.multi().srem('revoked', await some()).sadd('revoked', fresh()).exec(),
        empty: async () => await client.del('revoked'),
        flush: async () => await client.flushall(),
        expire: async () => await client.pexpire(KEYS[random(4)] as string, 1),
        otherType: async () => await client.multi().del('revoked').set('revoked', 'x').exec(),
        typeAgain: async () => await client.type('revoked') === 'string' && await client.del('revoked'),
        trim: async () => await client.xtrim('revoked:log', 'MAXLEN', random(3)),
        deleteLog: async () => await client.del('revoked:log'),
        logType: async () => await client.multi().del('revoked:log').set('revoked:log', 'x').exec(),
        inventEntry: async () => {
          const version = await client.hget('revoked:state', 'version') ?? '1'
          const kind = ['remove', 'whole', 'x', 'accept'][random(4)] as string
          const fields = ['from', version, 'to', '9'.repeat(random(20)), 'count', '0', 'size', '0', 'digest', '']
          await client.xadd('revoked:log', '*', ...fields, kind, kind === 'remove' ? '' : await some())
        },
        inventDigest: async () => await client.hset('revoked:state', 'digest', '1 2 3 4 5'),
        inventId: async () => await client.hset('revoked:state', 'log', `${Date.now() + random(100)}-7`),
        disconnect: async () => await client.call('CLIENT', 'KILL', 'TYPE', random(2) === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes'),
        save: async () => { saved = await Promise.all(KEYS.map(async (key) => [key, await client.dumpBuffer(key)] as const)) },
        restore: async () => {
          const all = client.multi()
          for (const [key, dump] of saved) {
            all.del(key)
            if (dump !== null) all.restore(key, 0, dump)
          }
          await all.exec()
        }
      }
      const names = Object.keys(actions)
      for (let step = 0; step < STEPS; step++) {
        const name = random(3) === 0 ? ['add', 'remove', 'accept'][random(3)] as string : names[random(names.length)] as string
        trace.push(name)
        // Some fail, because of what was done before.
        await actions[name]?.().catch(() => {})
        if (random(2) === 0) await Promise.all(nodes.map(async ({ read }) => { await read() }))
      }
      for (const key of ['revoked', 'revoked:log']) if (await client.type(key) === 'string') await client.del(key)
      await actions['accept']?.()
      await until(`both nodes have what the set has, after ${trace.join(', ')}`, async () => {
        const now = (await members()).join()
        return (await Promise.all(nodes.map(async ({ read, known }) => {
          await read()
          return [...known()].sort().join() === now
        }))).every(Boolean)
      })
      for (const { source } of nodes) source.close()
    })
  }
})
