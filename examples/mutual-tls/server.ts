/**
 * A service that knows its clients by certificate, and drops one while it talks to her.
 *
 *     npm start              # builds and runs this with a development PKI
 *
 * ENDPOINT decides where it listens. Without it, it is TLS on port 8443 of the loopback interface
 * (PORT chooses another one), with certificates that are made on the first run.
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

// A response that goes on until the client leaves, or is made to leave.
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
  // Of --cert, curl takes what follows a colon for a passphrase.
  const certificate = (name: string) => inShell(path(`${name}.pem`).replace(/[\\:]/g, '\\$&'))
  const as = (name: string) => `curl --cacert ${shell('ca.pem')} --cert ${certificate(name)} --key ${shell(`${name}.key`)}`
  console.log(`
Try it in another terminal.

# Alice is served:
${as('alice')} ${url}/
# A stranger is refused:
curl --cacert ${shell('ca.pem')} ${url}/
# Mallory holds a connection open for three seconds, is revoked, and is cut off; then she is refused:
${as('mallory')} --no-buffer ${url}/clock & sleep 3; echo mallory.pem >> ${shell('revoked.txt')}; wait $!; ${as('mallory')} ${url}/
# Alice does not notice:
${as('alice')} ${url}/
# Mallory is forgiven:
sed -i '/^mallory.pem$/d' ${shell('revoked.txt')}
`)
}
