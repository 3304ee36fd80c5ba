/**
 * A service that knows its clients by certificate, and closes the connection of one that is revoked while it is
 * connected.
 *
 *     npm start              # builds and runs this with a development PKI
 *
 * ENDPOINT decides where it listens. The default is port 8443 of the loopback interface (PORT changes it), with
 * certificates that are created on the first run.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as wait } from 'node:timers/promises'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { ensureDevelopmentPki } from './development-pki.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/mutual-tls/pki', import.meta.url))
const path = (file: string) => join(folder, file)
const quoted = (file: string) => quoteEndpointArgument(path(file))

await ensureDevelopmentPki(folder)
const fallback = `tls:${process.env['PORT'] || 8443}:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}` +
  `:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback })

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject.replace('CN=', '') ?? 'anonymous' }))

// A response that goes on until the client disconnects, or is disconnected.
app.get('/clock', async (request, reply) => {
  reply.hijack()
  const name = request.clientCertificate?.subject.replace('CN=', '')
  const left = new AbortController()
  reply.raw.once('close', () => left.abort())
  while (!left.signal.aborted) {
    if (!reply.raw.write(`${new Date().toISOString()} still here, ${name}\n`)) await once(reply.raw, 'drain', { signal: left.signal }).catch(() => {})
    await wait(1000, undefined, { signal: left.signal }).catch(() => {})
  }
})

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })

const address = app.server.address()
if (app.endpoint.listeners[0]?.description === fallback && typeof address === 'object' && address !== null) {
  const url = `https://localhost:${address.port}`
  const inShell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const shell = (file: string) => inShell(path(file))
  // curl takes the part of --cert behind a colon as the passphrase.
  const certificate = (name: string) => inShell(path(`${name}.pem`).replace(/[\\:]/g, '\\$&'))
  const as = (name: string) => `curl --cacert ${shell('ca.pem')} --cert ${certificate(name)} --key ${shell(`${name}.key`)}`
  console.log(`
Try it in another terminal.

# Alice is served:
${as('alice')} ${url}/
# A client without a certificate is rejected:
curl --cacert ${shell('ca.pem')} ${url}/
# Mallory keeps a connection open for three seconds and is revoked: it is closed, and her next handshake fails:
${as('mallory')} --no-buffer ${url}/clock & sleep 3; echo mallory.pem >> ${shell('revoked.txt')}; wait $!; ${as('mallory')} ${url}/
# Alice is not affected:
${as('alice')} ${url}/
# Un-revoke Mallory:
sed -i '/^mallory.pem$/d' ${shell('revoked.txt')}
`)
}
