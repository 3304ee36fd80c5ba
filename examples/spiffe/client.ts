/**
 * Calls the server again and again, each time with the SVID that it has at that moment, and verifies the server by its SPIFFE
 * ID. Prints a line when something has changed, and at its end how many calls there were.
 *
 *     node dist/examples/spiffe/client.js [folder]      # PORT as for the server; PAUSE sets the milliseconds between two calls
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TLSSocket } from 'node:tls'
import type { IncomingMessage } from 'node:http'

const SERVER = 'spiffe://example.org/server'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/spiffe/pki', import.meta.url))
const port = process.env['PORT'] || 8444
const pause = Number(process.env['PAUSE'] || 200)

interface Credentials {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

let credentials: Credentials | undefined

/** Keeps the last ones while the files are being written: spiffe-helper writes one after the other. */
async function reload (): Promise<void> {
  const [cert, key, ca] = await Promise.all(['svid.pem', 'svid_key.pem', 'svid_bundle.pem'].map((name) => readFile(join(folder, 'client', name), 'utf8'))) as
    [string, string, string]
  try {
    if (ca !== '' && new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) credentials = { cert, key, ca }
  } catch {
    // Half of a file.
  }
}

async function call (): Promise<string> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/orders',
    agent: false,
    ...credentials,
    // The whole text, so that no other name can look like this one.
    checkServerIdentity: (_host, { subjectaltname }) =>
      subjectaltname === `URI:${SERVER}` ? undefined : new Error(`this is ${subjectaltname}, not ${SERVER}`)
  }).end()
  const [response] = await once(asked, 'response') as [IncomingMessage]
  const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate()
  return `${response.statusCode} ${await text(response)} from the SVID ${serialNumber}`
}

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { stopped.abort() })

const counts = { calls: 0, rejected: 0 }
let before: string | undefined
while (!stopped.signal.aborted) {
  await reload()
  counts.calls++
  const outcome = await call().catch((error: Error) => {
    counts.rejected++
    return `rejected: ${error.message.trim()}`
  })
  if (outcome !== before) console.log(`call ${counts.calls}: ${outcome}`)
  before = outcome
  await wait(pause)
}
console.log(`${counts.calls} calls, ${counts.rejected} rejected`)
