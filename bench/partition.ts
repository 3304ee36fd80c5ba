/**
 * What happens to a revocation that is written while nodes are disconnected from Redis without a notice: connections stay
 * open, and nothing comes through.
 *
 *     npm run bench:partition -- [--nodes 4] [--seconds 60] [--rounds 3]
 *
 * Nodes notice within about ten seconds, so the disconnection must be longer.
 *
 * Each node is a process with an app behind mutual TLS, and has an open connection of the client that is revoked one second
 * after the disconnection. Another client sends requests to each node all the time. The table is printed on standard output.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { identifyCertificate } from '../lib/x509/identity.js'
import { acceptInRedis, addToRedis } from '../lib/revocation/sources/redis/writer.js'
import { Partition } from '../test/support/partition.js'
import { createAuthority } from '../test/support/pki.js'
import { startRedis } from './redis-process.js'
import { answerOf } from './server-process.js'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '4' }, seconds: { type: 'string', default: '60' }, rounds: { type: 'string', default: '3' } } })
const NODES = Number(values.nodes)
const SECONDS = Number(values.seconds)
const ROUNDS = Number(values.rounds)
/** Milliseconds between two requests to a node. */
const PAUSE = 50

const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-partition-'))
const children: ChildProcess[] = []
const endings: Array<() => unknown> = []
try {
  await measure()
} finally {
  for (const end of endings) end()
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
}

async function measure (): Promise<void> {
  const port = await startRedis(folder, children)
  const address = `redis://127.0.0.1:${port}/0?key=revoked`
  const way = await Partition.open({ teardown: (end) => { endings.push(end as () => unknown) } }, port)
  const root = await createAuthority({ name: 'Fleet Root' })
  const server = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  const alice = await root.issue({ name: 'alice', usage: 'client' })
  const files = { 'ca.pem': root.certificate, 'server.pem': server.chain, 'server.key': server.key, 'revoked.txt': `redis://127.0.0.1:${way.port}/0?key=revoked\n` }
  await Promise.all(Object.entries(files).map(([file, content]) => writeFile(join(folder, file), content)))
  await acceptInRedis({ address })
  const ports: number[] = []
  for (let count = 0; count < NODES; count++) ports.push(await startNode())
  const agent = new Agent({ keepAlive: true, ca: root.certificate, servername: 'localhost', cert: alice.chain, key: alice.key })
  const ask = async (port: number, path: string): Promise<string> => {
    const [response] = await once(request({ host: '127.0.0.1', port, path, agent }).end(), 'response')
    let body = ''
    for await (const part of response) body += part
    return response.statusCode === 200 ? body : `${response.statusCode}`
  }
  const counted = { served: 0, lost: 0 }
  const ending = new AbortController()
  const load = Promise.all(ports.map(async (port) => {
    for (; !ending.signal.aborted; await pause(PAUSE)) await ask(port, '/').then((body) => { counted[body === 'served' ? 'served' : 'lost']++ }, () => { counted.lost++ })
  }))
  /** Seconds until the health of all nodes has this status. */
  const allAre = async (status: string, since: number): Promise<number> => {
    await Promise.all(ports.map(async (port) => { while (await ask(port, '/health') !== status) await pause(PAUSE) }))
    return (performance.now() - since) / 1000
  }
  console.log('| round | all nodes degraded, after the disconnection | last node has closed the client, after the repair | all nodes ready, after the repair | requests served, lost |\n|--:|--:|--:|--:|--:|')
  for (let round = 1; round <= ROUNDS; round++) {
    const before = { ...counted }
    const doomed = await root.issue({ name: `client ${round}`, usage: 'client' })
    const ends = await Promise.all(ports.map(async (port) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: root.certificate, cert: doomed.chain, key: doomed.key })
      await once(socket, 'secureConnect')
      return { end: once(socket.on('error', () => {}).resume(), 'close'), socket }
    }))
    const cut = performance.now()
    way.cut()
    const degraded = allAre('degraded', cut)
    await pause(1000)
    await addToRedis({ address }, [`tbs:${identifyCertificate(doomed.der).tbs}`])
    await pause(cut + SECONDS * 1000 - performance.now())
    const early = ends.filter(({ socket }) => socket.destroyed).length
    if (early > 0) throw new Error(`${early} nodes cut a client of whom they cannot know`)
    const mended = performance.now()
    way.mend()
    const gone = Promise.all(ends.map(({ end }) => end)).then(() => (performance.now() - mended) / 1000)
    const ready = await allAre('ready', mended)
    console.log(`| ${round} | ${(await degraded).toFixed(1)} s | ${(await gone).toFixed(1)} s | ${ready.toFixed(1)} s | ${counted.served - before.served}, ${counted.lost - before.lost} |`)
  }
  ending.abort()
  await load
  agent.destroy()
  console.log(`\nNode ${process.version}, load average ${loadavg().map((load) => load.toFixed(1)).join(', ')}; ${NODES} nodes, cut off for ${SECONDS} s each time`)
}

async function startNode (): Promise<number> {
  const child = fork(fileURLToPath(new URL('fleet-node.js', import.meta.url)), [folder])
  children.push(child)
  return (await answerOf<{ port: number }>(child)).port
}
