/**
 * What the package costs on the disk and at the start:
 *
 *     npm run bench:start
 *
 * A process that loads Fastify, listens and exits takes turns with one that does so through this package.
 * It counts the processor time of the whole process, from its first instruction on.
 */
import { spawnSync } from 'node:child_process'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from './table.js'

const ROUNDS = 30
const INSTALLED = fileURLToPath(new URL('../installed', import.meta.url))

const PROGRAMS = {
  fastify: `
    import Fastify from 'fastify'
    const app = Fastify()
    await app.listen({ host: '127.0.0.1', port: 0 })`,
  ours: `
    import Fastify from 'fastify'
    import endpoint, { serverFactory } from 'fastify-endpoint'
    const app = Fastify({ serverFactory })
    await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
    await app.listen()`
}

/** Milliseconds of processor time until it listens. */
function start (program: string): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', `${program}
    const { user, system } = process.cpuUsage()
    console.log((user + system) / 1000)
    process.exit()`], { cwd: INSTALLED, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return Number(stdout)
}

/** Bytes of a file, or of all files of a folder. */
function sizeOf (path: string): number {
  const stats = lstatSync(path)
  return stats.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0) : stats.size
}

const seen = { fastify: [] as number[], ours: [] as number[] }
for (let round = 0; round < ROUNDS; round++) {
  for (const side of round % 2 === 0 ? ['fastify', 'ours'] as const : ['ours', 'fastify'] as const) seen[side].push(start(PROGRAMS[side]))
}
const [ours, fastify] = [median(seen.ours), median(seen.fastify)]
console.log(`Node.js ${process.version}, ${ROUNDS} starts of each\n
| | processor time until it listens, ms |
|---|--:|
| Fastify | ${fastify.toFixed(0)} |
| Fastify on an endpoint | ${ours.toFixed(0)} |
| ratio | **${(ours / fastify).toFixed(2)}** |
`)

const modules = join(INSTALLED, 'node_modules')
const sizes = readdirSync(modules).flatMap((name) => name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name])
  .map((name) => ({ name, kilobytes: Math.round(sizeOf(join(modules, name)) / 1000) }))
  .sort((a, b) => b.kilobytes - a.kilobytes)
console.log(`| installed | kB |
|---|--:|
| all, Fastify among them | ${sizes.reduce((sum, { kilobytes }) => sum + kilobytes, 0)} |
${sizes.filter(({ name }, index) => index < 8 || name === 'fastify-endpoint').map(({ name, kilobytes }) => `| ${name} | ${kilobytes} |`).join('\n')}`)
