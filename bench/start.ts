/**
 * What the package costs on the disk and at the start:
 *
 *     npm run bench:start -- [--rounds 20]
 *
 * A process that loads Fastify, listens and exits takes turns with one that does so through this package.
 * It counts the processor time of the whole process, from its first instruction on.
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeSite } from './site.js'
import { median } from './table.js'

const { values: { rounds } } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } })
const ROUNDS = Number(rounds)
const INSTALLED = fileURLToPath(new URL('../installed', import.meta.url))

function bare (options: string): string {
  return `
    import Fastify from 'fastify'
    import { readFileSync } from 'node:fs'
    process.chdir(process.env.FOLDER)
    const app = Fastify(${options})
    await app.listen({ host: '127.0.0.1', port: 0 })`
}

function ours (endpoint: string): string {
  return `
    import Fastify from 'fastify'
    import endpoint, { serverFactory } from 'fastify-endpoint'
    process.chdir(process.env.FOLDER)
    const app = Fastify({ serverFactory })
    await app.register(endpoint, ${endpoint})
    await app.listen()`
}

const TCP = 'tcp:0:interface=127.0.0.1'
const TLS = 'tls:0:interface=127.0.0.1:privateKey=server.key:certKey=server.pem:authorities=ca.pem:revokedFile=one.txt'

/** What starts, and what it is compared with. */
const ROWS = [
  { name: '`tcp:`', bare: bare('{}'), ours: ours(`{ endpoint: '${TCP}' }`) },
  { name: '`tcp:` from the variable ENDPOINT', bare: bare('{}'), ours: ours('{}') },
  {
    name: '`tls:` with authorities and a list of one certificate',
    bare: bare("{ https: { key: readFileSync('server.key'), cert: readFileSync('server.pem'), ca: readFileSync('ca.pem'), requestCert: true, rejectUnauthorized: true } }"),
    ours: ours(`{ endpoint: '${TLS}' }`)
  }
]

/** Milliseconds of processor time until it listens. */
function start (program: string, folder: string): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', `${program}
    const { user, system } = process.cpuUsage()
    console.log((user + system) / 1000)
    process.exit()`], { cwd: INSTALLED, encoding: 'utf8', env: { ...process.env, FOLDER: folder, ENDPOINT: TCP } })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

/** Bytes of a file, or of all files of a folder. */
function sizeOf (path: string): number {
  const stats = lstatSync(path)
  return stats.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stats.size
}

const site = await makeSite()
const lines: string[] = []
try {
  writeFileSync(join(site.folder, 'one.txt'), 'revoked.pem\n')
  const seen = ROWS.map(() => ({ bare: [] as number[], ours: [] as number[] }))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, row] of ROWS.entries()) {
      for (const side of round % 2 === 0 ? ['bare', 'ours'] as const : ['ours', 'bare'] as const) {
        seen[index]?.[side].push(start(row[side], site.folder))
      }
    }
  }
  for (const [index, { name }] of ROWS.entries()) {
    const { bare, ours } = seen[index] as { bare: number[], ours: number[] }
    const [theirs, own] = [median(bare), median(ours)]
    const least = Math.min(...ours) / Math.min(...bare)
    lines.push(`| ${name} | ${theirs.toFixed(0)} | ${own.toFixed(0)} | ${(own - theirs).toFixed(0)} | **${(own / theirs).toFixed(2)}** | ${least.toFixed(2)} |`)
  }
} finally {
  await site.remove()
}
console.log(`Node.js ${process.version}, ${ROUNDS} starts of each, processor time until it listens in ms (medians)

| | Fastify | on an endpoint | difference | ratio | of the shortest starts |
|---|--:|--:|--:|--:|--:|
${lines.join('\n')}
`)

const modules = join(INSTALLED, 'node_modules')
const sizes = readdirSync(modules).flatMap((name) => name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name])
  .map((name) => ({ name, kilobytes: Math.round(sizeOf(join(modules, name)) / 1000) }))
  .sort((a, b) => b.kilobytes - a.kilobytes)
console.log(`| installed | kB |
|---|--:|
| all, Fastify among them | ${sizes.reduce((sum, { kilobytes }) => sum + kilobytes, 0)} |
${sizes.filter(({ name }, index) => index < 8 || name === 'fastify-endpoint').map(({ name, kilobytes }) => `| ${name} | ${kilobytes} |`).join('\n')}`)
