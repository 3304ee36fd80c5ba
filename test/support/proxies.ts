/** HAProxy and nginx as they come from Debian, between a client of a test and its app. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { Child } from './children.js'
import { freePort } from './loopback.js'
import { HAPROXY, NGINX, NGINX_STREAM, hasProgram } from './programs.js'
import { makeShortFolder } from './unix-sockets.js'
import { until } from './until.js'

/** Where a proxy can listen. */
export interface Place {
  readonly host: string
  readonly port: number
}

/**
 * A place for a program that cannot choose one: a random address of loopback, so that its port stays free.
 */
export async function freePlace (): Promise<Place> {
  const host = `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}`
  return { host, port: await freePort(host) }
}

/** Starts HAProxy; when this resolves, it listens. */
export async function startHaproxy (t: Test, configuration: string): Promise<Child> {
  const file = join(makeShortFolder(t), 'haproxy.cfg')
  await writeFile(file, configuration)
  const child = start(t, HAPROXY, ['-W', '-db', '-f', file])
  await child.prints(/Loading success/)
  return child
}

/**
 * Starts nginx with a block `stream`; when this resolves, it listens. Its worker has the user of the
 * test, since the folder of a unix socket is that user's.
 */
export async function startNginx (t: Test, stream: string): Promise<Child> {
  const folder = makeShortFolder(t)
  const file = join(folder, 'nginx.conf')
  await writeFile(file, `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr notice;
load_module ${NGINX_STREAM};
events { worker_connections 256; }
${stream}
`)
  const child = start(t, NGINX, ['-e', 'stderr', '-c', file])
  await child.prints(/start worker process \d/)
  return child
}

/** What every configuration of HAProxy begins with. */
export const HAPROXY_DEFAULTS = `
defaults
  timeout connect 5s
  timeout check 30s
  timeout client 60s
  timeout server 60s
`

/** Starts HAProxy in mode tcp. */
export async function startPassing (t: Test, server: string, bind = ''): Promise<Place> {
  const place = await freePlace()
  await startHaproxy(t, `${HAPROXY_DEFAULTS}
listen app
  mode tcp
  bind ${place.host}:${place.port} ${bind}
  server app1 ${server}
`)
  return place
}

export function hasHaproxy (t: Test): boolean {
  return hasProgram(t, 'haproxy')
}

export function hasNginx (t: Test): boolean {
  return hasProgram(t, 'nginx') && hasProgram(t, 'the stream module of nginx')
}

/** One command of HAProxy's runtime API. */
export async function commandHaproxy (path: string, command: string): Promise<string> {
  const socket = connect(path)
  let answer = ''
  socket.setEncoding('utf8').on('data', (part: string) => { answer += part })
  socket.end(`${command}\n`)
  await once(socket, 'close')
  return answer
}

/** What HAProxy thinks of a server, for example `UP`, and what its last check found. */
export interface ServerState {
  readonly status: string
  readonly check: string
}

/** Asks HAProxy, through the socket of its runtime API, until the state of its server app1 is as expected. */
export async function untilServer (api: string, holds: (state: ServerState) => boolean): Promise<ServerState> {
  return await until(`HAProxy says ${String(holds)} of its server`, async () => {
    const [names = '', ...rows] = (await commandHaproxy(api, 'show stat')).replace(/^# /, '').split('\n')
    const columns = names.split(',')
    const row = rows.map((row) => row.split(',')).find((cells) => cells[1] === 'app1') ?? []
    const state: ServerState = { status: row[columns.indexOf('status')] ?? '', check: row[columns.indexOf('check_status')] ?? '' }
    return holds(state) && state
  })
}

/** SIGTERM also ends their workers, which SIGKILL would leave behind. */
function start (t: Test, command: string, args: readonly string[]): Child {
  const child = new Child(t, command, args)
  t.teardown(async () => {
    child.kill('SIGTERM')
    await child.ended
  })
  return child
}
