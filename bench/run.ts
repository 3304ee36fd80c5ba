/**
 * What an endpoint costs: our server and Fastify's own, in the same run.
 *
 *     npm run bench -- [--rounds 14] [--seconds 0.7] [--connections 64] [--pairs 2] [--warm-up 10] [--only handshakes]
 *
 * The table is printed on standard output, the progress on standard error. See bench/README.md.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { compare, type Comparison, type Effort } from './comparison.js'
import { takeOwnCore } from './server-process.js'
import { makeSite, type Site } from './site.js'
import { HEAD, rowOf } from './table.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '14' },
    seconds: { type: 'string', default: '0.7' },
    connections: { type: 'string', default: '64' },
    pairs: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '10' },
    only: { type: 'string', default: '' }
  }
})

function comparisonsOf (site: Site): Comparison[] {
  const all: Comparison[] = [
    { name: 'requests, mutual TLS 1.3', type: 'tls', context: site.client('TLSv1.3', 'direct'), load: 'requests' },
    { name: 'handshakes, mutual TLS 1.3', type: 'tls', context: site.client('TLSv1.3', 'direct'), load: 'connections' },
    { name: 'handshakes, mutual TLS 1.3, ours without the key log', type: 'tls', context: site.client('TLSv1.3', 'direct'), load: 'connections', variant: 'without-key-log' },
    { name: 'handshakes, mutual TLS 1.2', type: 'tls', context: site.client('TLSv1.2', 'direct'), load: 'connections' },
    { name: 'handshakes, mutual TLS 1.3, client below an intermediate', type: 'tls', context: site.client('TLSv1.3', 'below an intermediate'), load: 'connections' },
    { name: 'requests, TLS 1.3', type: 'ssl', context: site.client('TLSv1.3', 'anonymous'), load: 'requests' },
    { name: 'handshakes, TLS 1.3', type: 'ssl', context: site.client('TLSv1.3', 'anonymous'), load: 'connections' },
    { name: 'requests, HTTP/2, mutual TLS 1.3', type: 'h2', context: site.client('TLSv1.3', 'direct'), load: 'requests' },
    { name: 'sessions, HTTP/2, mutual TLS 1.3', type: 'h2', context: site.client('TLSv1.3', 'direct'), load: 'connections' },
    { name: 'requests, TCP', type: 'tcp', context: undefined, load: 'requests' },
    { name: 'connections, TCP', type: 'tcp', context: undefined, load: 'connections' },
    { name: 'connections, TCP, ours with a PROXY header', type: 'haproxy', context: undefined, load: 'connections', isTogether: true },
    { name: 'connections, TCP, ours with a PROXY header in a packet of its own', type: 'haproxy', context: undefined, load: 'connections' }
  ]
  return all.filter(({ name }) => name.includes(values.only))
}

const effort: Effort = {
  rounds: Number(values.rounds),
  warmUp: Number(values['warm-up']) * 1000,
  milliseconds: Number(values.seconds) * 1000,
  connections: Number(values.connections),
  pairs: Number(values.pairs),
  pinned: takeOwnCore()
}
const site = await makeSite()
try {
  const rows: string[] = []
  for (const comparison of comparisonsOf(site)) {
    console.error(`${comparison.name} …`)
    rows.push(rowOf(comparison.name, await compare(comparison, site.folder, effort)))
  }
  console.log([
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, ${effort.pinned ? 'a core for the servers and one for the load' : 'cores shared'}, ` +
    `${effort.rounds} rounds of ${values.seconds} s in ${effort.pairs} pairs of processes, each after ${values['warm-up']} s that do not count, ${effort.connections} connections`,
    '',
    HEAD,
    ...rows
  ].join('\n'))
} finally {
  await site.remove()
}
