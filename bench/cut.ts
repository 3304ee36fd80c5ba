/**
 * What it costs to cut: 10,000 connections of mutual TLS are open when a new list refuses none of them,
 * one, half, or all.
 *
 *     npm run bench:cut -- [--connections 10000] [--only all] [--turns]
 *
 * The table goes to standard output: the turns of the server's event loop from the swap on, of which no
 * one should be long, how long it took until the last one was cut, and whether anybody else was lost.
 * `--turns` adds the busiest turns of each case.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createAuthority } from '../test/support/pki.js'
import type { ClientsCommand, ClientsMessage } from './cut-clients.js'
import type { CutCommand, CutReport, CutTurn } from './cut-server.js'
import { answerOf } from './server-process.js'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    turns: { type: 'boolean', default: false }
  }
})
const CONNECTIONS = Number(values.connections)
/** Certificates of each half; a client has a few connections. */
const CERTIFICATES = 500
/** Milliseconds for all of it. */
const PATIENCE = 170_000

type Group = 'one' | 'first half' | 'second half'

/** How many connections each group holds. */
const SIZES: Record<Group, number> = { one: 1, 'first half': CONNECTIONS / 2, 'second half': CONNECTIONS / 2 - 1 }
const GROUPS = Object.keys(SIZES) as Group[]

/** What is revoked, by lines of the list, and who goes by that. */
const CASES: ReadonlyArray<{ refused: string, list: readonly string[], gone: readonly Group[] }> = [
  { refused: 'none', list: ['stranger.pem'], gone: [] },
  { refused: 'one', list: ['one.pem'], gone: ['one'] },
  { refused: 'half', list: ['first half.pem'], gone: ['first half'] },
  { refused: 'all', list: ['one.pem', 'first half.pem', 'second half.pem'], gone: GROUPS }
]

/** Two intermediate CAs, each with the certificates of one half, and single ones below the root. */
async function makeSite (folder: string): Promise<void> {
  const root = await createAuthority({ name: 'Cut Root' })
  const [server, one, stranger] = await Promise.all([
    root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] }),
    root.issue({ name: 'one', usage: 'client' }),
    root.issue({ name: 'stranger', usage: 'client' })
  ])
  const files: Record<string, string> = {
    'ca.pem': root.certificate,
    'server.pem': server.chain,
    'server.key': server.key,
    'stranger.pem': stranger.certificate,
    'one.pem': one.certificate,
    'one.json': JSON.stringify([one]),
    'revoked.txt': '# nobody\n'
  }
  for (const name of ['first half', 'second half']) {
    const half = await createAuthority({ name, issuer: root })
    const clients = await Promise.all(Array.from({ length: CERTIFICATES }, (_, index) => half.issue({ name: `client ${index}`, usage: 'client' })))
    files[`${name}.pem`] = half.certificate
    files[`${name}.json`] = JSON.stringify(clients.map(({ chain, key }) => ({ chain, key })))
  }
  await Promise.all(Object.entries(files).map(([file, content]) => writeFile(join(folder, file), content)))
}

/** A process of ours that answers each message with one. */
class Helper<Command extends string | object, Message> {
  readonly #child: ChildProcess

  constructor (name: string, args: readonly string[]) {
    this.#child = fork(fileURLToPath(new URL(name, import.meta.url)), args)
  }

  async next<Answer = Message> (): Promise<Answer> {
    return await answerOf<Answer>(this.#child)
  }

  async tell (command: Command): Promise<Message> {
    const answer = this.next()
    this.#child.send(command)
    return await answer
  }

  async stop (): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.disconnect()
    await exit
  }
}

interface Clients { readonly group: Group, readonly helper: Helper<ClientsCommand, ClientsMessage> }
type Server = Helper<CutCommand, CutReport>

/** Has everybody come in again. */
async function fill (server: Server, clients: readonly Clients[], folder: string): Promise<void> {
  await writeFile(join(folder, 'revoked.txt'), '# nobody\n')
  await server.tell('reload')
  await Promise.all(clients.map(({ group, helper }) => helper.tell({ open: SIZES[group], firstAddress: GROUPS.indexOf(group) * CONNECTIONS })))
}

/** Puts a list in force, and gives a row once everybody is gone who should be. */
async function measure ({ refused, list, gone }: typeof CASES[number], server: Server, clients: readonly Clients[], folder: string): Promise<string> {
  const expected = (group: Group): number => gone.includes(group) ? 0 : SIZES[group]
  await server.tell('begin')
  await writeFile(join(folder, 'revoked.txt'), `# ${refused}\n${list.join('\n')}\n`)
  let states: ClientsMessage[]
  do {
    await pause(100)
    states = await Promise.all(clients.map(({ helper }) => helper.tell('report')))
  } while (states.some(({ open }, index) => open > expected((clients[index] as Clients).group)))
  const report = await server.tell('end')
  const survivors = await Promise.all(clients.map(async ({ group, helper }) => ({ group, ...await helper.tell('ask') })))
  const innocent = survivors.reduce((sum, { group, answered }) => sum + expected(group) - answered, 0)
  const [busiest] = report.busiest as [CutTurn]
  const { longest, before } = report
  const lastClose = gone.length === 0 ? 0 : Math.max(...states.map(({ lastClose }) => lastClose)) - report.swappedAt
  if (values.turns) for (const turn of [before, ...report.busiest, longest]) console.error(JSON.stringify(turn, (_, value) => typeof value === 'number' ? Math.round(value * 10) / 10 : value))
  const times = [busiest.running, busiest.collecting, longest.duration, longest.waiting, longest.collecting, before?.running ?? NaN, report.lastCut, lastClose]
  const cells = [refused, report.cuts, innocent, ...times.map((value) => value.toFixed(1))]
  return `| ${cells.join(' | ')} |`
}

const HEAD = `\
| refused | cut | others that were lost | busiest turn: processor time, ms | garbage collection in it | longest turn by the clock | of it waiting for a processor | garbage collection in it | busiest turn while the list is read | swap to the last cut | swap to the last client's seeing it |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|`

async function measureAll (folder: string, helpers: Array<{ stop (): Promise<void> }>): Promise<string[]> {
  await makeSite(folder)
  const server: Server = new Helper('cut-server.js', [folder])
  helpers.push(server)
  const { port } = await server.next<{ port: number }>()
  const clients = GROUPS.map((group): Clients => ({ group, helper: new Helper('cut-clients.js', [String(port), folder, group]) }))
  helpers.push(...clients.map(({ helper }) => helper))
  const rows: string[] = []
  for (const each of CASES.filter(({ refused }) => refused.includes(values.only))) {
    console.error(`${each.refused} of ${CONNECTIONS} …`)
    await fill(server, clients, folder)
    rows.push(await measure(each, server, clients, folder))
  }
  return rows
}

const descriptors = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
if (Number(descriptors) < CONNECTIONS + 200) throw new Error(`a process may have only ${descriptors} files open (ulimit -n): give --connections`)
const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-cut-'))
const helpers: Array<{ stop (): Promise<void> }> = []
const deadline = new AbortController()
try {
  const rows = await Promise.race([
    measureAll(folder, helpers),
    pause(PATIENCE, undefined, { signal: deadline.signal }).then((): never => { throw new Error(`not done within ${PATIENCE / 1000} s: give --connections or --only`) })
  ])
  console.log([`Node.js ${process.version}, ${CONNECTIONS} connections`, '', HEAD, ...rows].join('\n'))
} finally {
  deadline.abort()
  for (const helper of helpers) await helper.stop()
  await rm(folder, { recursive: true })
}
