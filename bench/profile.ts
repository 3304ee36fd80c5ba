/**
 * Where the processor time of both servers goes:
 *
 *     npm run bench:profile -- [--type tls] [--load connections] [--client direct] [--tls 1.3] [--rounds 8] [--seconds 1]
 *
 * Both run and take turns, as in run.ts. The table has the functions with the largest difference: their own time, in microseconds of a
 * connection or request. Its column `ours` and the line of all are V8's samples, scaled to the processor time of the process.
 */
import type { Profiler } from 'node:inspector'
import { parseArgs } from 'node:util'
import { clientsOf, PROXY_HEADER, type Comparison } from './comparison.js'
import type { Load, Target } from './load.js'
import { ServerProcess, takeOwnCore, type EndpointType, type Side } from './server-process.js'
import { makeSite, type Client } from './site.js'

const { values } = parseArgs({
  options: {
    type: { type: 'string', default: 'tls' },
    load: { type: 'string', default: 'connections' },
    client: { type: 'string', default: 'direct' },
    tls: { type: 'string', default: '1.3' },
    rounds: { type: 'string', default: '8' },
    seconds: { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '5' },
    shown: { type: 'string', default: '40' }
  }
})

/** Waiting, and the start of the profiler. */
const NOT_ITS_WORK = /^(\(idle\)|dispatch |post node:inspector)/

interface Profiled {
  /** Microseconds of processor time of one connection or request. */
  readonly each: number
  /** The share of each function, by name and file. */
  readonly shares: ReadonlyMap<string, number>
}

function sharesOf ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => [id, `${functionName === '' ? '(anonymous)' : functionName} ${shortened(url)}`]))
  const times = new Map<string, number>()
  let total = 0
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? ''
    if (NOT_ITS_WORK.test(name)) continue
    const time = Math.max(timeDeltas[index] ?? 0, 0)
    times.set(name, (times.get(name) ?? 0) + time)
    total += time
  }
  return new Map([...times].map(([name, time]) => [name, time / total]))
}

function shortened (url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/dist\//, '')
}

const type = values.type as EndpointType
const pinned = takeOwnCore()
const site = await makeSite()
const servers: ServerProcess[] = []
const profiled = new Map<Side, Profiled>()
try {
  const isSecure = type !== 'tcp' && type !== 'haproxy'
  const context = isSecure ? site.client(`TLSv${values.tls}` as 'TLSv1.3', type === 'ssl' ? 'anonymous' : values.client as Client) : undefined
  const runs: Array<{ server: ServerProcess, load: Load, cpu: number, count: number }> = []
  for (const side of ['ours', 'bare'] as const) {
    const server = await ServerProcess.start(side, type, site.folder, pinned)
    servers.push(server)
    const target: Target = { port: server.port, context, ...(type === 'haproxy' && side === 'ours' ? { header: PROXY_HEADER } : {}) }
    const load = await clientsOf(type, values.load as Comparison['load'], target, 64)
    await load.run(Number(values['warm-up']) * 1000)
    runs.push({ server, load, cpu: 0, count: 0 })
  }
  for (const { server } of runs) await server.profile()
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const run of round % 2 === 0 ? runs : runs.toReversed()) {
      const before = await run.server.cpu()
      run.count += await run.load.run(Number(values.seconds) * 1000)
      run.cpu += await run.server.cpu() - before
    }
  }
  for (const { server, load, cpu, count } of runs) {
    const profile = await server.profile()
    if (profile !== undefined) profiled.set(server.side, { each: cpu / count, shares: sharesOf(profile) })
    load.close()
  }
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await site.remove()
}

const [ours, bare] = [profiled.get('ours'), profiled.get('bare')] as [Profiled, Profiled]
const rows = [...new Set([...ours.shares.keys(), ...bare.shares.keys()])].map((name) => {
  const own = (ours.shares.get(name) ?? 0) * ours.each
  return { name, own, difference: own - (bare.shares.get(name) ?? 0) * bare.each }
})
rows.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference))
console.log(`Node.js ${process.version}, ${type}, ${values.load}: ours ${ours.each.toFixed(1)} µs, bare ${bare.each.toFixed(1)} µs, ratio ${(bare.each / ours.each).toFixed(3)}

| difference, µs | ours, µs | function |
|--:|--:|---|
${rows.slice(0, Number(values.shown)).map(({ name, own, difference }) => `| ${difference.toFixed(2)} | ${own.toFixed(2)} | ${name} |`).join('\n')}`)
