/**
 * What CRLs of thousands and of millions of entries cost: our server, Node's `crl` option, nginx and HAProxy.
 *
 *     npm run bench:crl -- [--entries 14000,100000,1000000,5000000] [--rounds 3] [--sides ours,node,nginx,haproxy]
 *
 * The tables are printed on standard output. A CRL is in force when a client is rejected that it revokes and the previous one
 * did not; one handshake after the other tries that. The others need PEM and get a signal. Ours has to see that the file
 * changed, and waits until it is stable.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:https'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import { parseArgs, promisify } from 'node:util'
import { CertificateRevocationList } from 'pkijs'
import { SerialTableBuilder } from '../lib/revocation/crl/serial-table.js'
import { serialOf } from '../test/support/crl.js'
import { makeLargeCrl } from '../test/support/large-crl.js'
import { createAuthority } from '../test/support/pki.js'
import { type Contestant, NAMES, type Side, SIDES, start } from './crl-contestant.js'
import type { MemoryReport, TurnsReport } from './crl-server.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '14000,100000,1000000,5000000' },
    rounds: { type: 'string', default: '3' },
    sides: { type: 'string', default: SIDES.join(',') }
  }
})
const ROUNDS = Number(values.rounds)
const REQUEST_INTERVAL = 5
/** Milliseconds after which nothing of a load is left: the worker thread ends after one second. */
const REST = 2000
/** Handshakes of each of two servers in turn, and the longest time for them in milliseconds. */
const HANDSHAKES = 5
const HANDSHAKE_TIME = 4000
const LONGEST_WAIT = 180_000
const load = (): string => loadavg().map((load) => load.toFixed(1)).join(', ')

const root = await createAuthority({ name: 'CRL Root' })
const serverCertificate = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
const client = await root.issue({ name: 'client', usage: 'client' })
const revoked = await Promise.all(Array.from({ length: ROUNDS }, (_, index) => root.issue({ name: `revoked ${index}`, usage: 'client' })))
const contextOf = ({ chain, key }: { chain: string, key: string }): SecureContext => createSecureContext({ ca: root.certificate, cert: chain, key })
const admitted = contextOf(client)
const refused = revoked.map(contextOf)

/** CRLs of so many entries, one more for each round, in DER and in PEM. The caller owns their folder. */
async function makeFiles (count: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fe-crl-'))
  for (let round = 0; round <= 2 * ROUNDS; round++) {
    const crl = makeLargeCrl(root, { count, number: round + 1, include: revoked.slice(0, round).map(({ der }) => serialOf(der)) })
    await writeFile(join(folder, `${round}.der`), crl.der)
    await writeFile(join(folder, `${round}.pem`), crl.pem)
  }
  return folder
}

interface Running extends Contestant {
  readonly folder: string
  /** Writes the CRL of a round to `next`. */
  next (round: number): Promise<void>
}

async function run (side: Side, files: string): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'fe-crl-'))
  const lay = (round: number, name: string): Promise<void> => copyFile(join(files, `${round}.${side === 'ours' ? 'der' : 'pem'}`), join(folder, name))
  await Promise.all(Object.entries({ 'ca.pem': root.certificate, 'server.pem': serverCertificate.chain, 'server.key': serverCertificate.key, 'revoked.txt': 'crl\n' }).map(([file, content]) => writeFile(join(folder, file), content)))
  await lay(0, 'crl')
  const contestant = await start(side, folder)
  const limit = performance.now() + LONGEST_WAIT
  while (!await isServed(contestant, admitted)) {
    if (performance.now() > limit) throw new Error(`${side} does not serve`)
    await pause(20)
  }
  return { ...contestant, folder, next: (round) => lay(round, 'next'), stop: () => contestant.stop().then(() => rm(folder, { recursive: true, force: true })) }
}

/** Whether a full handshake and a request got a response. */
function isServed ({ address }: Contestant, secureContext: SecureContext): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, servername: 'localhost', secureContext })
    socket.on('secureConnect', () => { socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') })
    socket.once('data', (data) => {
      resolve(data.includes('HTTP/1.1 200'))
      socket.destroy()
    })
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
  })
}

/** Milliseconds from a change until a client is rejected; meanwhile the peak of the memory is measured. */
async function timeToForce (running: Running, context: SecureContext, note: () => void): Promise<number> {
  const started = performance.now()
  running.change()
  while (await isServed(running, context)) {
    note()
    if (performance.now() - started > LONGEST_WAIT) throw new Error('a revoked client is not refused')
    await pause(5)
  }
  const took = performance.now() - started
  note()
  return took
}

/** Milliseconds of processor time that a full handshake and a request take of each of two servers; the two take turns. */
async function handshakeTimes (one: Running, other: Running): Promise<[one: number, other: number]> {
  const times: number[][] = [[], []]
  const limit = performance.now() + HANDSHAKE_TIME
  for (let round = 0; round < 24 && (round < 2 || performance.now() < limit); round++) {
    for (const [index, server] of [one, other].entries()) {
      const before = server.processorTime()
      for (let count = 0; count < HANDSHAKES; count++) await isServed(server, admitted)
      times[index]?.push(server.processorTime() - before)
    }
  }
  const [first = [], second = []] = times
  return [median(first) / HANDSHAKES, median(second) / HANDSHAKES]
}

/** The busiest turn of the event loop while a CRL takes effect, with 200 requests a second. */
async function turnsOf (running: Running): Promise<TurnsReport> {
  const { address } = running
  const agent = new Agent({ keepAlive: true, maxSockets: 4, cert: client.chain, key: client.key, ca: root.certificate, servername: 'localhost' })
  const asking = setInterval(() => { get({ ...address, agent }, (response) => response.resume()).on('error', () => {}) }, REQUEST_INTERVAL)
  const reports: TurnsReport[] = []
  for (let round = 1; round <= ROUNDS; round++) {
    await running.next(ROUNDS + round)
    await pause(REST)
    reports.push(await running.tell<TurnsReport>('watch'))
  }
  clearInterval(asking)
  agent.destroy()
  return { busiest: median(reports.map(({ busiest }) => busiest)), longest: Math.max(...reports.map(({ longest }) => longest)) }
}

async function row (side: Side, count: number, files: string, single: string): Promise<string> {
  const base = await run(side, single)
  const running = await run(side, files)
  const hasTurns = side === 'ours' || side === 'node'
  try {
    const rest = async (of: Running): Promise<number> => hasTurns ? (await of.tell<MemoryReport>('memory')).resident : of.memory()
    const [handshake, handshakeOfOne] = await handshakeTimes(running, base)
    const times: number[] = []
    let peak = 0
    for (const [round, context] of refused.entries()) {
      await running.next(round + 1)
      await pause(REST + 4 * Math.min(times.at(-1) ?? 0, 2000))
      times.push(await timeToForce(running, context, () => { if (!hasTurns) peak = Math.max(peak, running.memory()) }))
      // The same for both, so that their heaps have the same history.
      await base.next(round + 1)
      await timeToForce(base, context, () => {})
    }
    if (hasTurns) peak = (await running.tell<MemoryReport>('memory')).peak
    await pause(REST)
    const resident = await rest(running)
    const empty = await rest(base)
    const turns = hasTurns ? await turnsOf(running) : undefined
    const cells = [median(times).toFixed(0), turns?.busiest.toFixed(1) ?? '', turns?.longest.toFixed(1) ?? '', handshake.toFixed(2), handshakeOfOne.toFixed(2), (handshake / handshakeOfOne).toFixed(2), ((resident - empty) / count).toFixed(0), ((peak - empty) / 1e6).toFixed(0)]
    return `| ${[count.toLocaleString('en'), NAMES[side], ...cells].join(' | ')} |`
  } finally {
    await Promise.all([base.stop(), running.stop()])
  }
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

/** Milliseconds in which `openssl crl` reads a CRL and verifies its signature. */
async function openssl (files: string): Promise<number> {
  const authority = join(files, 'ca.pem')
  await writeFile(authority, root.certificate)
  const start = performance.now()
  await promisify(execFile)('openssl', ['crl', '-inform', 'DER', '-in', join(files, '0.der'), '-noout', '-CAfile', authority])
  return performance.now() - start
}

/** Milliseconds in which pkijs reads a CRL, or why it cannot. */
function pkijs (count: number): string {
  const { der } = makeLargeCrl(root, { count })
  const start = performance.now()
  try {
    CertificateRevocationList.fromBER(der)
    return `${(performance.now() - start).toFixed(0)} ms`
  } catch {
    return 'cannot read it'
  }
}

const sides = values.sides.split(',') as Side[]
console.log([
  `Node.js ${process.version}, ${ROUNDS} rounds, load average ${load()} at the start`,
  '',
  '| entries | | in force after, ms | busiest turn, ms of the main thread | longest turn by the clock, ms | handshake and request, ms of processor time | with one entry | ratio | resident, bytes an entry | peak above one entry, MB |',
  '|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|'
].join('\n'))
const others: string[] = []
const single = await makeFiles(1)
try {
  for (const count of values.entries.split(',').map(Number)) {
    const files = await makeFiles(count)
    try {
      for (const side of sides) {
        console.error(`${count} entries, ${side} …`)
        console.log(await row(side, count, files, single).catch((thrown: Error) => `| ${count.toLocaleString('en')} | ${NAMES[side]} | ${thrown.message} | | | | | | | |`))
      }
      const { hit, miss } = lookups(count)
      others.push(`| ${[count.toLocaleString('en'), hit.toFixed(0), miss.toFixed(0), (await openssl(files)).toFixed(0), pkijs(count)].join(' | ')} |`)
    } finally {
      await rm(files, { recursive: true })
    }
  }
} finally {
  await rm(single, { recursive: true })
}
console.log([
  '',
  '| entries | hit, ns | miss, ns | `openssl crl`, ms | pkijs |',
  '|--:|--:|--:|--:|--:|',
  ...others,
  '',
  `Load average ${load()} at the end`
].join('\n'))
