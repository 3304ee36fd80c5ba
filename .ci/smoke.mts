/** An app on the installed package: all of its entry points, and a request to a port that the system chose. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import endpoint, { parseEndpoint, serverFactory } from 'fastify-endpoint'
import * as revocation from 'fastify-endpoint/revocation'

const app = Fastify({ serverFactory })
await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
app.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))
await app.listen()
try {
  const { port } = app.server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/`)
  assert.deepEqual(await response.json(), { hello: 'anonymous' })
} finally {
  await app.close()
}

assert.equal(parseEndpoint('tcp:3000').type, 'tcp')
assert.equal(typeof revocation.loadRevocations, 'function')
const require = createRequire(import.meta.url)
assert.equal(require('fastify-endpoint').serverFactory, serverFactory, 'require() gives the same module')
assert.match(require('fastify-endpoint/package.json').version, /^\d+\.\d+\.\d+/)
console.log(`served on ${process.version}`)
