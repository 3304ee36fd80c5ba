/**
 * What CRLs of thousands and of millions of entries cost: our server beside Node's `crl` option.
 *
 *     npm run bench:crl -- [--entries 14000,100000,1000000,5000000] [--rounds 5] [--form der]
 *
 * The tables go to standard output: one of servers that are given a new CRL while they are asked 200 times
 * a second, and one of lookups. Node gets its CRL as PEM, since it takes no other, and is told at once; ours
 * has to see for itself that the file has changed, and waits until it rests.
 */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:https'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, createSecureContext } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { SerialTableBuilder } from '../lib/revocation/crl/serial-table.js'
import { makeLargeCrl } from '../test/support/large-crl.js'
import { createAuthority } from '../test/support/pki.js'
import type { CrlCommand, MemoryReport, SwapReport, TurnsReport } from './crl-server.js'
import { answerOf } from './server-process.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '14000,100000,1000000,5000000' },
    rounds: { type: 'string', default: '5' },
    form: { type: 'string', default: 'der' }
  }
})
const ROUNDS = Number(values.rounds)
const REQUEST_INTERVAL = 5
const HANDSHAKES = 30
const THREAD_ENDS = 11_000
const SIDES = ['ours', 'node'] as const

const root = await createAuthority({ name: 'CRL Root' })
const serverCertificate = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
const client = await root.issue({ name: 'client', usage: 'client' })
const context = createSecureContext({ ca: root.certificate, cert: client.chain, key: client.key })

interface Measured {
  readonly inForce: number
  readonly busiest: number
  readonly longest: number
  readonly handshake: number
  readonly resident: number
  readonly peak: number
}

async function measure (side: typeof SIDES[number], count: number): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-crl-'))
  const write = async (file: string, number: number): Promise<void> => {
    const crl = makeLargeCrl(root, { count, number })
    await writeFile(join(folder, file), side === 'node' || values.form === 'pem' ? crl.pem : crl.der)
  }
  await Promise.all(Object.entries({ 'ca.pem': root.certificate, 'server.pem': serverCertificate.chain, 'server.key': serverCertificate.key, 'revoked.txt': 'crl\n' }).map(([file, content]) => writeFile(join(folder, file), content)))
  await write('crl', 1)
  const child = fork(fileURLToPath(new URL('crl-server.js', import.meta.url)), [side, folder], { execArgv: ['--expose-gc'] })
  const tell = async <Answer>(command: CrlCommand): Promise<Answer> => {
    const answer = answerOf<Answer>(child)
    child.send(command)
    return await answer
  }
  try {
    const { port } = await answerOf<{ port: number }>(child)
    const handshakes: number[] = []
    for (let round = 0; round < HANDSHAKES; round++) handshakes.push(await handshake(port))
    const agent = new Agent({ keepAlive: true, maxSockets: 4, cert: client.chain, key: client.key, ca: root.certificate, servername: 'localhost' })
    const asking = setInterval(() => { get({ port, host: '127.0.0.1', agent }, (response) => response.resume()).on('error', () => {}) }, REQUEST_INTERVAL)
    let version = 1
    let last = 0
    const next = async <Report extends SwapReport>(command: CrlCommand): Promise<Report> => {
      await write('next', ++version)
      // A load that takes long is followed by a pause of four times its length.
      await pause(Math.min(4 * last + 1000, 10_000))
      const report = await tell<Report>(command)
      last = report.inForce
      return report
    }
    const swaps: SwapReport[] = []
    for (let round = 0; round < ROUNDS; round++) swaps.push(await next('swap'))
    const { peak } = await tell<MemoryReport>('memory')
    // The thread that reads ends when it has had nothing to do for ten seconds, and gives back what it held.
    await pause(THREAD_ENDS)
    const { resident } = await tell<MemoryReport>('memory')
    const turns: TurnsReport[] = []
    for (let round = 0; round < ROUNDS; round++) turns.push(await next('watch'))
    clearInterval(asking)
    agent.destroy()
    return {
      inForce: median(swaps.map(({ inForce }) => inForce)),
      busiest: Math.max(...turns.map(({ busiest }) => busiest)),
      longest: Math.max(...turns.map(({ longest }) => longest)),
      handshake: median(handshakes),
      resident,
      peak
    }
  } finally {
    const exit = once(child, 'exit')
    child.kill()
    await exit
    await rm(folder, { recursive: true })
  }
}

/** Milliseconds by the clock of one full handshake, from connecting to the first byte of the answer. */
async function handshake (port: number): Promise<number> {
  const start = performance.now()
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', secureContext: context, ca: root.certificate })
  await once(socket, 'secureConnect')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await once(socket, 'data')
  const took = performance.now() - start
  socket.destroy()
  return took
}

/** Nanoseconds of processor time of a lookup that hits, and of one that misses. */
function lookups (count: number): { hit: number, miss: number } {
  const crl = makeLargeCrl(root, { count })
  const others = makeLargeCrl(root, { count, seed: 2 })
  const builder = new SerialTableBuilder(count, count * 4, false)
  for (let index = 0; index < count; index++) builder.add(crl.serial(index), 0, 16, 0, 1, 0)
  const table = builder.build()
  const timed = (from: typeof crl): number => {
    const serials = Array.from({ length: 1000 }, (_, index) => from.serial((index * 7919) % count))
    const rounds: number[] = []
    for (let round = 0; round < 50; round++) {
      const before = process.cpuUsage()
      for (let turn = 0; turn < 20; turn++) for (const serial of serials) table.find(serial, 0, 16, 0)
      const { user, system } = process.cpuUsage(before)
      rounds.push((user + system) / 20)
    }
    return median(rounds)
  }
  return { hit: timed(crl), miss: timed(others) }
}

/** Milliseconds that `openssl crl` takes to read a CRL and verify its signature. */
async function openssl (count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-crl-'))
  try {
    await writeFile(join(folder, 'crl'), makeLargeCrl(root, { count }).der)
    await writeFile(join(folder, 'ca.pem'), root.certificate)
    const start = performance.now()
    await promisify(execFile)('openssl', ['crl', '-inform', 'DER', '-in', join(folder, 'crl'), '-noout', '-CAfile', join(folder, 'ca.pem')])
    return performance.now() - start
  } finally {
    await rm(folder, { recursive: true })
  }
}

console.log([
  `Node.js ${process.version}, ${ROUNDS} rounds, load average ${loadavg().map((load) => load.toFixed(1)).join(', ')} at the start`,
  '',
  '| entries | | in force after, ms | busiest turn, ms of the main thread | longest turn by the clock, ms | handshake and request, with one entry = 1 | resident, bytes an entry | peak above one entry, MB |',
  '|--:|---|--:|--:|--:|--:|--:|--:|'
].join('\n'))
const others: string[] = []
const bases = new Map<string, Measured>()
for (const side of SIDES) bases.set(side, await measure(side, 1))
for (const count of values.entries.split(',').map(Number)) {
  for (const side of SIDES) {
    console.error(`${count} entries, ${side} …`)
    const base = bases.get(side) as Measured
    const { inForce, busiest, longest, handshake, resident, peak } = await measure(side, count)
    const cells = [inForce.toFixed(0), busiest.toFixed(1), longest.toFixed(1), `**${(handshake / base.handshake).toFixed(2)}** (${handshake.toFixed(1)} ms)`, ((resident - base.resident) / count).toFixed(0), ((peak - base.resident) / 1e6).toFixed(0)]
    console.log(`| ${[count.toLocaleString('en'), side === 'ours' ? 'ours' : 'Node\'s `crl`', ...cells].join(' | ')} |`)
  }
  const { hit, miss } = lookups(count)
  others.push(`| ${[count.toLocaleString('en'), hit.toFixed(0), miss.toFixed(0), (await openssl(count)).toFixed(0)].join(' | ')} |`)
}
console.log([
  '',
  '| entries | hit, ns | miss, ns | `openssl crl`, ms |',
  '|--:|--:|--:|--:|',
  ...others,
  '',
  `Load average ${loadavg().map((load) => load.toFixed(1)).join(', ')} at the end`
].join('\n'))
