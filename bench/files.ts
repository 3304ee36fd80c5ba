/**
 * The cost of a pattern that matches thousands of files with one certificate each.
 *
 *     npm run bench:files -- [--files 1000,10000,100000] [--rounds 3]
 *
 * The table is printed on standard output. It compares a start with reading and hashing the same files, eight at a time, in
 * another process. The certificates stay in the folder for temporary files, for the next run.
 */
import { createHash } from 'node:crypto'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:https'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mapConcurrently } from '../lib/turns.js'
import { createAuthority } from '../test/support/pki.js'
import { serialNumbers } from '../test/support/serial-numbers.js'
import type { ChangeReport, FilesCommand, IdleReport, StartReport } from './files-server.js'
import { answerOf } from './server-process.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '1000,10000,100000' },
    rounds: { type: 'string', default: '3' }
  }
})
const ROUNDS = Number(values.rounds)
const REQUEST_INTERVAL = 5
const FILES_AT_A_TIME = 8
/** An even number, so that all files have their own content at the end. */
const CHANGES = 4
/** Milliseconds after which no further round of a row starts: on a busy machine a change waits for the rest after the last load. */
const ROW_TIME = 80_000

const root = await createAuthority({ name: 'Files Root' })
const serverCertificate = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
const client = await root.issue({ name: 'client', usage: 'client' })
const device = await root.issue({ name: 'device', usage: 'client', serial: '4000000000000000' })

/** A folder with a server's files and so many certificates. They differ each time the folder is created, not each time it is used. */
async function makeFolder (count: number): Promise<string> {
  const folder = join(tmpdir(), `fastify-endpoint-bench-files-${count}`)
  if (!existsSync(folder)) {
    const making = `${folder}-${process.pid}`
    await mkdir(join(making, 'certs'), { recursive: true })
    const certificates = serialNumbers(device.der, root)
    await mapConcurrently([...Array(count).keys()], FILES_AT_A_TIME, (index) => writeFile(join(making, 'certs', `device-${index}.pem`), certificates(index)))
    await rename(making, folder)
  }
  const files = { 'ca.pem': root.certificate, 'server.pem': serverCertificate.chain, 'server.key': serverCertificate.key, 'revoked.txt': 'certs/*.pem\n' }
  await Promise.all(Object.entries(files).map(([file, content]) => writeFile(join(folder, file), content)))
  return folder
}

interface Cost {
  /** Milliseconds by the clock, and of processor time, all threads. */
  readonly took: number
  readonly busy: number
}

/** The time to read and hash the files. */
async function readAndHash (folder: string): Promise<Cost> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const names = await readdir(join(folder, 'certs'))
  await mapConcurrently(names, FILES_AT_A_TIME, async (name) => createHash('sha256').update(await readFile(join(folder, 'certs', name))).digest())
  const { user, system } = process.cpuUsage(cpu)
  return { took: performance.now() - start, busy: (user + system) / 1000 }
}

interface Measured {
  readonly reading: Cost
  readonly start: StartReport
  readonly changes: readonly ChangeReport[]
  readonly loaded: readonly ChangeReport[]
  readonly idle: IdleReport
}

async function measure (count: number): Promise<Measured> {
  const folder = await makeFolder(count)
  const reading = await readAndHash(folder)
  const child = fork(fileURLToPath(new URL('files-server.js', import.meta.url)), [folder], { execArgv: ['--expose-gc', ...process.execArgv] })
  const tell = async <Answer>(command: FilesCommand): Promise<Answer> => {
    const answer = answerOf<Answer>(child)
    child.send(command)
    return await answer
  }
  try {
    const start = await answerOf<StartReport>(child)
    const changes: ChangeReport[] = []
    for (let round = 0; round < CHANGES; round++) changes.push(await tell<ChangeReport>('change'))
    // Not right after the start, when all files are checked once more.
    const idle = await tell<IdleReport>('idle')
    const agent = new Agent({ keepAlive: true, maxSockets: 4, cert: client.chain, key: client.key, ca: root.certificate, servername: 'localhost' })
    const asking = setInterval(() => { get({ port: start.port, host: '127.0.0.1', agent }, (response) => response.resume()).on('error', () => {}) }, REQUEST_INTERVAL)
    await pause(1000)
    const loaded: ChangeReport[] = []
    for (let round = 0; round < CHANGES; round++) loaded.push(await tell<ChangeReport>('watch'))
    clearInterval(asking)
    agent.destroy()
    return { reading, start, changes, loaded, idle }
  } finally {
    const exit = once(child, 'exit')
    child.kill()
    await exit
  }
}

console.log([
  `Node.js ${process.version}, ${ROUNDS} rounds, load average ${loadavg().map((load) => load.toFixed(1)).join(', ')} at the start`,
  '',
  '| files | rounds | read and hash, ms by the clock (processor) | start | start / read | processor | busiest turn at the start, ms of the main thread | longest, ms by the clock | one file changed: in force after, ms | processor, ms | busiest turn, ms | longest turn by the clock, ms | idle: processor, ms a second | resident, MB | peak, MB |',
  '|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
].join('\n'))
for (const count of values.files.split(',').map(Number)) {
  const rounds: Measured[] = []
  const limit = performance.now() + ROW_TIME
  for (let round = 0; round < ROUNDS && (round === 0 || performance.now() < limit); round++) {
    console.error(`${count} files, round ${round + 1} …`)
    rounds.push(await measure(count))
  }
  const middle = (of: (measured: Measured) => number): string => median(rounds.map(of)).toFixed(0)
  const changed = (of: (report: ChangeReport) => number): number[] => rounds.flatMap(({ changes }) => changes.map(of))
  const most = (of: (report: ChangeReport) => number): string => Math.max(...rounds.flatMap(({ loaded }) => loaded.map(of))).toFixed(1)
  console.log(`| ${[
    count.toLocaleString('en'),
    rounds.length,
    `${middle(({ reading }) => reading.took)} (${middle(({ reading }) => reading.busy)})`,
    `${middle(({ start }) => start.took)} (${middle(({ start }) => start.busy)})`,
    `**${median(rounds.map(({ start, reading }) => start.took / reading.took)).toFixed(2)}**`,
    `**${median(rounds.map(({ start, reading }) => start.busy / reading.busy)).toFixed(2)}**`,
    Math.max(...rounds.map(({ start }) => start.busiest)).toFixed(1),
    Math.max(...rounds.map(({ start }) => start.longest)).toFixed(1),
    median(changed(({ inForce }) => inForce)).toFixed(0),
    median(changed(({ busy }) => busy)).toFixed(0),
    most(({ busiest }) => busiest),
    most(({ longest }) => longest),
    median(rounds.map(({ idle }) => idle.busy)).toFixed(1),
    middle(({ idle }) => idle.resident / 1e6),
    middle(({ idle }) => idle.peak / 1e6)
  ].join(' | ')} |`)
}
console.log(`\nLoad average ${loadavg().map((load) => load.toFixed(1)).join(', ')} at the end`)
