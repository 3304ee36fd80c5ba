/**
 * A server that poses as Redis cannot crash the process. ioredis throws uncatchable errors on unexpected replies, so
 * such replies are stopped before they reach it.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ANSWERS, HINTS, ReplyGuard } from '../../lib/revocation/sources/redis/replies.js'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { codesOf, entry, openSource } from '../support/redis-source.js'

interface Answers {
  /** The reply to SUBSCRIBE. */
  readonly subscribe?: string
  /** The reply to every other command. */
  readonly command?: string
}

const SUBSCRIBED = '*3\r\n$9\r\nsubscribe\r\n$15\r\nrevoked:changes\r\n:1\r\n'

/** A server that sends these replies and counts its connections. */
async function startServer (t: Test, { subscribe = SUBSCRIBED, command = '' }: Answers): Promise<{ address: string, connections (): number }> {
  let count = 0
  const server = createServer((socket) => {
    count++
    t.teardown(() => { socket.destroy() })
    socket.setEncoding('latin1').on('error', () => {}).on('data', (asked) => { socket.write(/subscribe/i.test(String(asked)) ? subscribe : command) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return { address: `redis://127.0.0.1:${(server.address() as AddressInfo).port}/0?key=revoked`, connections: () => count }
}

const UNAVAILABLE = 'FST_ENDPOINT_REDIS_UNAVAILABLE'
const deep = '*1\r\n'.repeat(5000)

for (const [what, answers] of [
  ['null in place of a subscription', { subscribe: '$-1\r\n' }],
  ['a null array in place of a subscription', { subscribe: '*-1\r\n' }],
  ['an empty array in place of a subscription', { subscribe: '*0\r\n' }],
  ['a number in place of a subscription', { subscribe: ':5\r\n' }],
  ['a letter in place of a subscription', { subscribe: '+O\r\n' }],
  ['a subscription to nothing', { subscribe: '*3\r\n$9\r\nsubscribe\r\n$-1\r\n:1\r\n' }],
  ['unrequested data after a subscription', { subscribe: `${SUBSCRIBED}*1\r\n$-1\r\n` }],
  ['a message on no channel', { subscribe: `${SUBSCRIBED}*3\r\n$7\r\nmessage\r\n$-1\r\n$1\r\nx\r\n` }],
  ['a message that is too short', { subscribe: `${SUBSCRIBED}*1\r\n$7\r\nmessage\r\n` }],
  ['a pattern of nothing', { subscribe: `${SUBSCRIBED}*4\r\n$8\r\npmessage\r\n$-1\r\n$-1\r\n$-1\r\n` }],
  ['unrequested nested arrays', { subscribe: `${SUBSCRIBED}${deep}` }],
  ['a push of another protocol', { subscribe: '>3\r\n$9\r\nsubscribe\r\n_\r\n:1\r\n' }],
  ['more nulls than requested', { command: '$-1\r\n'.repeat(50) }],
  ['a null array, repeatedly', { command: '*-1\r\n'.repeat(50) }],
  ['a push in place of an answer', { command: '>2\r\n$9\r\nsubscribe\r\n_\r\n' }],
  ['the null of another protocol', { command: '_\r\n'.repeat(50) }],
  ['nested arrays', { command: deep.repeat(50) }],
  ['an array that would take all memory', { command: '*4000000000\r\n' }],
  ['a string that would take all memory', { command: '$9999999999\r\n' }],
  ['a line that ends twice', { command: '+a\rb\r\n$-1\r\n' }],
  ['a line without an end', { command: `+${'a'.repeat(70_000)}` }]
] as ReadonlyArray<readonly [string, Answers]>) {
  t.test(`${what} is a coded error`, async (t) => {
    const { address } = await startServer(t, answers)
    await t.rejects(openSource(t, address).load(), { code: UNAVAILABLE })
  })
}

/** A relay to a Redis server that answers XREAD by itself. */
async function startRelay (t: Test, port: number, xread: string): Promise<{ address: string, asked (): number }> {
  let asked = 0
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const [from, to] of [[client, server], [server, client]] as const) from.on('error', () => {}).once('close', () => { to.destroy() })
    t.teardown(() => { client.destroy() })
    server.on('data', (bytes: Buffer) => { client.write(bytes) })
    client.on('data', (bytes: Buffer) => {
      const isAsked = /xread/i.test(bytes.toString('latin1'))
      if (isAsked) asked++
      if (isAsked) client.write(xread)
      else server.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  t.teardown(() => { relay.close() })
  return { address: `redis://127.0.0.1:${(relay.address() as AddressInfo).port}/0?key=revoked`, asked: () => asked }
}

for (const [what, xread] of [
  ['more nulls than requested', '*-1\r\n'.repeat(50)],
  ['a null after an error', '-ERR no\r\n*-1\r\n'],
  ['a null after a change of nothing', '*1\r\n*2\r\n$11\r\nrevoked:log\r\n*0\r\n*-1\r\n'],
  ['a stream of null', '*1\r\n*-1\r\n']
] as const) {
  t.test(`${what} in place of a change ends nothing, and the set is followed all the same`, async (t) => {
    if (!hasProgram(t, 'redis')) return
    const { address, port } = await startRedis(t)
    await acceptInRedis({ address })
    await addToRedis({ address }, [entry(1)])
    const relay = await startRelay(t, port, xread)
    const { until } = openSource(t, relay.address)
    await until((content) => content !== undefined && relay.asked() > 0)
    await until((content) => content?.keys.length === 2, () => addToRedis({ address }, [entry(2)]))
  })
}

t.test('a server that keeps sending invalid replies is tried again, and does no other harm', async (t) => {
  const { address, connections } = await startServer(t, { subscribe: '$-1\r\n' })
  const { until } = openSource(t, address)
  await until((content, error) => {
    t.same(codesOf(content), [])
    t.match(error, { code: UNAVAILABLE, message: /it does not answer as Redis does$/ })
    return connections() > 4
  })
})

t.test('the real replies of Redis get through, in pieces of any size', async (t) => {
  const whole = Buffer.from(['+OK', '-LOADING it is', ':-1', '*3', '$13', '1600000000000', '$-1', '$0', '', '*2', '$1', '0', '*2', '$2', 'a\n', '$4', 'a\r\nb', '*2', '$1', '0', '*0', '*1', ':1', ''].join('\r\n'))
  const hints = Buffer.from(`+OK\r\n${SUBSCRIBED}-NOPERM no\r\n*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$0\r\n\r\n`)
  for (const [shape, bytes] of [[ANSWERS, whole], [HINTS, hints]] as const) {
    for (let size = 1; size <= bytes.length; size++) {
      const guard = new ReplyGuard(shape)
      for (let at = 0; at < bytes.length; at += size) if (!guard.accepts(bytes.subarray(at, at + size))) t.fail(`pieces of ${size} bytes, at ${at}`)
    }
  }
  t.notOk(new ReplyGuard(HINTS).accepts(whole))
})
