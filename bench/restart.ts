/**
 * How many requests are lost while an app restarts again and again, on a port that systemd opens:
 *
 *     npm run bench:restart -- [--restarts 50] [--clients 16] [--requests 100] [--plain]
 *
 * Clients send requests over TLS without a pause, ten on each connection. After so many responses, a process gets SIGTERM and
 * the next one starts. Standard output has a line for each way in which a request ended. See bench/README.md.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent, request as tlsRequest, type RequestOptions } from 'node:https'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { quoteEndpointArgument } from 'fastify-endpoint'
import { freePlace } from '../test/support/proxies.js'
import { makeSite } from './site.js'

const { values } = parseArgs({
  options: {
    restarts: { type: 'string', default: '50' },
    clients: { type: 'string', default: '16' },
    requests: { type: 'string', default: '100' },
    plain: { type: 'boolean', default: false }
  }
})
const restarts = Number(values.restarts)
const requests = Number(values.requests)

/** Starts the command again whenever it has exited with 0, as the process that the sockets are for. */
const RESTARTING = ['bash', '-c', 'while (export LISTEN_PID=$BASHPID; exec "$0" "$@"); do :; done']
const ON_A_CONNECTION = 10

const site = await makeSite()
const path = (file: string): string => quoteEndpointArgument(join(site.folder, file))
const place = await freePlace()
const endpoint = values.plain
  ? 'systemd:INET:0'
  : `tls:transport=systemd\\:INET\\:0:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
const heir = fileURLToPath(new URL('../test/programs/heir.js', import.meta.url))
const child = spawn('systemd-socket-activate', ['--listen', `${place.host}:${place.port}`, ...RESTARTING, process.execPath, heir, endpoint], { stdio: ['pipe', 'ignore', 'inherit'] })
const context = site.client('TLSv1.3', 'direct')

/** By the process that has answered them. */
const answers = new Map<number, number>()
const ends = new Map<string, number>()
let begun = false

function newAgent (): PlainAgent | Agent {
  return values.plain ? new PlainAgent({ keepAlive: true, maxSockets: 1 }) : new Agent({ keepAlive: true, maxSockets: 1 })
}

async function ask (agent: PlainAgent | Agent): Promise<void> {
  const options = { ...place, path: '/', agent }
  const outgoing = values.plain ? plainRequest(options) : tlsRequest({ ...options, servername: 'localhost', secureContext: context } as RequestOptions)
  outgoing.end()
  try {
    const [response] = await once(outgoing, 'response')
    response.setEncoding('utf8')
    let body = ''
    for await (const chunk of response) body += chunk
    if (response.statusCode !== 200) throw Object.assign(new Error(body), { code: `status ${response.statusCode}` })
    begun = true
    count(JSON.parse(body).pid)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // Before the first response the port may not be open.
    if (!begun && code === 'ECONNREFUSED') return
    const end = `${code ?? message}, ${outgoing.reusedSocket ? 'a later request of its connection' : 'the first request of its connection'}`
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
}

function count (pid: number): void {
  const number = (answers.get(pid) ?? 0) + 1
  answers.set(pid, number)
  if (number === requests && answers.size <= restarts) process.kill(pid, 'SIGTERM')
}

async function load (): Promise<void> {
  while (answers.size <= restarts) {
    const agent = newAgent()
    for (let i = 0; i < ON_A_CONNECTION; i++) await ask(agent)
    agent.destroy()
  }
}

try {
  readFileSync(heir)
  await Promise.all(Array.from({ length: Number(values.clients) }, load))
  const answered = [...answers.values()].reduce((sum, number) => sum + number, 0)
  const lost = [...ends.values()].reduce((sum, number) => sum + number, 0)
  console.log(`${values.plain ? 'TCP' : 'TLS 1.3'}, ${answers.size - 1} restarts, ${values.clients} clients, load average ${loadavg()[0]?.toFixed(1)}: ${answered + lost} requests, ${lost} lost`)
  for (const [end, number] of ends) console.log(`${number}: ${end}`)
} finally {
  child.stdin.end()
  for (const pid of answers.keys()) try { process.kill(pid, 'SIGTERM') } catch {}
  child.kill()
  await site.remove()
}
