/**
 * The cost of a handshake with thousands of certificates by server name, compared with one:
 *
 *     npm run bench:names -- [--names 10000] [--pairs 4] [--rounds 30] [--handshakes 100]
 *
 * Each name has its own P-256 key and certificate. Two servers, one with all names and one with a single name, take turns
 * with full handshakes with a client certificate, one after another. Each is for a random name of the server, or of its first
 * ones (`--drawn`). The table is printed on standard output, the progress on standard error. See bench/README.md.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { connect, type SecureContext } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createAuthority } from '../test/support/pki.js'
import type { Started } from './names-server.js'
import { answerOf, SERVER_CORE, takeOwnCore } from './server-process.js'
import { makeSite } from './site.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    names: { type: 'string', default: '10000' },
    drawn: { type: 'string', default: 'Infinity' },
    pairs: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '30' },
    handshakes: { type: 'string', default: '100' }
  }
})
const most = Number(values.names)
const rounds = Number(values.rounds)
const handshakes = Number(values.handshakes)

interface Server extends Started {
  readonly child: ChildProcess
  readonly count: number
  /** Milliseconds of each handshake: by the client's clock, and of the server's main thread. */
  readonly clock: number[]
  readonly running: number[]
}

const nameOf = (index: number): string => `host-${index}.example.test`

/** Folders with all of the names, and with the first alone. */
async function makeNames (folder: string): Promise<Map<number, string>> {
  const authority = await createAuthority({ name: 'Names' })
  const folders = new Map([1, most].map((count) => [count, join(folder, `names-${count}`)]))
  for (const path of folders.values()) await mkdir(path, { recursive: true })
  for (let index = 0; index < most; index++) {
    const name = nameOf(index)
    const { key, chain } = await authority.issue({ name, usage: 'server', dnsNames: [name] })
    for (const [count, path] of folders) if (index < count) await writeFile(join(path, `${name}.pem`), key + chain)
  }
  return folders
}

async function start (folder: string, count: number, names: string): Promise<Server> {
  const program = fileURLToPath(new URL('names-server.js', import.meta.url))
  const child = fork(program, [folder, names], pinned ? { execPath: 'taskset', execArgv: ['--cpu-list', SERVER_CORE, process.execPath, ...process.execArgv] } : {})
  return { ...await answerOf<Started>(child), child, count, clock: [], running: [] }
}

/** The processor time of a server's main thread in milliseconds, once it sleeps. */
function runningOf ({ child }: Server): number {
  let before = -1
  for (let tries = 0; tries < 1000; tries++) {
    const now = Number(readFileSync(`/proc/${child.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6
    const state = readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(') ')[1]?.[0]
    if (state === 'S' && now === before) return now
    before = now
  }
  return before
}

async function shakeHands (server: Server, context: SecureContext): Promise<void> {
  const before = runningOf(server)
  const begin = performance.now()
  const servername = nameOf(randomInt(Math.min(server.count, Number(values.drawn))))
  const socket = connect({ host: '127.0.0.1', port: server.port, servername, secureContext: context, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  server.clock.push(performance.now() - begin)
  if (socket.isSessionReused() || socket.getPeerX509Certificate()?.checkHost(servername) === undefined) throw new Error('not the handshake that was asked for')
  socket.destroy()
  await once(socket, 'close')
  server.running.push(runningOf(server) - before)
}

async function round (server: Server, context: SecureContext): Promise<void> {
  for (let i = 0; i < handshakes; i++) await shakeHands(server, context)
}

function percentile (times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? NaN
}

/** Both values, and if it is meaningful their ratio over all pairs, with the smallest and the largest of a pair. */
function rowOf (name: string, measure: (server: Server) => number, digits: number, compared = true): string {
  const [one, many] = [1, most].map((count) => servers.filter((server) => server.count === count).map(measure)) as [number[], number[]]
  const ratios = many.map((value, index) => value / (one[index] as number))
  const shown = (all: number[]): string => median(all).toFixed(digits)
  const ratio = compared ? `**${median(ratios).toFixed(3)}** (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})` : ''
  return `| ${name} | ${shown(one)} | ${shown(many)} | ${ratio} |`
}

const pinned = takeOwnCore()
const servers: Server[] = []
const site = await makeSite()
try {
  console.error(`${most} certificates …`)
  const folders = await makeNames(site.folder)
  const context = site.client('TLSv1.3', 'direct')
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    console.error(`pair ${pair + 1} of ${values.pairs} …`)
    const [one, many] = [await start(site.folder, 1, folders.get(1) as string), await start(site.folder, most, folders.get(most) as string)]
    try {
      // Not measured: this compiles and optimises the code.
      for (const server of [one, many]) {
        for (let i = 0; i < 4; i++) await round(server, context)
        server.clock.length = server.running.length = 0
      }
      for (let i = 0; i < rounds; i++) {
        for (const server of i % 2 === 0 ? [one, many] : [many, one]) await round(server, context)
      }
      servers.push(one, many)
    } finally {
      for (const { child } of [one, many]) child.kill()
    }
  }
  const name = (count: number): string => `${count.toLocaleString('en')} name${count === 1 ? '' : 's'}`
  console.log([
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${pinned ? 'a core for the servers and one for the client' : 'cores shared'}, load average ${loadavg()[0]?.toFixed(1)}, ` +
    `${values.pairs} pairs of processes, ${rounds} rounds of ${handshakes} handshakes each`,
    '',
    `| | ${name(1)} | ${name(most)} | ratio |`,
    '|---|--:|--:|--:|',
    ...([['p99', 0.99], ['p95', 0.95], ['median', 0.5]] as const).flatMap(([label, share]) => [
      rowOf(`${label} of a handshake, ms of the server's main thread`, ({ running }) => percentile(running, share), 3),
      rowOf(`${label} of a handshake, ms by the clock of the client`, ({ clock }) => percentile(clock, share), 3)
    ]),
    rowOf('mean of a handshake, ms of the server\'s main thread', ({ running }) => running.reduce((sum, time) => sum + time, 0) / running.length, 3),
    rowOf('start, s by the clock', ({ took }) => took / 1000, 2, false),
    rowOf('start, s of processor time', ({ cpu }) => cpu / 1000, 2, false),
    rowOf('resident memory after the start, MB', ({ resident }) => resident / 1e6, 0, false)
  ].join('\n'))
} finally {
  await site.remove()
}
