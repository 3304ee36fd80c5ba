/** Workers share a store: one orders, a validator may come to any of them, and another one takes over if the first is killed. */
import { request } from 'node:https'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Child } from '../support/children.js'
import { type RunningPebble, startPebble } from '../support/pebble.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const isPossible = hasProgram(t, 'pebble')
const PROGRAM = join(import.meta.dirname, '../programs/ordering-workers.ts')
const REGISTER = join(import.meta.dirname, '../typescript/register.mjs')

async function startWorkers (t: Test, pebble: RunningPebble, count: number): Promise<Child> {
  const text = `tls:${pebble.tlsPort}:interface=127.0.0.1:${pebble.arguments('example.org', join(makeShortFolder(t), 'store'))}`
  const { NODE_OPTIONS: _, ...env } = process.env
  return new Child(t, process.execPath, [`--import=${REGISTER}`, PROGRAM, text, String(count)], { env })
}

/** The worker that answers, and the serial number of its certificate. */
async function answer (port: number, ca: string): Promise<[pid: number, serial: string]> {
  return await new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', servername: 'example.org', ca, agent: false }, (response) => {
      const serial = (response.socket as import('node:tls').TLSSocket).getPeerX509Certificate()?.serialNumber ?? ''
      let body = ''
      response.on('data', (piece) => { body += String(piece) }).on('end', () => { resolve([Number(body), serial]) })
    }).on('error', reject).end()
  })
}

t.test('two workers make one order, and both serve its certificate', { skip: !isPossible }, async (t) => {
  const pebble = await startPebble(t)
  const ca = await pebble.root()
  const workers = await startWorkers(t, pebble, 2)
  const serials = new Map<number, string>()
  await until('both serve it', async () => {
    const [pid, serial] = await answer(pebble.tlsPort, ca).catch(() => [0, ''] as const)
    if (pid !== 0) serials.set(pid, serial)
    return serials.size === 2
  })
  t.equal(new Set(serials.values()).size, 1)
  t.equal(workers.output.match(/"certificate ordered"/g)?.length, 1)
  t.equal(pebble.child.output.match(/Issued certificate serial/g)?.length, 1)
})

t.test('if the worker that orders is killed, another one continues its order', { skip: !isPossible }, async (t) => {
  const pebble = await startPebble(t)
  const ca = await pebble.root()
  const workers = await startWorkers(t, pebble, 2)
  const [, pid] = await workers.prints(/"pid":(\d+)[^\n]*"challenges are outstanding"/)
  process.kill(Number(pid), 'SIGKILL')
  await workers.prints(/"certificate order continued"/)
  const [other] = await until('the other one serves it', async () => await answer(pebble.tlsPort, ca).catch(() => undefined))
  t.not(other, Number(pid))
  t.equal(pebble.child.output.match(/Issued certificate serial/g)?.length, 1)
})
