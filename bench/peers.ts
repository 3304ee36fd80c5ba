/**
 * The table that a user asks for: ours, bare Fastify, Node's option `crl`, nginx and HAProxy, all in one run, with small and
 * large CRLs.
 *
 *     npm run bench:peers -- [--rounds 5] [--entries 1,100000,1000000] [--node PATH|VERSION]… [--servers ours,bare,crl,nginx,haproxy]
 *                            [--seconds 0.4] [--connections 16] [--warm-up 3] [--starts 3] [--tls TLSv1.3] [--quick] [--save]
 *     npm run bench:peers -- --chart
 *
 * Without --node it takes the Node.js that runs it, and the newest 24 from npm. --quick is a first look within a minute. --save
 * keeps the results in bench/peers/results.json, and --chart makes docs/comparison.svg and the tables of the documents from
 * them. The tables go to standard output, the progress to standard error. A missing program is named and left out.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { SecureVersion } from 'node:tls'
import { parseArgs } from 'node:util'
import { Clients, negotiate, type Target } from './peers/clients.js'
import { findNode, Running, versionOfProxy, type Contestant, type NodeProgram } from './peers/contestants.js'
import { chartOf } from './peers/chart.js'
import { LOADS, percentile, SERVERS, type LoadName, type Measured, type Results, type Round, type ServerName } from './peers/results.js'
import { makePeerSite, type PeerSite } from './peers/site.js'
import { longTablesOf, shortTableOf } from './peers/tables.js'
import { processorTimeSince, threadsOf } from './processes.js'
import { takeOwnCore } from './server-process.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    entries: { type: 'string' },
    node: { type: 'string', multiple: true },
    servers: { type: 'string', default: SERVERS.join(',') },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '16' },
    'warm-up': { type: 'string' },
    starts: { type: 'string' },
    tls: { type: 'string', default: 'TLSv1.3' },
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    chart: { type: 'boolean', default: false }
  }
})
const DEFAULTS = values.quick
  ? { rounds: 1, entries: '1,10000', seconds: 0.1, 'warm-up': 0.2, starts: 1 }
  : { rounds: 5, entries: '1,100000,1000000', seconds: 0.4, 'warm-up': 3, starts: 3 }
const given = (name: 'rounds' | 'seconds' | 'warm-up' | 'starts'): number => Number(values[name] ?? DEFAULTS[name])
const ROUNDS = given('rounds')
const MILLISECONDS = given('seconds') * 1000
const WARM_UP = given('warm-up') * 1000
const STARTS = given('starts')
const CONNECTIONS = Number(values.connections)
const SIZES = (values.entries ?? DEFAULTS.entries).split(',').map(Number)
/** What comes before that part of a turn, as a part of it, and does not count: a process that has waited for the others is slow at first. */
const BEGINNING = 0.25
/** What comes after it, with a single connection. */
const SINGLE = 0.6
/** Bytes by which responses may differ: heads are not quite the same. */
const TOLERANCE = 40

const fromRoot = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url))
const RESULTS = fromRoot('bench/peers/results.json')
const CHART = fromRoot('docs/comparison.svg')

function findNodes (): NodeProgram[] {
  const own = process.versions.node.split('.')[0]
  const wanted = values.node ?? [process.execPath, ...(values.quick || own === '24' ? [] : ['24'])]
  return wanted.flatMap((name) => {
    const found = findNode(name)
    if (found === undefined) console.error(`There is no Node.js ${name}: its rows are left out.`)
    return found ?? []
  })
}

/** All configurations, in the order of the tables. */
function contestantsOf (nodes: readonly NodeProgram[], proxies: ReadonlyMap<ServerName, string>): Contestant[] {
  const wanted = SERVERS.filter((server) => values.servers.split(',').includes(server))
  const onNode = nodes.flatMap((node) => wanted.filter((server) => server !== 'nginx' && server !== 'haproxy').map((server) => ({ server, node })))
  const others = wanted.filter((server) => proxies.has(server)).map((server) => ({ server, node: undefined }))
  return [...onNode, ...others].flatMap(({ server, node }) => {
    const sizes = server === 'bare' ? [0] : node === undefined ? [0, ...SIZES] : SIZES
    return sizes.map((entries) => ({ server, node, entries }))
  })
}

function describe ({ server, node, entries }: Contestant): string {
  return [server, ...(node === undefined ? [] : [`Node.js ${node.version}`]), `${entries} entries`].join(', ')
}

/** One contestant, its clients, and what was measured of it. */
interface Entrant {
  readonly running: Running
  readonly clients: Clients
  readonly starts: readonly Running['start'][]
  readonly rounds: Record<LoadName, Round[]>
}

async function enter (contestant: Contestant, site: PeerSite, context: Target['context'], pinned: boolean): Promise<Entrant> {
  const starts: Running['start'][] = []
  for (;;) {
    const running = await Running.start(contestant, site, context, pinned)
    starts.push(running.start)
    if (starts.length < STARTS) {
      await running.stop()
      continue
    }
    try {
      const clients = await Clients.make({ port: running.port, context }, CONNECTIONS)
      return { running, clients, starts, rounds: { full: [], resumed: [], request: [] } }
    } catch (error) {
      await running.stop()
      throw error
    }
  }
}

/** All servers must negotiate the same, and answer alike. */
async function agree (entrants: readonly Entrant[], context: Target['context']): Promise<string> {
  const seen = await Promise.all(entrants.map(({ running }) => negotiate({ port: running.port, context })))
  const lengths = seen.map(({ length }) => length)
  const terms = [...new Set(seen.map(({ terms }) => terms))]
  if (terms.length !== 1) throw new Error(`the servers differ in more than their speed:\n${terms.join('\n')}`)
  if (Math.max(...lengths) - Math.min(...lengths) > TOLERANCE) throw new Error(`the lengths of responses differ: ${lengths.join(', ')}`)
  return `${terms[0]}, responses of ${Math.min(...lengths)} to ${Math.max(...lengths)} bytes`
}

/** Milliseconds in which the main thread used its core, or waited for it. */
function ownTime (): number {
  try {
    const [running, waiting] = readFileSync('/proc/self/schedstat', 'utf8').split(' ').map(Number) as [number, number]
    return (running + waiting) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}

async function turn ({ running, clients }: Entrant, load: LoadName): Promise<Round> {
  await clients.run(load, MILLISECONDS * BEGINNING, CONNECTIONS)
  const before = threadsOf(running.pid)
  const own = ownTime()
  const start = performance.now()
  const { length: responses } = await clients.run(load, MILLISECONDS, CONNECTIONS)
  const milliseconds = performance.now() - start
  const busy = (ownTime() - own) / milliseconds
  const processor = processorTimeSince(running.pid, before)
  const alone = await clients.run(load, MILLISECONDS * SINGLE, 1)
  return {
    processor: precise(processor / responses * 1000),
    perSecond: precise(responses / milliseconds * 1000),
    clients: precise(Math.min(busy, 1)),
    p50: precise(percentile(alone, 0.5)),
    p99: precise(percentile(alone, 0.99)),
    samples: alone.length
  }
}

/** Four significant digits: more would only be noise in the file. */
function precise (value: number): number {
  return Number(value.toPrecision(4))
}

/**
 * All rounds of a load, and then those of the next: after another load, V8 compiles a part of its code again.
 * In a round all servers take turns, in another order each time.
 */
async function compete (entrants: readonly Entrant[]): Promise<void> {
  for (const load of LOADS) {
    console.error(`${load} …`)
    for (const { running, clients } of entrants) {
      if (load === 'resumed') await clients.renew()
      // nginx and HAProxy compile nothing, and handshakes need the most of V8.
      await clients.run(load, WARM_UP * (running.contestant.node === undefined ? 0.1 : load === 'full' ? 2 : 1), CONNECTIONS)
    }
    for (let round = 0; round < ROUNDS; round++) {
      const from = Math.floor(round * entrants.length / ROUNDS)
      const rotated = [...entrants.slice(from), ...entrants.slice(0, from)]
      for (const entrant of round % 2 === 0 ? rotated : rotated.toReversed()) entrant.rounds[load].push(await turn(entrant, load))
    }
  }
}

function measuredOf ({ running, starts, rounds }: Entrant): Measured {
  const { server, node, entries } = running.contestant
  const middle = (of: keyof Running['start']): number => precise(median(starts.map((start) => start[of])))
  return { server, node: node?.version ?? '', entries, start: { clock: middle('clock'), processor: middle('processor') }, memory: running.memory(), rounds }
}

async function measure (): Promise<Results> {
  const nodes = findNodes()
  const proxies = new Map<ServerName, string>()
  for (const [server, debian] of [['nginx', 'nginx-light'], ['haproxy', 'haproxy']] as const) {
    const version = versionOfProxy(server)
    if (version === undefined) console.error(`${server} is missing (Debian: ${debian}): its rows are left out.`)
    else proxies.set(server, version)
  }
  const pinned = takeOwnCore()
  if (!pinned) console.error('There are not two cores, or no taskset: servers and clients share what there is.')
  const site = await makePeerSite(SIZES)
  const entrants: Entrant[] = []
  try {
    const context = site.client(values.tls as SecureVersion)
    for (const contestant of contestantsOf(nodes, proxies)) {
      console.error(`${describe(contestant)} …`)
      entrants.push(await enter(contestant, site, context, pinned))
    }
    const agreed = await agree(entrants, context)
    const before = loadavg()[0] as number
    await compete(entrants)
    const about = [
      ...nodes.map(({ version, openssl }) => `Node.js ${version} (OpenSSL ${openssl})`),
      ...[...proxies].map(([server, version]) => `${server === 'nginx' ? 'nginx' : 'HAProxy'} ${version}`),
      cpus()[0]?.model ?? 'unknown processor',
      pinned ? 'a core for the server and one for the clients' : 'cores shared',
      agreed,
      `${ROUNDS} rounds of ${MILLISECONDS / 1000} s with ${CONNECTIONS} connections and ${MILLISECONDS * SINGLE / 1000} s with one`,
      `load average ${before.toFixed(1)} to ${(loadavg()[0] as number).toFixed(1)}`
    ].join('; ')
    return { about, measured: entrants.map(measuredOf) }
  } finally {
    for (const { clients, running } of entrants) {
      clients.close()
      await running.stop()
    }
    site.remove()
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const results = values.chart ? JSON.parse(readFileSync(RESULTS, 'utf8')) as Results : await measure()
if (values.save) writeFileSync(RESULTS, `${JSON.stringify(results)}\n`)
if (values.chart || values.save) writeFileSync(CHART, chartOf(results))
console.log([results.about, shortTableOf(results), longTablesOf(results)].join('\n\n'))
