/** Sentinels, with a primary and a replica: Debian's redis-server on free ports of loopback. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { Child } from './children.js'
import { freePort } from './loopback.js'
import { type RunningRedis, startRedis } from './redis.js'
import { makeShortFolder } from './unix-sockets.js'
import { until } from './until.js'

export interface Sentinel {
  readonly port: number
  readonly child: Child
  readonly client: Redis
  /** A sentinel that only stood still would do nothing for half a minute afterwards (TILT). */
  kill (): Promise<void>
  /** Starts it again, with what it knew. */
  restart (): Promise<Sentinel>
}

export interface Guarded {
  readonly primary: RunningRedis
  readonly replica: RunningRedis
  readonly sentinels: readonly Sentinel[]
  /** As in a line of a list; the set is called `revoked`. */
  readonly address: string
  /** Waits until this sentinel names the server. */
  untilNamed (port: number, sentinel?: Sentinel): Promise<void>
}

const COUNT = 3
const TRIES = 5

/** Starts them, tuned so that a failover takes about two seconds. They end with the test. */
export async function startSentinels (t: Test): Promise<Guarded> {
  const primary = await startRedis(t, QUICK)
  const replica = await startRedis(t, [...QUICK, '--replicaof', '127.0.0.1', `${primary.port}`])
  await untilReplica(replica.client, primary.client)
  const sentinels = await Promise.all(Array.from({ length: COUNT }, () => startSentinel(t, primary.port)))
  for (const { client } of sentinels) {
    await until('each sentinel knows the others and the replica', async () => {
      const others = await client.call('SENTINEL', 'SENTINELS', 'main') as unknown[]
      const replicas = await client.call('SENTINEL', 'REPLICAS', 'main') as unknown[]
      return others.length === COUNT - 1 && replicas.length === 1
    })
  }
  return {
    primary,
    replica,
    sentinels,
    address: `redis-sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/0?master=main&key=revoked`,
    untilNamed: async (port, sentinel = sentinels[0] as Sentinel) => {
      await until(`a sentinel names port ${port}`, async () => {
        const [, named] = await sentinel.client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main') as string[]
        return named === `${port}`
      })
    }
  }
}

const QUICK = ['--repl-diskless-sync-delay', '0']

/** Waits until a replica has what its primary has, and the primary counts on it. */
export async function untilReplica (replica: Redis, primary: Redis): Promise<void> {
  await until('the replica has what its primary has', async () => /master_link_status:up/.test(await replicationOf(replica)))
  // It is online before it has loaded what it got, and confirms nothing meanwhile.
  await until('the replica has confirmed all of it', async () => {
    const info = await replicationOf(primary)
    const [, offset] = /^master_repl_offset:(\d+)/m.exec(info) ?? []
    return info.includes(`state=online,offset=${offset},`)
  })
  await replicationOf(replica)
}

/** Sentinels close all connections to a server that they promote, or make a replica. */
async function replicationOf (client: Redis): Promise<string> {
  try {
    if (client.status === 'end') await client.connect()
    return await client.info('replication')
  } catch {
    return ''
  }
}

async function startSentinel (t: Test, primary: number): Promise<Sentinel> {
  const folder = makeShortFolder(t)
  const file = join(folder, 'sentinel.conf')
  for (let left = TRIES; ; left--) {
    const port = await freePort()
    await writeFile(file, `
port ${port}
bind 127.0.0.1
dir ${folder}
sentinel monitor main 127.0.0.1 ${primary} 2
sentinel down-after-milliseconds main 500
sentinel failover-timeout main 3000
`)
    try {
      return await runSentinel(t, port, file)
    } catch (thrown) {
      // Another process has taken the port meanwhile.
      if (left === 0 || !/Address already in use/.test((thrown as Error).message)) throw thrown
    }
  }
}

async function runSentinel (t: Test, port: number, file: string): Promise<Sentinel> {
  const child = new Child(t, 'redis-server', [file, '--sentinel', '--daemonize', 'no'])
  await child.prints(/\+monitor master main/)
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => null })
  client.on('error', () => {})
  t.teardown(() => { client.disconnect() })
  return {
    port,
    child,
    client,
    kill: async () => {
      client.disconnect()
      child.kill('SIGKILL')
      await child.ended
    },
    restart: () => runSentinel(t, port, file)
  }
}
