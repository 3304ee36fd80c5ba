/**
 * Other readers of the key log, `node --tls-keylog` or the app, keep their lines: we wipe only our copy.
 */
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { startProgram } from '../support/children.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

const LABELS = ['CLIENT_HANDSHAKE_TRAFFIC_SECRET', 'CLIENT_TRAFFIC_SECRET_0', 'EXPORTER_SECRET', 'SERVER_HANDSHAKE_TRAFFIC_SECRET', 'SERVER_TRAFFIC_SECRET_0']
const LINE = /^[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,96}$/

function checkLines (t: Test, text: string): void {
  const lines = text.trimEnd().split('\n')
  for (const line of lines) t.match(line, LINE)
  // The file also holds the secrets of the handshakes that the process makes with itself.
  t.same([...new Set(lines.map((line) => line.split(' ')[0] as string))].filter((label) => label !== 'CLIENT_RANDOM').sort(), LABELS)
}

t.test('the file of node --tls-keylog holds the secrets', async (t) => {
  const site = await makeSite(t)
  const file = site.path('keys.log')
  const child = startProgram(t, 'serve', [site.endpoint()], { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --tls-keylog=${file}` })
  const [, port] = await child.prints(/listening .*"port":(\d+)/)
  await get(Number(port), { ...asClient(site, site.alice), maxVersion: 'TLSv1.3' })
  child.kill('SIGTERM')
  await child.ended
  checkLines(t, await readFile(file, 'utf8'))
})

t.test('the event keylog of the server gives the secrets to the app', async (t) => {
  const site = await makeSite(t)
  const lines: Buffer[] = []
  const { port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', async () => 'hello')
    app.server.on('keylog', (line: Buffer) => { lines.push(line) })
  })
  await get(port, { ...asClient(site, site.alice), maxVersion: 'TLSv1.3' })
  checkLines(t, Buffer.concat(lines).toString('latin1'))
})
