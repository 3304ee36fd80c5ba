import t from 'tap'
import { MembersDigest } from '../../lib/revocation/sources/redis/digest.js'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis, type RunningRedis } from '../support/redis.js'
import { entries, entry } from '../support/redis-source.js'

type Logged = Record<string, string>

async function readLog ({ client }: RunningRedis): Promise<Logged[]> {
  return (await client.xrange('revoked:log', '-', '+')).map(([id, fields]) => {
    const logged: Logged = { id }
    for (let index = 0; index < fields.length; index += 2) logged[fields[index] as string] = fields[index + 1] as string
    return logged
  })
}

function digestOf (members: readonly string[]): string {
  const digest = new MembersDigest()
  for (const member of members) digest.add(member)
  return digest.toString()
}

t.test('the log of changes', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const redis = await startRedis(t)
  const { client, address } = redis
  const started = async (): Promise<void> => {
    await client.flushall()
    await acceptInRedis({ address })
  }

  await t.test('each entry has the version before and after it, the size, and the digest of the members', async (t) => {
    await started()
    await addToRedis({ address }, entries(3))
    await addToRedis({ address }, [...entries(3), entry('alice')])
    await removeFromRedis({ address }, [entry('alice'), entry('nobody')])
    await addToRedis({ address }, entries(3))
    const log = await readLog(redis)
    t.match(log, [
      { accept: '', count: '0', size: '0', digest: '0 0 0 0 0' },
      { add: entries(3).join('\n'), count: '3', size: '3', digest: digestOf(entries(3)) },
      { add: entry('alice'), count: '4', size: '4', digest: digestOf([...entries(3), entry('alice')]) },
      { remove: `${entry('alice')}\n${entry('nobody')}`, count: '3', size: '3', digest: digestOf(entries(3)) }
    ])
    t.equal(log.length, 4, 'a step that changes nothing has none')
    for (const [index, { from }] of log.entries()) t.equal(from, log[index - 1]?.['to'] ?? '')
    t.match(await client.hgetall('revoked:state'), { version: log[3]?.['to'], log: log[3]?.['id'], digest: digestOf(entries(3)), digestVersion: log[3]?.['to'] })
  })

  await t.test('a member that is too long is not in the log', async (t) => {
    await started()
    const { certificate } = await (await import('../support/pki.js')).createAuthority({ name: 'Root' })
    await addToRedis({ address }, [entry(1), `${certificate}${'\n'.repeat(512)}`])
    t.match((await readLog(redis)).at(-1), { whole: '', size: '2', digest: /^\d+ / })
  })

  await t.test('the log is trimmed by its entries and by their bytes', async (t) => {
    await started()
    for (const one of entries(6)) await addToRedis({ address, logEntries: 4 }, [one])
    t.same((await readLog(redis)).map(({ add }) => add), entries(6).slice(2))
    await addToRedis({ address, logBytes: 150 }, [entry('alice')])
    t.same((await readLog(redis)).map(({ add }) => add), [entry('certificate 5'), entry('alice')])
    await client.xadd('revoked:log', '0-1', 'foreign', 'entry').catch(() => {})
    await addToRedis({ address, logBytes: 0 }, [entry('bob')])
    t.same(await readLog(redis), [], 'nothing is left where nothing may be')
  })

  await t.test('after a change of the marker by another program there is no digest until the set is accepted', async (t) => {
    await started()
    await client.hincrby('revoked:state', 'version', 1)
    await addToRedis({ address }, [entry(1)])
    await addToRedis({ address }, [entry(2)])
    await client.sadd('revoked', entry('foreign'))
    t.same((await readLog(redis)).map(({ digest }) => digest), ['0 0 0 0 0', '', ''])
    await acceptInRedis({ address })
    await addToRedis({ address }, [entry(3)])
    const members = [1, 2, 3, 'foreign'].map(entry)
    t.same((await readLog(redis)).slice(3).map(({ digest }) => digest), [digestOf([entry(1), entry(2), entry('foreign')]), digestOf(members)])
  })

  await t.test('a log that takes no more entries is begun again, and a key of another type is left alone', async (t) => {
    await started()
    await client.xadd('revoked:log', '18446744073709551615-18446744073709551615', 'the', 'last')
    await addToRedis({ address }, [entry(1)])
    t.match(await readLog(redis), [{ add: entry(1) }])
    await client.set('revoked:log', 'something')
    t.match(await addToRedis({ address }, [entry(2)]), { changed: 1, size: 2 })
    t.equal(await client.get('revoked:log'), 'something')
  })
})
