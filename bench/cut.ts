/**
 * The cost of closing connections: 10,000 connections of mutual TLS are open when a new list rejects none of them, one, half,
 * or all. For comparison, one row closes nobody while each connection gets a response, and Node's own server destroys all
 * of its connections.
 *
 *     npm run bench:cut -- [--connections 10000] [--only all] [--turns]
 *
 * The table on standard output has the turns of the server's event loop from the swap on, none of which should be long, the
 * time until the last connection was closed, and whether another one was lost. `--only` selects rows by a part of their name;
 * `--turns` adds the busiest turns of each.
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
import type { CutReport, CutTurn } from './cut-record.js'
import type { CutCommand } from './cut-server.js'
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
/** Milliseconds for each row. */
const PATIENCE = 120_000

type Group = 'one' | 'first half' | 'second half'

/** How many connections each group keeps open. */
const SIZES: Record<Group, number> = { one: 1, 'first half': CONNECTIONS / 2, 'second half': CONNECTIONS / 2 - 1 }
const GROUPS = Object.keys(SIZES) as Group[]

interface Case {
  readonly refused: string
  readonly server: 'cut-server.js' | 'cut-peer.js'
  /** What is revoked, by lines of the list. */
  readonly list?: readonly string[]
  /** The message for Node's own server. */
  readonly cut?: 'at once' | 'in slices'
  /** Whether each connection sends a request meanwhile. */
  readonly asked?: true
  /** Whose connections that closes. */
  readonly gone: readonly Group[]
}

const CASES: readonly Case[] = [
  { refused: 'none', server: 'cut-server.js', list: ['stranger.pem'], gone: [] },
  { refused: 'none, and each sends a request', server: 'cut-server.js', list: ['stranger.pem'], asked: true, gone: [] },
  { refused: 'one', server: 'cut-server.js', list: ['one.pem'], gone: ['one'] },
  { refused: 'half', server: 'cut-server.js', list: ['first half.pem'], gone: ['first half'] },
  { refused: 'all', server: 'cut-server.js', list: ['one.pem', 'first half.pem', 'second half.pem'], gone: GROUPS },
  { refused: 'all, Node\'s https in slices', server: 'cut-peer.js', cut: 'in slices', gone: GROUPS },
  { refused: 'all, Node\'s https at once', server: 'cut-peer.js', cut: 'at once', gone: GROUPS }
]

/** Two intermediate CAs, each with the certificates of one half, and single certificates below the root. */
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

/** A child process that answers each message with one. */
class Helper<Command extends string | object, Message> {
  readonly #child: ChildProcess

  /** The child gets the Node.js flags of this process, and these. */
  constructor (name: string, args: readonly string[], flags: readonly string[] = []) {
    this.#child = fork(fileURLToPath(new URL(name, import.meta.url)), args, { execArgv: [...process.execArgv, ...flags] })
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

/** Opens all connections again. */
async function fill (server: Server, clients: readonly Clients[], folder: string): Promise<void> {
  await writeFile(join(folder, 'revoked.txt'), '# nobody\n')
  await server.tell('reload')
  await Promise.all(clients.map(({ group, helper }) => helper.tell({ open: SIZES[group], firstAddress: GROUPS.indexOf(group) * CONNECTIONS })))
}

/** Puts a list in force, and returns a row when all connections are closed that should be. */
async function measure ({ refused, list = [], cut, asked, gone }: Case, server: Server, clients: readonly Clients[], folder: string): Promise<string> {
  const expected = (group: Group): number => gone.includes(group) ? 0 : SIZES[group]
  await server.tell('begin')
  if (cut === undefined) await writeFile(join(folder, 'revoked.txt'), `# ${refused}\n${list.join('\n')}\n`)
  else await server.tell({ cut })
  if (asked) await Promise.all(clients.map(({ helper }) => helper.tell('ask')))
  let states: ClientsMessage[]
  do {
    await pause(100)
    states = await Promise.all(clients.map(({ helper }) => helper.tell('report')))
  } while (states.some(({ open }, index) => open > expected((clients[index] as Clients).group)))
  const report = await server.tell('end')
  const survivors = await Promise.all(clients.map(async ({ group, helper }) => ({ group, ...await helper.tell('ask') })))
  const innocent = survivors.reduce((sum, { group, answered }) => sum + expected(group) - answered, 0)
  const [busiest] = report.busiest as [CutTurn]
  const { busiestWithoutCollection, longest, before } = report
  const lastClose = gone.length === 0 ? 0 : Math.max(...states.map(({ lastClose }) => lastClose)) - report.swappedAt
  if (values.turns) for (const turn of [before, ...report.busiest, longest]) console.error(JSON.stringify(turn, (_, value) => typeof value === 'number' ? Math.round(value * 10) / 10 : value))
  const times = [
    busiest.running, busiest.collecting, busiestWithoutCollection?.running, longest.duration, longest.waiting, longest.collecting,
    before?.running, report.lastCut, lastClose, report.reaping
  ]
  const cells = [refused, report.cuts, innocent, ...times.map((value) => value?.toFixed(1) ?? '')]
  return `| ${cells.join(' | ')} |`
}

const HEAD = `\
| refused | cut | others that were lost | busiest turn: processor time, ms | garbage collection in it | busiest turn without one | longest turn by the clock | of it waiting for a processor | garbage collection in it | busiest turn while the list is loaded | swap to the last cut | swap to the last client seeing it | full garbage collection afterwards |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|`

/** The rows of one server, which stays the same for all of them. */
async function measureCases (program: Case['server'], cases: readonly Case[], folder: string, helpers: Array<{ stop (): Promise<void> }>): Promise<string[]> {
  const server: Server = new Helper(program, [folder], ['--expose-gc'])
  helpers.push(server)
  const { port } = await server.next<{ port: number }>()
  const clients = GROUPS.map((group): Clients => ({ group, helper: new Helper('cut-clients.js', [String(port), folder, group]) }))
  helpers.push(...clients.map(({ helper }) => helper))
  const rows: string[] = []
  for (const each of cases) {
    console.error(`${each.refused} of ${CONNECTIONS} …`)
    await fill(server, clients, folder)
    rows.push(await measure(each, server, clients, folder))
  }
  for (const helper of [...clients.map(({ helper }) => helper), server]) await helper.stop()
  return rows
}

const chosen = CASES.filter(({ refused }) => refused.includes(values.only))

async function measureAll (folder: string, helpers: Array<{ stop (): Promise<void> }>): Promise<string[]> {
  await makeSite(folder)
  const rows: string[] = []
  for (const program of new Set(chosen.map(({ server }) => server))) {
    rows.push(...await measureCases(program, chosen.filter(({ server }) => server === program), folder, helpers))
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
    pause(PATIENCE * chosen.length, undefined, { signal: deadline.signal }).then((): never => { throw new Error(`a row takes more than ${PATIENCE / 1000} s: give --connections`) })
  ])
  console.log([`Node.js ${process.version}, ${CONNECTIONS} connections`, '', HEAD, ...rows].join('\n'))
} finally {
  deadline.abort()
  for (const helper of helpers) await helper.stop()
  await rm(folder, { recursive: true })
}
