/** The certificates, the CRLs and the client of a comparison, in a folder that is removed afterwards. */
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { makeLargeCrl } from '../../test/support/large-crl.js'
import { createAuthority, type Authority } from '../../test/support/pki.js'

export interface PeerSite {
  /** With ca.pem, server.pem and server.key. */
  readonly folder: string
  /** A client that no CRL revokes. */
  client (version: SecureVersion): SecureContext
  /** The file of a CRL of so many entries, in PEM. */
  crl (entries: number): string
  remove (): void
}

/** All keys are P-256. Servers and clients have different roots, as in bench/site.ts. */
export async function makePeerSite (sizes: readonly number[]): Promise<PeerSite> {
  const [serverRoot, clientRoot] = await Promise.all(['Server Root', 'Client Root'].map((name) => createAuthority({ name }))) as [Authority, Authority]
  const [server, client] = await Promise.all([
    serverRoot.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] }),
    clientRoot.issue({ name: 'client', usage: 'client' })
  ])
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-peers-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  // Also if the process is interrupted: a large CRL has 50 MB.
  process.once('exit', remove)
  const files = { 'ca.pem': clientRoot.certificate, 'server.pem': server.chain, 'server.key': server.key }
  for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content)
  const crl = (entries: number): string => join(folder, `crl-${entries}.pem`)
  for (const count of sizes) await writeFile(crl(count), makeLargeCrl(clientRoot, { count }).pem)
  return {
    folder,
    // One cipher and one group, since their default order is different in each program and version.
    client: (version) => createSecureContext({
      ca: serverRoot.certificate,
      cert: client.chain,
      key: client.key,
      minVersion: version,
      maxVersion: version,
      // TLS 1.2 demands P-256 for the certificates.
      ecdhCurve: 'X25519:P-256',
      ciphers: 'TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384'
    }),
    crl,
    remove
  }
}
