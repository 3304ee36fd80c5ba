/** A cluster of three primaries, each with a replica: Debian's redis-server on free ports of loopback. */
import type { Test } from 'tap'
import { freePort } from './loopback.js'
import { type RunningRedis, startRedis } from './redis.js'
import { untilReplica } from './redis-sentinels.js'
import { until } from './until.js'

export interface RunningCluster {
  readonly primaries: readonly ClusterServer[]
  /** In the order of their primaries. */
  readonly replicas: readonly ClusterServer[]
  readonly all: readonly ClusterServer[]
  /** As in a line of a list; the set is called `{revoked}`. */
  readonly address: string
  /** The slot of the set. */
  readonly slot: number
  /** The server that has the slot by its own word, among those that are running. */
  owner (): Promise<ClusterServer>
  untilOk (servers?: readonly ClusterServer[]): Promise<void>
}

export interface ClusterServer extends RunningRedis {
  readonly id: string
}

const PRIMARIES = 3
const SLOTS = 16_384

/** Starts it, tuned so that a failover takes about two seconds. It ends with the test. */
export async function startCluster (t: Test): Promise<RunningCluster> {
  const all = await Promise.all(Array.from({ length: 2 * PRIMARIES }, async (_, index): Promise<ClusterServer & { bus: number }> => {
    const bus = await freePort()
    const redis = await startRedis(t, [
      '--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-port', `${bus}`, '--cluster-replica-validity-factor', '0',
      '--repl-diskless-sync-delay', '0', '--enable-debug-command', 'yes'
    ])
    await redis.client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
    return { ...redis, bus, id: await redis.client.call('CLUSTER', 'MYID') as string }
  }))
  const primaries = all.slice(0, PRIMARIES)
  const replicas = all.slice(PRIMARIES)
  await Promise.all(primaries.map(async ({ client }, index) => {
    const [first, next] = [index, index + 1].map((part) => Math.floor(SLOTS * part / PRIMARIES)) as [number, number]
    await client.call('CLUSTER', 'ADDSLOTSRANGE', first, next - 1)
  }))
  const { client } = primaries[0] as ClusterServer
  for (const { port, bus } of all.slice(1)) await client.call('CLUSTER', 'MEET', '127.0.0.1', port, bus)
  for (const server of all) {
    await until('each server of the cluster knows the others', async () => {
      const nodes = (await server.client.call('CLUSTER', 'NODES') as string).trim().split('\n')
      return nodes.length === all.length && !nodes.some((node) => /handshake|noaddr/.test(node))
    })
  }
  await Promise.all(replicas.map(({ client }, index) => client.call('CLUSTER', 'REPLICATE', (primaries[index] as ClusterServer).id)))
  const untilOk = async (servers: readonly ClusterServer[] = all): Promise<void> => {
    for (const { client } of servers) await until('the cluster is in order', async () => /cluster_state:ok/.test(await client.call('CLUSTER', 'INFO') as string))
  }
  await untilOk()
  for (const [index, { client }] of replicas.entries()) await untilReplica(client, (primaries[index] as ClusterServer).client)
  const slot = await client.call('CLUSTER', 'KEYSLOT', '{revoked}') as number
  return {
    primaries,
    replicas,
    all,
    address: `redis-cluster://${primaries.map(({ port }) => `127.0.0.1:${port}`).join(',')}/?key={revoked}`,
    slot,
    untilOk,
    owner: () => until('a server has the slot', async () => {
      for (const server of all) {
        const nodes = await server.client.call('CLUSTER', 'NODES').catch(() => '') as string
        const own = nodes.split('\n').find((node) => node.includes('myself')) ?? ''
        if (!own.includes('master')) continue
        const has = own.split(' ').slice(8).some((range) => {
          const [from, to = from] = range.split('-').map(Number)
          return from !== undefined && to !== undefined && from <= slot && slot <= to
        })
        if (has) return server
      }
      return undefined
    })
  }
}
