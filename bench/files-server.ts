/**
 * A server of mutual TLS whose list names many files, in its own process:
 *
 *     node dist/bench/files-server.js folder
 *
 * The folder holds ca.pem, server.pem, server.key, revoked.txt, and the files in certs. It sends what its start took, and
 * answers each message with one: see `FilesCommand`.
 */
import { subscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { type Turn, Turns } from './turns.js'

/**
 * `change` gives a file the content of another one, or its own again, and answers when that is in force. `watch` does the
 * same and measures the turns of the event loop, which costs time itself. `idle` returns the cost of doing nothing.
 */
export type FilesCommand = 'change' | 'watch' | 'idle'

/** Times in milliseconds: by the clock, or (`busy`) of the processor, all threads. */
export interface StartReport {
  readonly port: number
  readonly took: number
  readonly busy: number
  /** Of the main thread in its busiest turn, and by the clock in its longest. */
  readonly busiest: number
  readonly longest: number
}

export interface ChangeReport {
  readonly inForce: number
  /** Until a second after the change. */
  readonly busy: number
  /** Of the main thread in its busiest turn until then, and by the clock in its longest. */
  readonly busiest: number
  readonly longest: number
}

export interface IdleReport {
  /** In a second. */
  readonly busy: number
  /** Bytes, after a garbage collection. */
  readonly resident: number
  readonly peak: number
}

const IDLE_SECONDS = 10

const [, , folder = ''] = process.argv
const path = (...names: string[]): string => join(folder, ...names)
const names = readdirSync(path('certs'))
/** The content of the file that changes, which returns every second time, and that of another one. */
const contents = names.slice(0, 2).map((name) => readFileSync(path('certs', name)))
let turn = 0

function busySince (before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function most (turns: readonly Turn[], of: 'running' | 'duration'): number {
  return turns.reduce((most, turn) => Math.max(most, turn[of]), 0)
}

/** Resolves when another set is in force. */
function swapped (change: () => void): Promise<void> {
  return new Promise((resolve) => {
    note = resolve
    change()
  })
}

async function change (turns?: Turns): Promise<ChangeReport> {
  const content = contents[++turn % contents.length] as Buffer
  const cpu = process.cpuUsage()
  const start = performance.now()
  await swapped(() => replace(path('certs', names[0] as string), content))
  const inForce = performance.now() - start
  await pause(Math.max(0, 1000 - inForce))
  const busy = busySince(cpu)
  const all = (await turns?.stop() ?? []).filter((turn) => turn.start + turn.duration >= start)
  return { inForce, busy, busiest: most(all, 'running'), longest: most(all, 'duration') }
}

function replace (file: string, content: Buffer): void {
  writeFileSync(path('next'), content)
  renameSync(path('next'), file)
}

async function idle (): Promise<IdleReport> {
  await pause(1000)
  const cpu = process.cpuUsage()
  await pause(IDLE_SECONDS * 1000)
  const busy = busySince(cpu) / IDLE_SECONDS
  for (let round = 0; round < 3; round++) globalThis.gc?.()
  return { busy, resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 }
}

let note = (): void => {}
subscribe('fastify-endpoint:revocation:swapped', () => note())
const app = Fastify({ serverFactory, logger: { level: 'warn', file: path('log') }, pluginTimeout: 0 })
const quoted = (file: string): string => quoteEndpointArgument(path(file))
const cpu = process.cpuUsage()
const start = performance.now()
const turns = new Turns()
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`
})
app.get('/', async () => 'served')
await app.listen()
const took = performance.now() - start
const busy = busySince(cpu)
const turnsOfStart = await turns.stop()

process.on('message', (command: FilesCommand) => {
  const answer = command === 'idle' ? idle() : change(command === 'watch' ? new Turns() : undefined)
  answer.then((report) => process.send?.(report))
})
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port, took, busy, busiest: most(turnsOfStart, 'running'), longest: most(turnsOfStart, 'duration') } satisfies StartReport)
