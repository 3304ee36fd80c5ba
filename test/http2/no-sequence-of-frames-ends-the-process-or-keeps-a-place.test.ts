/** Clients send random sequences of frames. The server has its own process, so that the test notices if it ends. */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { connect } from 'node:tls'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { drawSequence, randomNumbers, type Sequence } from '../support/http2-frames.js'
import { asClient, get, makeSite, type Site } from '../support/mutual-tls.js'
import { until } from '../support/until.js'

// You can set a higher number for a run by hand: 16,000 take some minutes.
const CONNECTIONS = Number(process.env['FUZZED_CONNECTIONS'] ?? 400)
const SEED = Number(process.env['FUZZED_SEED'] ?? 9113)
const AT_A_TIME = 32

t.setTimeout(Math.max(120_000, CONNECTIONS * 100))

/** Resolves when the connection has ended, from whichever side. */
async function send (port: number, site: Site, isAlice: boolean, { writes, end, reads }: Sequence): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ...asClient(site, isAlice ? site.alice : undefined), ALPNProtocols: ['h2'] })
  const closed = new Promise((resolve) => { socket.once('close', resolve) })
  socket.on('error', () => {})
  await Promise.race([once(socket, 'secureConnect').catch(() => {}), closed])
  if (reads) socket.resume()
  for (const bytes of writes) {
    socket.write(bytes)
    await turn()
  }
  if (end === 'FIN') socket.end()
  if (end === 'RST') socket.destroy()
  // The server closes a silent connection, and the client notices only if it reads.
  socket.resume()
  await closed
}

t.test(`the process survives random frames on ${CONNECTIONS} connections, and each connection is released`, async (t) => {
  const site = await makeSite(t)
  const child = startProgram(t, 'serve-http2', [`${site.endpoint()}:alpn=h2+http/1.1:verify=optional`])
  const [, address = ''] = await child.prints(/listening (\{.*\})/)
  const { port } = JSON.parse(address) as { port: number }
  const random = randomNumbers(SEED)
  const count = async (): Promise<number> => {
    child.output = ''
    child.process.stdin?.write('\n')
    return Number((await child.prints(/connections (\d+);/))[1])
  }
  for (let start = 0; start < CONNECTIONS; start += AT_A_TIME) {
    const sequences = Array.from({ length: AT_A_TIME }, () => drawSequence(random))
    await Promise.all(sequences.map((sequence, index) => send(port, site, index % 2 === 0, sequence)))
    const { exitCode, signalCode } = child.process
    if (exitCode !== null || signalCode !== null) throw new Error(`ended by ${signalCode ?? exitCode} over one of the connections ${start} to ${start + AT_A_TIME} of ${SEED}: ${child.output.slice(-1000)}`)
  }
  // Each is closed on this side; a turn later on the other.
  await until('no connection is open', async () => await count() === 0)
  t.match(await get(port, asClient(site, site.alice)), { status: 200, body: 'hello' })
})
