/**
 * How long a revocation takes in a fleet. Each node is a process with an app behind mutual TLS whose list names the same set
 * in Redis, and has an open connection of the client that is revoked.
 *
 *     npm run bench:fleet -- [--nodes 20] [--revocations 60] [--entries 0] [--rate 20] [--bulk 0]
 *
 * Everything runs on this machine. Meanwhile each node answers `--rate` requests a second of another client; the set has
 * `--entries` at the start. The table on standard output has milliseconds from the call that writes to Redis, which connects
 * first, until the client sees that the last node has closed its connection, and the same from the start of the command
 * `fastify-endpoint revoke`. Then come processor time and memory of the nodes, and how long `--bulk` entries take that are
 * added at once, with the latency of requests before and meanwhile.
 */
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { identifyCertificate } from '../lib/x509/identity.js'
import { acceptInRedis, addToRedis } from '../lib/revocation/sources/redis/writer.js'
import { createAuthority, type Issued } from '../test/support/pki.js'
import { startRedis } from './redis-process.js'
import type { NodeReport } from './fleet-node.js'
import { answerOf } from './server-process.js'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '20' },
    revocations: { type: 'string', default: '60' },
    commands: { type: 'string', default: '10' },
    entries: { type: 'string', default: '0' },
    rate: { type: 'string', default: '20' },
    bulk: { type: 'string', default: '0' }
  }
})
const NODES = Number(values.nodes)
const REVOCATIONS = Number(values.revocations)
const COMMANDS = Number(values.commands)
const ENTRIES = Number(values.entries)
const RATE = Number(values.rate)
const BULK = Number(values.bulk)
/** Milliseconds from one revocation to the next. */
const PAUSE = 200
/** Milliseconds for which the nodes only answer requests. */
const REST = 2000
/** Milliseconds from one look at the nodes to the next. */
const POLL = 200
/** Milliseconds after which a revocation is over for all nodes. */
const SETTLED = 500
const PROGRAM = fileURLToPath(new URL('../bundle/fastify-endpoint.js', import.meta.url))

const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-fleet-'))
const children: ChildProcess[] = []
const nodes: ChildProcess[] = []
try {
  await measure()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
}

async function measure (): Promise<void> {
  const address = `redis://127.0.0.1:${await startRedis(folder, children)}/0?key=revoked`
  const root = await createAuthority({ name: 'Fleet Root' })
  const server = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  const alice = await root.issue({ name: 'alice', usage: 'client' })
  const doomed = await Promise.all(Array.from({ length: REVOCATIONS + COMMANDS }, (_, index) => root.issue({ name: `client ${index}`, usage: 'client' })))
  await Promise.all(Object.entries({ 'ca.pem': root.certificate, 'server.pem': server.chain, 'server.key': server.key, 'revoked.txt': `${address}\n` })
    .map(([file, content]) => writeFile(join(folder, file), content)))
  await acceptInRedis({ address })
  if (ENTRIES > 0) await write(await startWriter(address, ENTRIES, ''))
  const ports: number[] = []
  // Two at a time: there are two cores.
  for (let start = 0; start < NODES; start += 2) ports.push(...await Promise.all(Array.from({ length: Math.min(2, NODES - start) }, startNode)))
  const open = async (port: number, { chain, key }: Issued): Promise<TLSSocket> => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: root.certificate, cert: chain, key })
    await once(socket, 'secureConnect')
    return socket
  }
  const ending = new AbortController()
  let answered = 0
  let latencies: number[] = []
  const load = Promise.all(ports.map(async (port) => {
    const socket = await open(port, alice)
    while (!ending.signal.aborted) {
      const asked = performance.now()
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
      await once(socket, 'data')
      latencies.push(performance.now() - asked)
      answered++
      await pause(1000 / RATE)
    }
    socket.destroy()
  }))
  const started = await reports()
  await pause(REST)
  const began = performance.now()
  const answeredBefore = answered
  const work: number[] = []
  const revoke = async (client: Issued, act: () => Promise<unknown>): Promise<{ all: number, first: number }> => {
    const cut: number[] = []
    const ends: Array<Promise<unknown>> = []
    for (const port of ports) {
      const socket = await open(port, client)
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
      await once(socket, 'data')
      ends.push(new Promise<void>((resolve) => {
        socket.on('error', () => {}).once('close', () => {
          cut.push(performance.now())
          resolve()
        })
      }))
    }
    // What the other client's requests take, right before.
    const rest = await usedDuring(() => pause(SETTLED))
    const start = performance.now()
    const change = await usedDuring(async () => {
      await Promise.all([act(), ...ends])
      await pause(SETTLED - (performance.now() - start))
    })
    work.push(median(extra(change, rest)))
    return { all: Math.max(...cut) - start, first: Math.min(...cut) - start }
  }
  /** Milliseconds until all nodes have many entries that are added at once, and the p99 of the latency before and meanwhile. */
  const addAtOnce = async (): Promise<{ took: number, written: number, before: number, meanwhile: number, cpu: number[], longestTurn: number }> => {
    latencies = []
    const rest = await usedDuring(() => pause(5 * REST))
    const before = quantile(latencies, 0.99, 1)
    const reported = await reports()
    const known = reported[0]?.entries ?? 0
    const writer = await startWriter(address, BULK, 'bulk')
    latencies = []
    const start = performance.now()
    const adding = write(writer).then(() => performance.now() - start)
    let longestTurn = 0
    for (;;) {
      await pause(POLL)
      const now = await reports()
      longestTurn = Math.max(longestTurn, ...now.map((one) => one.longestTurn))
      if (now.some(({ entries }) => entries < known + BULK)) continue
      const took = performance.now() - start
      const cpu = extra({ took, cpu: spent(reported, now) }, rest)
      return { took, written: await adding, before, meanwhile: quantile(latencies, 0.99, 1), cpu, longestTurn }
    }
  }
  const called: Array<{ all: number, first: number }> = []
  const commanded: Array<{ all: number, first: number }> = []
  for (const [index, client] of doomed.entries()) {
    if (index < REVOCATIONS) {
      called.push(await revoke(client, () => addToRedis({ address }, [`tbs:${identifyCertificate(client.der).tbs}`])))
    } else {
      const file = join(folder, 'client.pem')
      await writeFile(file, client.certificate)
      commanded.push(await revoke(client, () => promisify(execFile)(process.execPath, [PROGRAM, 'revoke', file, '--to', address])))
    }
    await pause(PAUSE)
  }
  const rate = (answered - answeredBefore) / (performance.now() - began) * 1000
  const after = await reports()
  const bulk = BULK > 0 ? await addAtOnce() : undefined
  const rested = await reports(true)
  ending.abort()
  await load
  console.log(`Node ${process.version}, ${cpus()[0]?.model}, load average ${loadavg().map((load) => load.toFixed(1)).join(', ')}; ${NODES} nodes, ${ENTRIES} entries before, ${Math.round(rate)} requests a second in all\n`)
  console.log('| from | revocations | p50 | p99 | longest | p50 of the first node |\n|---|--:|--:|--:|--:|--:|')
  for (const [what, times] of [['the call that writes', called], ['the command', commanded]] as const) {
    const all = times.map(({ all }) => all)
    const first = times.map(({ first }) => first)
    console.log(`| ${what} | ${all.length} | ${quantile(all, 0.5)} ms | ${quantile(all, 0.99)} ms | ${quantile(all, 1)} ms | ${quantile(first, 0.5)} ms |`)
  }
  const range = (numbers: readonly number[], digits = 0): string => `${quantile(numbers, 0, digits)} to ${quantile(numbers, 1, digits)}`
  console.log(`
| of a node | |
|---|--:|
| processor time until it listens | ${range(started.map(({ cpu }) => cpu))} ms |
| longest turn until then | ${range(started.map(({ longestTurn }) => longestTurn))} ms |
| processor time for one change, with one connection to close (median of the nodes; mean and range of the changes) | ${(sum(work) / work.length).toFixed(2)} ms, ${range(work, 2)} |
| longest turn during the changes | ${range(after.map(({ longestTurn }) => longestTurn))} ms |
| memory, resident | ${range(rested.map(({ memory }) => memory / 2 ** 20))} MiB |`)
  if (bulk !== undefined) {
    console.log(`| ${BULK} entries added at once are written after, and in force in all nodes after | ${Math.round(bulk.written)} ms, ${Math.round(bulk.took)} ms |
| processor time of a node meanwhile, without requests | ${range(bulk.cpu)} ms |
| longest turn of a node meanwhile | ${Math.round(bulk.longestTurn)} ms |
| p99 of the latency of requests before, and meanwhile | ${bulk.before} ms, ${bulk.meanwhile} ms |`)
  }
}

function quantile (times: readonly number[], part: number, digits = 0): number {
  const sorted = times.toSorted((a, b) => a - b)
  return Number((sorted[Math.max(Math.min(sorted.length, Math.ceil(part * sorted.length)), 1) - 1] ?? NaN).toFixed(digits))
}

function median (numbers: readonly number[]): number {
  return quantile(numbers, 0.5, 3)
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0)
}

/** Milliseconds that something takes, and the processor time of each node meanwhile. */
interface Used { readonly took: number, readonly cpu: readonly number[] }

async function usedDuring (act: () => Promise<unknown>): Promise<Used> {
  const before = await reports()
  const start = performance.now()
  await act()
  const took = performance.now() - start
  return { took, cpu: spent(before, await reports()) }
}

function spent (before: readonly NodeReport[], after: readonly NodeReport[]): number[] {
  return after.map(({ cpu }, index) => cpu - (before[index]?.cpu ?? 0))
}

/** Processor time of each node beyond what it uses in an equal time at rest. */
function extra (busy: Used, rest: Used): number[] {
  return busy.cpu.map((cpu, index) => cpu - (rest.cpu[index] ?? 0) * busy.took / rest.took)
}

/** A writer in a process of its own, as in a real fleet: it must not hold up the clients. */
async function startWriter (address: string, count: number, name: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('fleet-writer.js', import.meta.url)), [address, `${count}`, name])
  children.push(child)
  await answerOf(child)
  return child
}

async function write (writer: ChildProcess): Promise<void> {
  const done = answerOf(writer)
  writer.send('write')
  await done
}

/** @param isRested whether they collect garbage first */
async function reports (isRested = false): Promise<NodeReport[]> {
  return await Promise.all(nodes.map(async (node) => {
    const answer = once(node, 'message')
    node.send(isRested)
    return (await answer)[0] as NodeReport
  }))
}

async function startNode (): Promise<number> {
  const child = fork(fileURLToPath(new URL('fleet-node.js', import.meta.url)), [folder], { execArgv: ['--expose-gc'] })
  children.push(child)
  nodes.push(child)
  return (await answerOf<{ port: number }>(child)).port
}
