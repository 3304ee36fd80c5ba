/** The certificates that both servers and their clients use, in a folder that is removed afterwards. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { createAuthority, type Issued } from '../test/support/pki.js'

export interface Site {
  readonly folder: string
  /** A client that trusts the server and, if it is to be known itself, shows a certificate that is not revoked. */
  client (version: SecureVersion, known: boolean): SecureContext
  remove (): Promise<void>
}

/** All keys are P-256. The list of revoked certificates holds some, none of them the client's. */
export async function makeSite (): Promise<Site> {
  const ca = await createAuthority({ name: 'Benchmark CA' })
  const [server, client, ...revoked] = await Promise.all([
    ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }),
    ca.issue({ name: 'client', usage: 'client' }),
    ...['mallory', 'mallet', 'trudy', 'eve'].map((name) => ca.issue({ name, usage: 'client' }))
  ]) as [Issued, Issued, ...Issued[]]
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-bench-'))
  await Promise.all(Object.entries({
    'ca.pem': ca.certificate,
    'server.pem': server.chain,
    'server.key': server.key,
    'revoked.pem': revoked.map(({ certificate }) => certificate).join(''),
    'revoked.txt': 'revoked.pem\n'
  }).map(([file, content]) => writeFile(join(folder, file), content)))
  return {
    folder,
    client: (version, known) => createSecureContext({
      ca: ca.certificate,
      minVersion: version,
      maxVersion: version,
      ...(known ? { cert: client.chain, key: client.key } : {})
    }),
    remove: () => rm(folder, { recursive: true })
  }
}
