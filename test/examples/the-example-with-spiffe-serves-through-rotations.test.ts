import { rename, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TrustDomain } from '../../examples/spiffe/trust-domain.js'
import { Child } from '../support/children.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

const ROOT = join(import.meta.dirname, '../..')
const RELOADED = /"msg":"credentials reloaded"/g

t.test('calls succeed while SVIDs and the authority are renewed twice, and only clients that the list names are served', async (t) => {
  const folder = join(makeTestFolder(t), 'trust domain')
  const domain = await TrustDomain.start(folder, 'example.org', ['server', 'client'])
  const start = (name: string, env: NodeJS.ProcessEnv): Child =>
    new Child(t, process.execPath, [`dist/examples/spiffe/${name}.js`, folder], { cwd: ROOT, env: { ...process.env, ENDPOINT: '', ...env } })
  const server = start('server', { PORT: '0' })
  const [, port = ''] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  const client = start('client', { PORT: port, PAUSE: '20' })
  await client.prints(/^call 1: 200 \{"caller":"spiffe:\/\/example\.org\/client",/m)
  const first = filesOfClient(folder)

  /** Waits until both sides use the new SVIDs. */
  const served = async (serials: Map<string, string>): Promise<unknown> =>
    await client.prints(new RegExp(`200 \\{.*"svid":"0*${serials.get('client')}"\\} from the SVID 0*${serials.get('server')}\n`))
  const reloads = (): number => server.output.match(RELOADED)?.length ?? 0

  for (let authority = 0; authority < 2; authority++) {
    await served(await domain.renew())
    const before = reloads()
    await domain.prepareAuthority()
    await until('the server has reloaded', () => reloads() > before)
    await served(await domain.activateAuthority())
    await domain.dropOldAuthorities()
  }
  t.notMatch(client.output, /rejected/, 'no call failed')
  const old = { ...filesOfClient(folder), cert: first.cert, key: first.key, checkServerIdentity: () => undefined }
  await until('an SVID of an authority that is gone is rejected', async () => await alertSeenByNode({ port: Number(port) }, old) === 'unknown_ca')

  const list = async (rule: string): Promise<void> => {
    await writeFile(join(folder, 'new'), rule)
    await rename(join(folder, 'new'), join(folder, 'allowed.txt'))
  }
  await list('uri:spiffe://example.org/other\n')
  await client.prints(/rejected: .*alert access denied/)
  await list('uri:spiffe://example.org/* role=reader\n')
  await client.prints(/rejected: [^]*\ncall \d+: 200 /)

  client.kill('SIGTERM')
  t.same(await client.ended, { status: 0, signal: null })
  t.match(client.output, /\d+ calls, [1-9]\d* rejected\n$/)
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})

function filesOfClient (folder: string): { cert: string, key: string, ca: string } {
  const read = (name: string): string => readFileSync(join(folder, 'client', name), 'utf8')
  return { cert: read('svid.pem'), key: read('svid_key.pem'), ca: read('svid_bundle.pem') }
}
