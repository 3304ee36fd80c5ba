/**
 * The servers that are measured with a CRL: ours and Node's, each a process with `crl-server.ts`, and nginx and HAProxy from
 * Debian, which get a signal as from an operator.
 *
 * Each has ca.pem, server.pem, server.key and the CRL in its own folder, and listens on a unix socket or a port of the
 * loopback interface.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { HAPROXY, NGINX } from '../test/support/programs.js'
import type { CrlCommand } from './crl-server.js'
import { answerOf } from './server-process.js'

export const SIDES = ['ours', 'node', 'nginx', 'haproxy'] as const
export type Side = typeof SIDES[number]

export const NAMES: Readonly<Record<Side, string>> = { ours: 'ours', node: 'Node\'s `crl`', nginx: 'nginx', haproxy: 'HAProxy' }

export interface Contestant {
  /** What a client connects to. */
  readonly address: { readonly path: string } | { readonly host: string, readonly port: number }
  /** Replaces the CRL by the file `next`, and sends a signal to a server that needs one. */
  change (): void
  /** Sends a command to our server or Node's. */
  tell<Answer> (command: CrlCommand): Promise<Answer>
  /** Milliseconds of processor time of all its processes. */
  processorTime (): number
  /** Bytes of memory of all its processes. */
  memory (): number
  stop (): Promise<void>
}

export async function start (side: Side, folder: string): Promise<Contestant> {
  const path = (file: string): string => join(folder, file)
  const child = side === 'nginx' ? startNginx(path) : side === 'haproxy' ? startHaproxy(path) : startServer(side, folder)
  const isOther = side === 'nginx' || side === 'haproxy'
  const place = isOther ? { path: path('s') } : { host: '127.0.0.1', port: (await answerOf<{ port: number }>(child)).port }
  const tell = async <Answer>(command: CrlCommand): Promise<Answer> => {
    const answer = answerOf<Answer>(child)
    child.send(command)
    return await answer
  }
  return {
    address: place,
    change: () => {
      if (isOther) {
        renameSync(path('next'), path('crl'))
        child.kill(side === 'nginx' ? 'SIGHUP' : 'SIGUSR2')
      } else {
        child.send('change' satisfies CrlCommand)
      }
    },
    tell,
    processorTime: () => sum(processesOf(child), (id) => {
      return sum(list(`/proc/${id}/task`), (task) => Number(read(`/proc/${id}/task/${task}/schedstat`).split(' ')[0]) / 1e6)
    }),
    memory: () => sum(processesOf(child), (id) => Number(/^Pss: +(\d+)/m.exec(read(`/proc/${id}/smaps_rollup`))?.[1] ?? 0) * 1024),
    stop: async () => {
      const exit = once(child, 'exit')
      child.kill()
      await Promise.race([exit, pause(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))])
    }
  }
}

function startServer (side: string, folder: string): ChildProcess {
  return fork(fileURLToPath(new URL('crl-server.js', import.meta.url)), [side, folder], { execArgv: ['--expose-gc'] })
}

function startNginx (path: (file: string) => string): ChildProcess {
  writeFileSync(path('nginx.conf'), `
daemon off; worker_processes 1; pid ${path('pid')}; error_log ${path('log')};
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 1000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${path(name)};`).join(' ')}
  server {
    listen unix:${path('s')} ssl;
    ssl_protocols TLSv1.3; ssl_certificate ${path('server.pem')}; ssl_certificate_key ${path('server.key')};
    ssl_verify_client on; ssl_client_certificate ${path('ca.pem')}; ssl_crl ${path('crl')}; ssl_session_tickets off;
    location / { return 200 served; }
  }
}`)
  return spawn(NGINX, ['-e', path('log'), '-c', path('nginx.conf')], { stdio: 'ignore' })
}

function startHaproxy (path: (file: string) => string): ChildProcess {
  writeFileSync(path('pair.pem'), read(path('server.pem')) + read(path('server.key')))
  writeFileSync(path('haproxy.cfg'), `
global
  nbthread 1
defaults
  mode http
  timeout client 60s
frontend f
  bind unix@${path('s')} ssl crt ${path('pair.pem')} ca-file ${path('ca.pem')} crl-file ${path('crl')} verify required no-tls-tickets
  http-request return status 200 content-type text/plain string served
`)
  return spawn(HAPROXY, ['-W', '-db', '-f', path('haproxy.cfg')], { stdio: 'ignore' })
}

/** A process and all its descendants. */
function processesOf ({ pid }: ChildProcess): string[] {
  const all: string[] = []
  for (const open = [String(pid)]; open.length > 0;) {
    const id = open.pop() as string
    all.push(id)
    for (const task of list(`/proc/${id}/task`)) open.push(...read(`/proc/${id}/task/${task}/children`).split(' ').filter(Boolean))
  }
  return all
}

function sum (items: readonly string[], of: (item: string) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

/** Empty for a process that has ended meanwhile. */
function read (file: string): string {
  try { return readFileSync(file, 'utf8') } catch { return '' }
}

function list (folder: string): string[] {
  try { return readdirSync(folder) } catch { return [] }
}
