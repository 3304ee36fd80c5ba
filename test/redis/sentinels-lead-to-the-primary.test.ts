/** Debian's redis-server as three sentinels, a primary and a replica, and what they do when servers end. */
import t from 'tap'
import { acceptInRedis, addToRedis, removeFromRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { freePort } from '../support/loopback.js'
import { startSentinels, untilReplica } from '../support/redis-sentinels.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'
import { entry, openSource } from '../support/redis-source.js'
import { runMain } from '../support/command-line.js'

const UNAVAILABLE = 'FST_ENDPOINT_REDIS_UNAVAILABLE'

t.test('a set is found behind sentinels, and outlives each of its servers', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { primary, replica, sentinels, address, untilNamed } = await startSentinels(t)
  let [first, second, third] = sentinels as [typeof sentinels[0], typeof sentinels[0], typeof sentinels[0]]
  const writer = { address }
  const { until: untilContent, load, source, warnings } = openSource(t, address)

  await t.test('a node reads what the command has written, and the command waits for the replica', async (t) => {
    t.match(await acceptInRedis(writer), { isReplicated: true })
    t.match(await addToRedis(writer, [entry('before')]), { changed: 1, isReplicated: true })
    t.equal(await replica.client.scard('revoked'), 1, 'the replica had it when the command ended')
    t.same((await load()).keys, [entry('before')])
    t.match(source.name, /^redis-sentinel:\/\/127\.0\.0\.1:\d+,.*\?master=main&key=revoked$/)
    await untilContent((content) => content?.keys.length === 2, () => addToRedis(writer, [entry('second')]))
  })

  await t.test('a sentinel that is gone is passed over, and a name that no sentinel knows is an error', async (t) => {
    const gone = `redis-sentinel://127.0.0.1:${await freePort()},127.0.0.1:${first.port}/0?master=main&key=revoked`
    for (let round = 0; round < 4; round++) t.equal((await openSource(t, gone).load()).keys.length, 2)
    await t.rejects(openSource(t, gone.replace('main', 'other')).load(), { code: UNAVAILABLE, message: /ECONNREFUSED|knows no primary by the name of master=/ })
    await t.rejects(openSource(t, address.replace('main', 'other')).load(), { code: UNAVAILABLE, message: /: the sentinel knows no primary by the name of master=$/ })
    const alone = `redis-sentinel://127.0.0.1:${primary.port}/0?master=main&key=revoked`
    await t.rejects(openSource(t, alone).load(), { code: UNAVAILABLE, message: /unknown command/i }, 'a Redis server is no sentinel')
  })

  await t.test('a replica that does not answer is reported, and the change is in force', async (t) => {
    replica.child.kill('SIGSTOP')
    const { status, stdout, stderr } = await runMain(['revoke', '--entries', makeTestFolder(t, { 'e.txt': `${entry('unconfirmed')}\n` }) + '/e.txt', '--to', address])
    replica.child.kill('SIGCONT')
    t.equal(status, 0)
    t.match(stdout, /^1 entry was added/)
    t.match(stderr, /^No replica has confirmed the change within 1 s\b/)
    await untilContent((content) => content?.keys.length === 3)
    await untilReplica(replica.client, primary.client)
  })

  await t.test('while no sentinel answers, the set of the primary is good, and the log warns once', async (t) => {
    await Promise.all([first.kill(), second.kill(), third.kill()])
    await until('the log warns', () => warnings.length > 0)
    await untilContent((content) => content?.keys.length === 4 && content.problems.length === 0, () => addToRedis({ address: primary.address }, [entry('unguided')]))
    await removeFromRedis({ address: primary.address }, [entry('unguided')])
    await untilContent((content) => content?.keys.length === 3)
    first = await first.restart()
    t.match(warnings, [/: no sentinel answers, so this node will not notice another primary$/])
  })

  await t.test('while most sentinels are away, the last good set stays when the primary ends', async (t) => {
    await primary.kill()
    await untilContent((_content, error) => error !== undefined && 'code' in error && error.code === UNAVAILABLE)
    await t.rejects(addToRedis(writer, [entry('nobody takes it')]), { code: UNAVAILABLE })
  })

  await t.test('then the replica takes over, and nobody was un-revoked', async (t) => {
    ;[second, third] = await Promise.all([second.restart(), third.restart()])
    await untilContent((content) => {
      if (content !== undefined) t.equal(content.keys.length, 3)
      return content !== undefined
    })
    await untilNamed(replica.port, first)
    t.match(await addToRedis(writer, [entry('after')]), { changed: 1, isReplicated: false }, 'there is no other replica')
    await untilContent((content) => content?.keys.length === 4 && content.problems.length === 0)
  })
})
