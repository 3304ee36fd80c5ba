/**
 * How the chains that clients send affect the memory of the server:
 *
 *     npm run bench:chains -- [--clients 2000]
 *
 * For each length of chain and version of TLS, so many clients connect once each: strangers, which OpenSSL rejects, and
 * clients of the authority, each with its own certificate below an intermediate that only the client sends. A row shows how
 * much the server's process has grown, after a garbage collection. The first row includes the warm-up.
 */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { parseArgs } from 'node:util'
import { createAuthority, generateKeyPair, type Authority, type Issued } from '../test/support/pki.js'
import { ServerSide } from './soak-side.js'

const { values } = parseArgs({ options: { clients: { type: 'string', default: '2000' } } })
const CLIENTS = Number(values.clients)
/** Handshakes at the same time. */
const PARALLEL = 8

type Kind = 'refused' | 'first admissions'

/** A client's issuer, and the certificates that the client sends behind its own. */
interface Chain {
  readonly length: number
  readonly issuer: Authority
  readonly behind: string
}

async function makeChain (root: Authority, length: number): Promise<Chain> {
  let issuer = root
  for (let i = 1; i < length; i++) issuer = await createAuthority({ name: `Intermediate ${i} of ${length}`, issuer })
  return { length, issuer, behind: length === 1 ? '' : issuer.chain }
}

/** One connection, until it has ended. A client that is rejected gets no response. */
async function come (port: number, secureContext: SecureContext): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext, rejectUnauthorized: false })
  socket.on('error', () => {}).resume()
  socket.once('secureConnect', () => { socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n') })
  await once(socket, 'close').catch(() => {})
}

const keyPair = await generateKeyPair()

async function clientOf ({ issuer, behind }: Chain, index: number, version: SecureVersion): Promise<SecureContext> {
  const { certificate, key } = await issuer.issue({ name: `client ${index}`, usage: 'client', keyPair }) as Issued
  return createSecureContext({ cert: certificate + behind, key, minVersion: version, maxVersion: version })
}

/** The growth of the server, in MB. */
async function measure (server: ServerSide, port: number, kind: Kind, chain: Chain, version: SecureVersion): Promise<number> {
  const { rss: before } = await server.report()
  const stranger = kind === 'refused' ? await clientOf(chain, 0, version) : undefined
  let next = 0
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    while (next < CLIENTS) await come(port, stranger ?? await clientOf(chain, next++, version)).finally(() => { if (stranger !== undefined) next++ })
  }))
  const { rss: after } = await server.report()
  return (after - before) / 1024 / 1024
}

const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-chains-'))
let server: ServerSide | undefined
try {
  const [root, foreign] = await Promise.all(['Root', 'Foreign Root'].map((name) => createAuthority({ name }))) as [Authority, Authority]
  const own = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await Promise.all(Object.entries({ 'ca.pem': root.certificate, 'server.pem': own.chain, 'server.key': own.key, 'revoked.txt': '# nobody\n' })
    .map(([file, content]) => writeFile(join(folder, file), content)))
  server = new ServerSide(folder)
  const port = await server.port()
  console.log(`Node.js ${process.version}, ${CLIENTS} clients a row\n\n| | TLS | certificates in the chain | growth of RSS, MB |\n|---|---|--:|--:|`)
  for (const kind of ['refused', 'first admissions'] as const) {
    for (const length of [1, 3, 111]) {
      const chain = await makeChain(kind === 'refused' ? foreign : root, length)
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const growth = await measure(server, port, kind, chain, version)
        console.log(`| ${kind} | ${version.slice(4)} | ${length} | ${growth.toFixed(1)} |`)
      }
    }
  }
} finally {
  await server?.stop()
  await rm(folder, { recursive: true })
}
