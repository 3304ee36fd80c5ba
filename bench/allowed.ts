/**
 * What an allowed list costs, and how long a change of a long one takes:
 *
 *     npm run bench:allowed -- [--rules 10000] [--pairs 2] [--rounds 40] [--swaps 10] [--swapped 100000]
 *
 * The tables are printed on standard output, the progress on standard error. See bench/README.md.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type SecureContext } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { manyRules } from '../test/support/many-rules.js'
import type { Answer } from './allowed-server.js'
import { KeptAlive } from './load.js'
import { answerOf, SERVER_CORE, takeOwnCore } from './server-process.js'
import { makeSite } from './site.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    rules: { type: 'string', default: '10000' },
    pairs: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '30' },
    swaps: { type: 'string', default: '10' },
    swapped: { type: 'string', default: '100000' }
  }
})

/** In a round: handshakes one after the other, and requests on some connections for some time. */
const HANDSHAKES = 50
const CONNECTIONS = 16
const MILLISECONDS = 150
const ALL_CORES = `0-${cpus().length - 1}`

const pinned = takeOwnCore()
const site = await makeSite()
const clientOf = (name: string): Promise<SecureContext> =>
  site.issue('TLSv1.3', { name, usage: 'client', uris: [`spiffe://example.org/ns/shop/sa/${name}`], dnsNames: [`${name}.example.org`] })
const [alice, bob] = await Promise.all(['alice', 'bob'].map(clientOf)) as [SecureContext, SecureContext]

async function allow (count: number, name: string): Promise<number> {
  const file = join(site.folder, 'allowed.txt')
  await writeFile(`${file}.new`, `${manyRules(count)}uri:spiffe://example.org/ns/shop/sa/${name} role=writer\n`)
  // Nobody writes and renames a long file in one tick of the clock.
  await pause(50)
  await rename(`${file}.new`, file)
  return performance.now()
}

/** @param cores of the server: while its event loop is watched, the threads that read files need another one */
async function start (cores: string): Promise<{ child: ChildProcess, ports: readonly number[] }> {
  const program = fileURLToPath(new URL('allowed-server.js', import.meta.url))
  const child = fork(program, [site.folder], pinned ? { execPath: 'taskset', execArgv: ['--cpu-list', cores, process.execPath, ...process.execArgv] } : {})
  const { ports = [] } = await answerOf<Answer>(child)
  return { child, ports }
}

async function ask (child: ChildProcess, question: string): Promise<Answer> {
  const answer = answerOf<Answer>(child)
  child.send(question)
  return await answer
}

/** Makes a handshake and a request. Rejects if the client is refused. */
async function visit (port: number, secureContext: SecureContext): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext })
  try {
    await once(socket, 'secureConnect')
    if (socket.isSessionReused()) throw new Error('the handshake was not a full one')
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [answer] = await once(socket, 'data') as [Buffer]
    if (!answer.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error('the request was refused')
  } finally {
    socket.destroy()
  }
}

/** The processor time for one of each of two kinds of work, which take turns, in microseconds. `work` says how many it was. */
async function compare (child: ChildProcess, works: ReadonlyArray<() => Promise<number>>): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  for (const work of works) await work()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const at of (round % 2 === 0 ? [0, 1] : [1, 0]) as Array<0 | 1>) {
      const { cpu: before = NaN } = await ask(child, 'cpu')
      const count = await works[at]?.() ?? NaN
      const { cpu: after = NaN } = await ask(child, 'cpu')
      times[at].push((after - before) / count)
    }
  }
  return times
}

function rowOf (name: string, [without, with_]: [number[], number[]]): string {
  const ratios = with_.map((time, round) => time / (without[round] as number)).toSorted((a, b) => a - b)
  const quartile = (part: number): string => (ratios[Math.floor(ratios.length * part)] ?? NaN).toFixed(3)
  return `| ${name} | ${median(without).toFixed(1)} | ${median(with_).toFixed(1)} | **${median(ratios).toFixed(3)}** (${quartile(0.25)} to ${quartile(0.75)}) |`
}

async function measureCosts (): Promise<void> {
  await allow(Number(values.rules), 'alice')
  const handshakes: [number[], number[]] = [[], []]
  const requests: [number[], number[]] = [[], []]
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    console.error(`costs, process ${pair + 1} of ${values.pairs} …`)
    const { child, ports } = await start(SERVER_CORE)
    const [plain, listed] = ports as [number, number]
    const shake = (port: number) => async (): Promise<number> => {
      for (let done = 0; done < HANDSHAKES; done++) await visit(port, alice)
      return HANDSHAKES
    }
    const [a, b] = await compare(child, [shake(plain), shake(listed)])
    const loads = await Promise.all(['/free', '/held'].map((path) => KeptAlive.open({ port: listed, context: alice, path }, CONNECTIONS)))
    const [c, d] = await compare(child, loads.map((load) => () => load.run(MILLISECONDS)))
    for (const load of loads) load.close()
    for (const [all, some] of [[handshakes[0], a], [handshakes[1], b], [requests[0], c], [requests[1], d]] as const) all.push(...some)
    child.disconnect()
  }
  console.log([
    '| µs of the server\'s processor | without | with | ratio (half of the rounds) |',
    '|---|--:|--:|--:|',
    rowOf(`handshake, with ${Number(values.rules).toLocaleString('en')} rules`, handshakes),
    rowOf('request, of a route with `allow`', requests),
    ''
  ].join('\n'))
}

async function measureSwaps (): Promise<void> {
  await allow(10, 'alice')
  const { child, ports: [, port = 0] } = await start(ALL_CORES)
  const times: Array<Record<'admitted' | 'refused' | 'longest' | 'longestRun' | 'collecting', number>> = []
  const isServed = (client: SecureContext): Promise<boolean> => visit(port, client).then(() => true, () => false)
  const people = [['bob', bob, alice], ['alice', alice, bob]] as const
  for (let swap = 0; swap < Number(values.swaps); swap++) {
    console.error(`swap ${swap + 1} of ${values.swaps} …`)
    const [name, comes, goes] = people[swap % 2] as (typeof people)[number]
    // Loads in a series are paused in between.
    await pause(1000)
    await ask(child, 'watch')
    const renamed = await allow(Number(values.swapped), name)
    // Not at once: the handshakes of the client would be the load.
    while (!await isServed(comes)) await pause(10)
    const admitted = performance.now() - renamed
    while (await isServed(goes)) await pause(10)
    const refused = performance.now() - renamed
    const { turns = [] } = await ask(child, 'turns')
    const most = (key: 'duration' | 'running' | 'collecting'): number => Math.max(...turns.map((turn) => turn[key]))
    times.push({ admitted, refused, longest: most('duration'), longestRun: most('running'), collecting: most('collecting') })
  }
  child.disconnect()
  const row = (title: string, key: keyof (typeof times)[number]): string => {
    const all = times.map((time) => time[key])
    return `| ${title} | ${median(all).toFixed(1)} | ${Math.min(...all).toFixed(1)} | ${Math.max(...all).toFixed(1)} |`
  }
  console.log([
    `| ms, for ${Number(values.swapped).toLocaleString('en')} new rules | median | least | most |`,
    '|---|--:|--:|--:|',
    row('from the rename to the first handshake of a client that was added', 'admitted'),
    row('to the first refused one of a client that was removed', 'refused'),
    row('the longest turn of the event loop by the clock', 'longest'),
    row('by the processor', 'longestRun'),
    row('the most garbage collection in one turn', 'collecting')
  ].join('\n'))
}

try {
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${pinned ? 'a core for the server and one for the load' : 'cores shared'}, load average ${loadavg()[0]?.toFixed(1)}\n`)
  if (Number(values.pairs) > 0) await measureCosts()
  if (Number(values.swaps) > 0) await measureSwaps()
} finally {
  await site.remove()
}
