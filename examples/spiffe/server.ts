/**
 * A workload of a SPIFFE trust domain. It serves the workloads that allowed.txt names, and follows its SVID, the bundle of the
 * trust domain and allowed.txt while it runs.
 *
 *     node dist/examples/spiffe/server.js [folder]      # the folder that helper.js writes; PORT sets the port
 */
import { access, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/spiffe/pki', import.meta.url))
const file = (...names: string[]) => join(folder, ...names)
const quoted = (...names: string[]) => quoteEndpointArgument(file(...names))

const isThere = await access(file('allowed.txt')).then(() => true, () => false)
if (!isThere) {
  // A list that is renamed into its place counts at once.
  await writeFile(file('allowed.txt.new'), 'uri:spiffe://example.org/client role=reader\n')
  await rename(file('allowed.txt.new'), file('allowed.txt'))
}

const fallback = `tls:${process.env['PORT'] || 8444}:interface=127.0.0.1` +
  `:privateKey=${quoted('server', 'svid_key.pem')}:certKey=${quoted('server', 'svid.pem')}` +
  `:authorities=${quoted('server', 'svid_bundle.pem')}:allowedFile=${quoted('allowed.txt')}`

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback })

app.get('/orders', { config: { endpoint: { allow: ['role:reader'] } } }, async ({ clientIdentity, clientCertificate }) => ({
  caller: clientIdentity?.spiffeId,
  svid: clientCertificate?.serialNumber
}))

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
