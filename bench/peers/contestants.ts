/** The servers of a comparison: which there are, and how one starts. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HAPROXY, NGINX } from '../../test/support/programs.js'
import { freePort } from '../../test/support/loopback.js'
import { memory, processorTimeFromStart } from '../processes.js'
import { versionOf } from '../refusals/peer.js'
import { SERVER_CORE } from '../server-process.js'
import { negotiate, type Target } from './clients.js'
import { startHaproxy, startNginx } from './proxies.js'
import type { ServerName } from './results.js'
import type { PeerSite } from './site.js'

/** A Node.js to measure with. */
export interface NodeProgram {
  readonly program: string
  readonly version: string
  readonly openssl: string
}

export interface Contestant {
  readonly server: ServerName
  /** Undefined for nginx and HAProxy. */
  readonly node: NodeProgram | undefined
  /** Entries of the CRL; 0: no CRL. */
  readonly entries: number
}

/** How long a start may take: a CRL of millions is read and parsed. */
const PATIENCE = 120_000

/** A Node.js by its path, or the newest of a version (`24`, `24.21`) from npm's package `node`. Undefined if there is none. */
export function findNode (wanted: string): NodeProgram | undefined {
  try {
    const program = wanted.includes('/')
      ? wanted
      : execFileSync('npx', ['--yes', '--package', `node@${wanted}`, '--', 'node', '--print', 'process.execPath'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    const [version, openssl] = execFileSync(program, ['--print', 'process.versions.node + " " + process.versions.openssl'], { encoding: 'utf8' }).trim().split(' ') as [string, string]
    return { program, version, openssl }
  } catch {
    return undefined
  }
}

/** The version of nginx or HAProxy; undefined if it is missing. */
export function versionOfProxy (server: 'nginx' | 'haproxy'): string | undefined {
  return versionOf([server === 'nginx' ? NGINX : HAPROXY, '-v'])
}

/** What runs, and would survive this process. */
const children = new Set<ChildProcess>()
process.once('exit', () => { for (const child of children) child.kill() })

export class Running {
  readonly contestant: Contestant
  readonly port: number
  /** Seconds until the first response, by the clock and of processor time. */
  readonly start: { readonly clock: number, readonly processor: number }
  readonly #child: ChildProcess

  private constructor (contestant: Contestant, child: ChildProcess, port: number, start: Running['start']) {
    this.contestant = contestant
    this.port = port
    this.start = start
    this.#child = child
  }

  /** Resolves after the first response. `pinned` puts it on the servers' core. */
  static async start (contestant: Contestant, site: PeerSite, context: Target['context'], pinned: boolean): Promise<Running> {
    const folder = mkdtempSync(join(site.folder, `${contestant.server}-`))
    for (const file of ['ca.pem', 'server.pem', 'server.key']) copyFileSync(join(site.folder, file), join(folder, file))
    const port = await freePort()
    const begin = performance.now()
    const child = launch(contestant, folder, contestant.entries === 0 ? undefined : site.crl(contestant.entries), port, pinned)
    children.add(child)
    child.once('exit', () => { children.delete(child) })
    await once(child, 'spawn')
    await answers({ port, context }, child)
    const start = { clock: (performance.now() - begin) / 1000, processor: processorTimeFromStart(child.pid as number) / 1000 }
    return new Running(contestant, child, port, start)
  }

  get pid (): number {
    return this.#child.pid as number
  }

  memory (): number {
    return memory(this.pid)
  }

  async stop (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill()
    const patience = new AbortController()
    await Promise.race([exit, pause(5000, undefined, { signal: patience.signal }).then(() => this.#child.kill('SIGKILL'), () => {})])
    patience.abort()
    await exit
  }
}

function launch ({ server, node, entries }: Contestant, folder: string, crl: string | undefined, port: number, pinned: boolean): ChildProcess {
  const path = (file: string): string => join(folder, file)
  const prefix = pinned ? ['taskset', '--cpu-list', SERVER_CORE] : []
  if (server === 'nginx' || server === 'haproxy') {
    const options = { path, listen: port, crl, tickets: true, protocols: ['TLSv1.2', 'TLSv1.3'], prefix } as const
    return server === 'nginx' ? startNginx(options) : startHaproxy(options)
  }
  if (entries > 0) writeFileSync(path('revoked.txt'), `${crl}\n`)
  const program = fileURLToPath(new URL('server.js', import.meta.url))
  const [command, ...args] = [...prefix, node?.program ?? process.execPath, program, server, folder, String(port), ...(crl === undefined ? [] : [crl])] as [string, ...string[]]
  return spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Resolves with the first response of a server that starts. */
async function answers (target: Target, child: ChildProcess): Promise<void> {
  const limit = performance.now() + PATIENCE
  for (let last: unknown; child.exitCode === null && child.signalCode === null; await pause(5)) {
    try {
      await negotiate(target)
      return
    } catch (error) {
      last = error
    }
    if (performance.now() > limit) throw new Error('the server does not answer', { cause: last })
  }
  throw new Error('the server ended')
}
