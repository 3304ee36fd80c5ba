import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import { Partition } from '../support/partition.js'
import { hasProgram } from '../support/programs.js'
import { startRedis } from '../support/redis.js'
import { codesOf, entries, entry, openSource } from '../support/redis-source.js'

const UNAVAILABLE = 'FST_ENDPOINT_REDIS_UNAVAILABLE'

t.test('a source notices a silent partition, and recovers when it ends', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, address } = await startRedis(t)
  await acceptInRedis({ address })
  const way = await Partition.open(t, port)
  const { load, until } = openSource(t, address.replace(`${port}`, `${way.port}`))
  await load()
  await until((_content, error) => error?.code === UNAVAILABLE, () => { way.cut() })
  // No message about it gets through.
  await addToRedis({ address }, [entry('alice')])
  await until((content) => content?.keys.includes(entry('alice')) === true, () => { way.mend() })
  t.same(codesOf(await load()), [])
})

t.test('a source connects again if its subscription is lost', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await acceptInRedis({ address })
  const { load, until } = openSource(t, address)
  await load()
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until((content) => content?.keys.includes(entry('alice')) === true, () => addToRedis({ address }, [entry('alice')]))
  t.pass('it has connected again')
})

t.test('slow answers are accepted within the timeout', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { port, address } = await startRedis(t)
  await acceptInRedis({ address })
  await addToRedis({ address }, entries(10))
  const way = await Partition.open(t, port)
  way.slow(200)
  const { load, until } = openSource(t, address.replace(`${port}`, `${way.port}`))
  t.equal((await load()).keys.length, 10)
  await until((_content, error) => error?.code === UNAVAILABLE, () => { way.slow(1500) })
  await until((content) => content?.keys.length === 10, () => { way.slow(0) })
})

t.test('a full Redis rejects new entries, and the existing entries stay', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t, ['--maxmemory-policy', 'noeviction'])
  await acceptInRedis({ address })
  await addToRedis({ address }, entries(10))
  const { load, until } = openSource(t, address)
  await load()
  await client.config('SET', 'maxmemory', '100kb')
  await t.rejects(addToRedis({ address }, [entry('alice')]), { code: UNAVAILABLE, message: /OOM/ }, 'the writer says so')
  t.equal((await load()).keys.length, 10)
  t.same(await client.hmget('revoked:state', 'count'), ['10'], 'nothing of it was written')
  await client.config('SET', 'maxmemory', '0')
  await until((content) => content?.keys.length === 11, () => addToRedis({ address }, [entry('alice')]))
})

t.test('invalid members are reported, and the others count', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await acceptInRedis({ address })
  await addToRedis({ address }, entries(2))
  const { load, until } = openSource(t, address)
  await load()
  const serial = entry('issuer').replace('tbs:', 'serial:4a01@')
  const garbage = ['', '# none', 'stolen/*.pem', 'tbs:sha256//short', 'secret: hunter2', `${entry(1)}\n${entry(2)}`, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', Buffer.from([0xff, 0xfe, 0, 1]).toString('latin1')]
  await until((content) => content?.keys.includes(entry('alice')) === true, () => client.sadd('revoked', entry('alice'), serial, ...garbage))
  const content = await load()
  t.same([...content.keys].sort(), [...entries(2), entry('alice'), serial].sort())
  t.same(new Set(codesOf(content)), new Set(['FST_ENDPOINT_REDIS_MEMBER']))
  t.notMatch(content.problems.map(({ message }) => message).join(), /hunter2/, 'nothing of them is in a message')
})

t.test('a key of another type is a problem', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await client.set('revoked', 'something')
  await t.rejects(openSource(t, address).load(), { code: UNAVAILABLE, message: /choose another key=/ })
  await t.rejects(addToRedis({ address }, [entry(1)]), { code: UNAVAILABLE, message: /choose another key=/ })
  await client.del('revoked')
  await client.set('revoked:state', 'something')
  await t.rejects(openSource(t, address).load(), { code: UNAVAILABLE, message: /choose another key=/ })
})

t.test('a source waits for a Redis that is still loading its data', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const first = await startRedis(t)
  await acceptInRedis(first)
  await addToRedis(first, entries(2000))
  const { load, until } = openSource(t, first.address)
  await load()
  // Keys that take Redis half a millisecond each to load.
  await first.client.mset(...entries(1000, 'key').flatMap((key) => [key, 'value']))
  await first.client.save()
  await until((_content, error) => error?.code === UNAVAILABLE, () => first.restart(['--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024']))
  await until((content) => content?.keys.length === 2000 && content.problems.length === 0)
  t.pass('and read when it is available')
})

/** A server that gives the same answer to every command. */
async function startGarbage (t: Test, answer: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => { answer(socket) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => { sockets.add(socket) })
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `redis://:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/0?key=revoked`
}

for (const [what, answer] of [
  ['bytes that are not of its protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['the command itself', "-ERR unknown command 'auth', with args beginning with: 'hunter2' \r\n"],
  ['nothing', ''],
  ['a length without an end', '$2000000000\r\n']
] as const) {
  t.test(`a server that answers ${what} is a coded error without the password`, async (t) => {
    const address = await startGarbage(t, (socket) => { socket.write(answer) })
    const error = await openSource(t, address, { timeout: 300 }).load().then(() => undefined, (thrown: Error & { code?: string }) => thrown)
    t.match(error, { code: UNAVAILABLE })
    t.notMatch(JSON.stringify([error?.message, error?.stack, error?.cause, { ...error }]), /hunter2/)
  })
}

t.test('the connection to a server with an endless answer is closed at the limit', async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 'a')
  const address = await startGarbage(t, (socket) => {
    socket.write('$2000000000\r\n')
    const more = (): void => { while (socket.writable && socket.write(chunk)); }
    socket.on('drain', more)
    more()
  })
  await t.rejects(openSource(t, address, { limits: { fileBytes: 1024 * 1024, entries: 1 }, timeout: 20_000 }).load(), { code: /FST_ENDPOINT_REDIS_(TOO_LARGE|UNAVAILABLE)/ })
})

t.test('a set with more members than the limit is an error', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address } = await startRedis(t)
  await acceptInRedis({ address })
  await addToRedis({ address }, entries(3))
  await t.rejects(openSource(t, address, { limits: { fileBytes: 1024, entries: 2 } }).load(), { code: 'FST_ENDPOINT_REDIS_TOO_LARGE', message: /limits\.entries allows \(2\)/ })
})

t.test('an answer with more bytes than the limits allow is an error', async (t) => {
  if (!hasProgram(t, 'redis')) return
  const { address, client } = await startRedis(t)
  await acceptInRedis({ address })
  await client.sadd('revoked', 'a'.repeat(1_000_000))
  await t.rejects(openSource(t, address, { limits: { fileBytes: 0, entries: 1000 } }).load(), { code: 'FST_ENDPOINT_REDIS_TOO_LARGE', message: /more than 128000 bytes/ })
})
