import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Descriptors, descriptors, limitOfReport } from '../../lib/descriptors.js'
import { run } from '../support/programs.js'

t.test('a quarter of the descriptors stays free, but at most 128', async (t) => {
  for (const [limit, connections] of [[1, 1], [64, 48], [400, 300], [1024, 896], [1_048_576, 1_048_448], [Infinity, Infinity]] as const) {
    t.equal(new Descriptors(limit).forConnections, connections, String(limit))
  }
})

t.test('the limit is that of the process, also on systems without /proc', async (t) => {
  t.equal(limitOfReport(), descriptors.limit)
  t.equal(limitOfReport({ userLimits: { open_files: { soft: 'unlimited' } } }), Infinity)
  t.equal(limitOfReport({}), Infinity)
})

t.test('the number of a new descriptor shows how many are open, no matter what opened them', async (t) => {
  const few = new Descriptors(60)
  t.equal(few.isReserved(44), false)
  t.equal(few.isReserved(45), true)
  t.equal(few.isReserved(-1), false, 'as on a system without numbers of descriptors')
})

t.test('descriptors are lent until the last borrower has ended, and taken back within one second', async (t) => {
  const some = new Descriptors(60)
  let room = 0
  const end = some.holdBack(() => { room++ })
  const first = some.lendSome()
  const second = some.lendSome()
  t.equal(some.areLent, true)
  first()
  first()
  t.equal(some.areLent, true)
  second()
  t.equal(some.areLent, false)
  t.equal(room, 2, 'the connections that can be dropped')
  t.equal(some.lend(() => 'read'), 'read')
  t.throws(() => some.lend(() => { throw new Error('unreadable') }), { message: 'unreadable' })
  end()
})

t.test('reserved descriptors are released when the last user is done', async (t) => {
  const next = (): number => {
    const fileno = openSync(devNull, 'r')
    closeSync(fileno)
    return fileno
  }
  const before = next()
  const some = new Descriptors(60)
  const ends = [some.holdBack(), some.holdBack(() => {}, 2)]
  t.ok(next() >= before + 10)
  ends[0]?.()
  some.closed()
  ends[1]?.()
  t.equal(next(), before)
})

t.test('check warns once if the limit is below maxConnections', async (t) => {
  const main = fileURLToPath(new URL('../../lib/cli/fastify-endpoint.ts', import.meta.url))
  const check = (...args: string[]): ReturnType<typeof run> => run('sh', ['-c', 'ulimit -n 400 && exec "$@"', 'sh', process.execPath, ...process.execArgv, main, 'check', ...args])
  const { status, stdout } = await check('stdio', 'tcp:0', 'tcp:0')
  t.equal(status, 0)
  t.equal(stdout.split('warning: the limit of open files is 400, too low for maxConnections 10000 (the default): at most 300 connections can be open. Raise the limit').length, 2, stdout)
  t.notMatch((await check('stdio')).stdout, /warning/)
})
