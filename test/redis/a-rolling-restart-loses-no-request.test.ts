/**
 * Four nodes share one set in Redis behind HAProxy, which passes TLS through. Each node is drained, stopped, started
 * again and put back, as docs/fleets.md says, while clients send requests without a pause.
 */
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { acceptInRedis, addToRedis } from '../../lib/revocation/sources/redis/writer.js'
import { Child } from '../support/children.js'
import { compiled } from '../support/inherited.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'
import { hasProgram } from '../support/programs.js'
import { freePlace, startHaproxy } from '../support/proxies.js'
import { startRedis } from '../support/redis.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const NODES = 4
const CLIENTS = 4
/** The number of requests that each node answers before the next one restarts. */
const ANSWERS = 50

interface Node {
  readonly child: Child
  readonly port: number
  readonly pid: number
}

async function startNode (t: Test, endpoint: string): Promise<Node> {
  const [command = '', ...args] = compiled('heir', endpoint)
  const child = new Child(t, command, args)
  const [line] = await child.prints(/\{.*\}/)
  const { addresses, message } = JSON.parse(line) as { addresses?: Array<{ port: number }>, message?: string }
  if (addresses?.[0] === undefined) throw new Error(message)
  return { child, port: addresses[0].port, pid: child.pid }
}

t.test('clients lose no request during a rolling restart, and revoked clients are rejected', async (t) => {
  if (!hasProgram(t, 'redis') || !hasProgram(t, 'haproxy')) return
  const { address } = await startRedis(t)
  await acceptInRedis({ address })
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), `${address}\n`)
  const nodes = await Promise.all(Array.from({ length: NODES }, () => startNode(t, site.endpoint())))

  const place = await freePlace()
  const admin = join(makeShortFolder(t), 'admin')
  await startHaproxy(t, `
global
  stats socket ${admin} mode 600 level admin
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option redispatch
frontend front
  bind ${place.host}:${place.port}
  default_backend nodes
backend nodes
  balance roundrobin
${nodes.map(({ port }, index) => `  server n${index} 127.0.0.1:${port}`).join('\n')}
`)
  const tell = async (command: string): Promise<void> => {
    const socket = connect(admin)
    socket.setEncoding('utf8').end(`${command}\n`)
    let answer = ''
    for await (const text of socket) answer += text
    // It reports a changed address, and nothing otherwise.
    if (!/^(?:no need|IP changed|port changed)?[^]*$/.test(answer) || /Require|Unknown|Invalid|No such/i.test(answer)) throw new Error(answer)
  }

  const answers = new Map<number, number>()
  const failures: string[] = []
  const ending = new AbortController()
  t.teardown(() => { ending.abort() })
  const askOnce = async (agent: Agent | false, leaf: typeof site.alice): Promise<void> => {
    const { status, body } = await get(place.port, { host: place.host, agent, ...asClient(site, leaf) })
    if (status !== 200) throw new Error(`answered ${status}`)
    const { pid } = JSON.parse(body)
    answers.set(pid, (answers.get(pid) ?? 0) + 1)
  }
  const ask = async (leaf: typeof site.alice, onFailure: (reason: string) => boolean): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => { agent.destroy() })
    while (!ending.signal.aborted) {
      try {
        await askOnce(agent, leaf)
      } catch (thrown) {
        if (onFailure(String(thrown))) return
      }
    }
  }
  const busy = Array.from({ length: CLIENTS }, () => ask(site.alice, (reason) => failures.push(reason) > 20))
  const revoked = Array.from({ length: NODES }, () => ask(site.mallory, () => true))

  for (const [index, { child, pid }] of nodes.entries()) {
    await until(`node ${index} has answered`, () => (answers.get(pid) ?? 0) >= ANSWERS)
    if (index === 2) {
      await addToRedis({ address }, [`tbs:${identifyCertificate(site.mallory.der).tbs}`])
      await Promise.all(revoked)
    }
    await tell(`set server nodes/n${index} state drain`)
    child.kill('SIGTERM')
    await child.prints(/"closed":true/)
    const next = await startNode(t, site.endpoint())
    await tell(`set server nodes/n${index} addr 127.0.0.1 port ${next.port}`)
    await tell(`set server nodes/n${index} state ready`)
    // Open connections stay with their nodes; new ones reach each node in turn.
    for (let left = 2 * NODES; left > 0 && !answers.has(next.pid); left--) await askOnce(false, site.alice)
  }
  ending.abort()
  await Promise.all(busy)
  t.same(failures, [], 'no request was lost')
  t.equal(answers.size, 2 * NODES, 'all nodes answered, before and after')
  await t.rejects(get(place.port, { host: place.host, ...asClient(site, site.mallory) }), 'a client that was revoked in between is rejected by all nodes, new ones too')
  t.comment(`${[...answers.values()].reduce((sum, count) => sum + count, 0)} requests were answered`)
})
