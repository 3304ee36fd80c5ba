import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Child } from '../support/children.js'
import { get } from '../support/mutual-tls.js'
import { makeTestFolder } from '../support/test-folder.js'

const ROOT = join(import.meta.dirname, '../..')

interface Example {
  readonly server: Child
  readonly port: number
  readonly folder: string
  /** Options of a client of the development PKI, or of one without a certificate. */
  as (name?: string): Promise<{ ca: string, cert?: string, key?: string, servername: string }>
}

async function start (t: Test, name: string): Promise<Example> {
  const folder = join(makeTestFolder(t), 'pki')
  const server = new Child(t, process.execPath, [`dist/examples/probes/${name}.js`, folder], { cwd: ROOT, env: { ...process.env, ENDPOINT: '', PORT: '0', PROBE_PORT: '0' } })
  const [, port] = await server.prints(/Server listening at https:\/\/127\.0\.0\.1:(\d+)/)
  const read = (file: string) => readFile(join(folder, file), 'utf8')
  return {
    server,
    port: Number(port),
    folder,
    as: async (name) => ({ ca: await read('ca.pem'), servername: 'localhost', ...(name !== undefined && { cert: await read(`${name}.pem`), key: await read(`${name}.key`) }) })
  }
}

t.test('beside mutual TLS, the probes are open to everybody, and everything else demands a certificate', async (t) => {
  const { server, port, folder, as } = await start(t, 'beside-mutual-tls')
  t.match(await get(port, await as(), '/live'), { status: 200, body: '{"status":"alive"}' })
  t.match(await get(port, await as(), '/ready'), { status: 200, body: '{"status":"ready"}' })
  for (const path of ['/', '/health']) t.match(await get(port, await as(), path), { status: 403, body: /FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED/ })
  t.match(await get(port, await as('alice')), { status: 200, body: '{"hello":"alice"}' })
  t.match(await get(port, await as('alice'), '/health'), { status: 200, body: '{"status":"ready","reasons":[]}' })

  await appendFile(join(folder, 'revoked.txt'), 'mallory.pem\n')
  await server.prints(/revocation list reloaded/)
  await t.rejects(get(port, await as('mallory'), '/live'), 'a certificate that is sent must be good')

  await writeFile(join(folder, 'mallory.pem'), 'garbage')
  await server.prints(/revocations cannot be loaded/)
  t.match(await get(port, await as(), '/ready'), { status: 200, body: '{"status":"degraded"}' })
  t.match(JSON.parse((await get(port, await as('alice'), '/health')).body), { status: 'degraded', reasons: [{ code: 'revocations_failed', file: join(folder, 'mallory.pem') }] })
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})

t.test('a second endpoint has only the probes, and the service demands a certificate from everybody', async (t) => {
  const { server, port, as } = await start(t, 'second-endpoint')
  const [, clear] = await server.prints(/Server listening at http:\/\/127\.0\.0\.1:(\d+)/)
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${clear}${path}`, init)
    return { status: response.status, body: await response.text() }
  }
  t.same(await ask('/live'), { status: 200, body: '{"status":"alive"}' })
  t.same(await ask('/ready?verbose'), { status: 200, body: '{"status":"ready"}' })
  t.match(await ask('/live', { method: 'HEAD' }), { status: 200 })
  for (const path of ['/', '/health', '/nowhere', '//', '/live/', '/%6cive/x', '/live/../health']) t.match(await ask(path), { status: 404 }, path)
  t.match(await ask('/', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }), { status: 404 })
  await t.rejects(get(port, await as(), '/live'), 'the port of the service requires a certificate from every client')
  t.match(await get(port, await as('alice')), { status: 200, body: '{"hello":"alice"}' })
  t.match(await get(port, await as('alice'), '/health'), { status: 200 })
  t.match(await get(port, await as('alice'), '/ready'), { status: 200 })
  server.kill('SIGTERM')
  t.same(await server.ended, { status: 0, signal: null })
})
