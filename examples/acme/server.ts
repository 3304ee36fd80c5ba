/**
 * An HTTPS service that orders its certificate by itself. The directory is Pebble, a test server for ACME, on this machine; in
 * production it is Let's Encrypt, and the endpoint string needs no more than the names, a store and your consent.
 *
 *     npm run start:acme     # builds and runs this; needs Debian's package pebble
 *
 * The first argument is the folder for Pebble and the store (a new one).
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { startPebble } from './pebble.js'

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'acme-'))
const pebble = await startPebble(folder)

const string = [
  `tls:${pebble.tlsPort}:interface=127.0.0.1`,
  'acme=www.example.org,example.org',
  `acmeStore=${quoteEndpointArgument(join(folder, 'store'))}`,
  'acmeTerms=agreed',
  // Without these two, the directory is the one of Let's Encrypt.
  `acmeDirectory=${quoteEndpointArgument(pebble.directory)}`,
  `acmeCa=${quoteEndpointArgument(pebble.ca)}`,
  // listen() waits for the first certificate.
  'acmeWait=60'
].join(':')

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback: string })
app.get('/', async () => ({ hello: 'world' }))
app.addHook('onClose', async () => { pebble.stop() })

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
try {
  await app.listen()
} catch (err) {
  app.log.error({ err }, 'the app could not be started')
  process.exitCode = 1
  await app.close()
}

console.log(`
Try it in another terminal:

curl --cacert '${await pebble.saveRoot()}' --resolve www.example.org:${pebble.tlsPort}:127.0.0.1 https://www.example.org:${pebble.tlsPort}/
`)
