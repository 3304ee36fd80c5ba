/**
 * A server whose log is not one, and is not even Redis, neither ends the process nor un-revokes anybody: the set is read as
 * if it had no log.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { parseRedisAddress } from '../../lib/revocation/sources/redis/address.js'
import { RedisConnection } from '../../lib/revocation/sources/redis/connection.js'
import { readEntries } from '../../lib/revocation/sources/redis/log-entry.js'
import { CHANGES, ReplyGuard } from '../../lib/revocation/sources/redis/replies.js'
import { codesOf, entry, openSource } from '../support/redis-source.js'

const MEMBER = entry('alice')
const NUMBER = Buffer.from('1700000000000')

function bulk (...texts: readonly string[]): string {
  return texts.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`).join('')
}

function entryOf (id: string, fields: readonly string[]): string {
  return `*2\r\n${bulk(id)}*${fields.length}\r\n${bulk(...fields)}`
}

function streamOf (...parts: readonly string[]): string {
  return `*1\r\n*2\r\n${bulk('revoked:log')}*${parts.length}\r\n${parts.join('')}`
}

/**
 * A server with a set of one member, and its reply to XREAD; undefined to end the connection.
 *
 * @param isScannedLate whether the members are sent only after a reply to XREAD
 */
async function startServer (
  t: Test, log: (count: number) => string | undefined, isScannedLate = false
): Promise<{ address: string, xreads (): number }> {
  let xreads = 0
  let isLogged = !isScannedLate
  const late: Array<() => void> = []
  const server = createServer((socket) => {
    t.teardown(() => { socket.destroy() })
    let text = ''
    socket.setEncoding('latin1').on('error', () => {}).on('data', (piece) => {
      text += piece
      for (;;) {
        const [command, name = ''] = /^\*\d+\r\n\$\d+\r\n(\w+)\r\n(?:\$\d+\r\n[^\r]*\r\n)*?(?=\*|$)/.exec(text) ?? []
        if (command === undefined) return
        text = text.slice(command.length)
        const word = name.toLowerCase()
        const replies: Record<string, string> = {
          subscribe: command.includes('__keyspace') ? '-NOPERM no\r\n' : `*3\r\n${bulk('subscribe', 'revoked:changes')}:1\r\n`,
          hmget: `*4\r\n${bulk(`${NUMBER}`, '1', `${NUMBER}`, '5-0')}`,
          scard: ':1\r\n',
          sscan: `*2\r\n${bulk('0')}*1\r\n${bulk(MEMBER)}`,
          zmscore: '*1\r\n$-1\r\n'
        }
        const reply = word === 'xread' ? log(xreads++) : replies[word] ?? '+OK\r\n'
        if (reply === undefined) return socket.destroy()
        if (word === 'sscan' && !isLogged) {
          late.push(() => { socket.write(reply) })
          continue
        }
        socket.write(reply)
        if (word !== 'xread') continue
        isLogged = true
        for (const call of late.splice(0)) call()
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return { address: `redis://127.0.0.1:${(server.address() as AddressInfo).port}/0?key=revoked`, xreads: () => xreads }
}

const next = ['from', `${NUMBER}`, 'to', '1700000000001', 'count', '1', 'size', '1', 'digest', '']

for (const [what, reply] of [
  ['a number', ':1\r\n'],
  ['a string that would take all memory', '$9999999999\r\n'],
  ['an array that would take all memory', '*1\r\n*2\r\n$1\r\na\r\n*999999999\r\n'],
  ['arrays in one another', '*1\r\n'.repeat(5000)],
  ['more bytes than a reply may have', `*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n9-0\r\n*2\r\n$1\r\na\r\n$99999999\r\n${'a'.repeat(17_000_000)}`],
  ['a stream without entries', '*1\r\n*1\r\n$1\r\na\r\n'],
  ['an entry without fields', streamOf(`*1\r\n${bulk('9-0')}`)],
  ['an entry with fields in fields', streamOf(`*2\r\n${bulk('9-0')}*1\r\n*1\r\n${bulk('a')}`)],
  ['an id that is none', streamOf(entryOf('next', [...next, 'add', MEMBER]))],
  ['an id of more than 64 bits', streamOf(entryOf(`${'9'.repeat(30)}-0`, [...next, 'add', MEMBER]))],
  ['an entry that came before', streamOf(entryOf('5-0', [...next, 'add', MEMBER]))],
  ['the same entry twice', streamOf(entryOf('9-0', [...next, 'add', MEMBER]), entryOf('9-0', [...next, 'add', MEMBER]))],
  ['nothing, at once and without an end', undefined]
] as const) {
  t.test(`${what} in reply to XREAD`, async (t) => {
    const { address, xreads } = await startServer(t, () => reply ?? '*-1\r\n')
    const { load, warnings } = openSource(t, address, { interval: 50, timeout: 4000 })
    t.match(await load(), { keys: [MEMBER], problems: [] })
    if (reply === undefined) {
      const began = performance.now()
      while (xreads() < 8) await load()
      t.ok(performance.now() - began > 300, 'it asks some times in a second')
      return
    }
    while (warnings.length === 0) await load()
    t.match(warnings, [/its log of changes cannot be read \(it.* (?:answer as Redis does|too large)\)/])
    t.match(await load(), { keys: [MEMBER], problems: [] })
  })
}

for (const [what, fields] of [
  ['negative numbers', ['from', `${NUMBER}`, 'to', '1700000000001', 'count', '-1', 'size', '-1', 'digest', '', 'remove', MEMBER]],
  ['a version after which there is none', ['from', `${NUMBER}`, 'to', '9999999999999999', 'count', '0', 'size', '0', 'digest', '', 'remove', MEMBER]],
  ['a step backwards', ['from', `${NUMBER}`, 'to', '5', 'count', '0', 'size', '0', 'digest', '', 'remove', MEMBER]],
  ['another size than the set', ['from', `${NUMBER}`, 'to', '1700000000001', 'count', '0', 'size', '5', 'digest', '', 'remove', MEMBER]],
  ['a kind that is unknown', [...next, 'exchange', MEMBER]],
  ['an odd number of fields', [...next, 'remove']],
  ['no fields', []]
] as const) {
  t.test(`an entry with ${what} takes nothing out of force`, async (t) => {
    // Each is new, so that the log never ends.
    const { address } = await startServer(t, (count) => streamOf(entryOf(`${count + 6}-0`, fields)))
    const { source, load } = openSource(t, address, { interval: 50, timeout: 4000 })
    const contents = [await load()]
    source.watch(() => {})
    while (contents.length < 20) contents.push(await load())
    t.ok(contents.every(({ keys }) => keys.length === 1 && keys[0] === MEMBER))
    t.same(codesOf(await load()), [])
  })
}

t.test('a server that ends the connection at each XREAD is connected to later and later', async (t) => {
  const { address, xreads } = await startServer(t, (count) => count === 0 ? '*-1\r\n' : undefined)
  const { source, load } = openSource(t, address, { interval: 2000 })
  t.match(await load(), { keys: [MEMBER], problems: [] })
  source.watch(() => { load().catch(() => {}) })
  const alive = setInterval(() => {}, 1000)
  const began = performance.now()
  while (xreads() < 6) await new Promise((resolve) => setImmediate(resolve))
  t.ok(performance.now() - began > 300)
  clearInterval(alive)
  t.match(await load().catch(() => load()), { keys: [MEMBER], problems: [] })
})

t.test('a log that is lost during the first reading does not make it fail', async (t) => {
  const { address } = await startServer(t, (count) => count < 2 ? undefined : '*-1\r\n', true)
  t.match(await openSource(t, address, { timeout: 4000 }).load(), { keys: [MEMBER], problems: [] })
  const lost = await startServer(t, () => undefined, true)
  const error = { code: 'FST_ENDPOINT_REDIS_UNAVAILABLE' }
  await t.rejects(openSource(t, lost.address, { timeout: 4000 }).load(), error, 'unless it is lost again and again')
})

t.test('closing again and again leaves no listeners', async (t) => {
  const warnings: Error[] = []
  const listen = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', listen)
  t.teardown(() => { process.off('warning', listen) })
  const { address } = await startServer(t, () => '')
  const connection = await RedisConnection.open(parseRedisAddress(address, '/'), {}, { onHint () {}, onNews () {}, onDenied () {}, onDisconnect () {} })
  for (let times = 0; times < 20; times++) connection.close()
  await new Promise((resolve) => setImmediate(resolve))
  t.same(warnings, [])
})

t.test('short members in a long entry fill no memory', async (t) => {
  const reply = [['revoked:log', [['9-0', [...next, 'add', '\n'.repeat(15_000_000)]]]]]
  t.match(readEntries(reply, '0-0'), [{ kind: 'whole', text: '' }])
})

t.test('the real replies to XREAD get through, in pieces of any size', async (t) => {
  const replies = ['+OK\r\n', '*-1\r\n', streamOf(entryOf('9-0', [...next, 'add', MEMBER]), entryOf('9-1', ['a', ''])), '-NOPERM no\r\n', '*-1\r\n'].map((text) => Buffer.from(text))
  const wrong: number[] = []
  for (let size = 1; size <= 300; size++) {
    const guard = new ReplyGuard(CHANGES)
    for (const bytes of replies) {
      guard.expect()
      for (let at = 0; at < bytes.length; at += size) if (!guard.accepts(bytes.subarray(at, at + size))) wrong.push(size)
    }
  }
  t.same(wrong, [])
  t.same(readEntries(null, '0-0'), [])
  t.match(readEntries([['revoked:log', [['9-0', [...next, 'add', `${MEMBER}\n${MEMBER}`]]]]], '0-0'), [{ id: '9-0', kind: 'add', text: `${MEMBER}\n${MEMBER}`, from: Number(NUMBER), size: 1 }])
})
