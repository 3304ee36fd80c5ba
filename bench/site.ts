/** The certificates that both servers and their clients use, in a folder that is removed afterwards. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { createAuthority, type Authority, type Issued, type LeafOptions } from '../test/support/pki.js'

/**
 * What a client presents: nothing, a certificate of a CA that the server trusts, or one below an intermediate, which it has to
 * send too.
 */
export type Client = 'anonymous' | 'direct' | 'below an intermediate'

export interface Site {
  readonly folder: string
  /** A client that trusts the server and is not revoked. */
  client (version: SecureVersion, who: Client): SecureContext
  /** Another client, with these names. */
  issue (version: SecureVersion, options: LeafOptions): Promise<SecureContext>
  remove (): Promise<void>
}

/**
 * All keys are P-256. Servers and clients have different roots, as is usual. Otherwise OpenSSL would find the client's root among
 * the certificates that the client trusts, and send it too.
 */
export async function makeSite (): Promise<Site> {
  const [serverRoot, clientRoot] = await Promise.all(['Server Root', 'Client Root'].map((name) => createAuthority({ name }))) as [Authority, Authority]
  const intermediate = await createAuthority({ name: 'Client Intermediate', issuer: clientRoot, pathLength: 0 })
  const [server, direct, below, ...revoked] = await Promise.all([
    serverRoot.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }),
    clientRoot.issue({ name: 'direct', usage: 'client' }),
    intermediate.issue({ name: 'below', usage: 'client' }),
    ...['mallory', 'mallet', 'trudy', 'eve'].map((name) => clientRoot.issue({ name, usage: 'client' }))
  ]) as [Issued, Issued, Issued, ...Issued[]]
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-bench-'))
  await Promise.all(Object.entries({
    'ca.pem': clientRoot.certificate,
    'server.pem': server.chain,
    'server.key': server.key,
    'revoked.pem': revoked.map(({ certificate }) => certificate).join(''),
    'revoked.txt': 'revoked.pem\n'
  }).map(([file, content]) => writeFile(join(folder, file), content)))
  const own = {
    anonymous: {},
    direct: { cert: direct.chain, key: direct.key },
    'below an intermediate': { cert: below.chain, key: below.key }
  }
  const context = (version: SecureVersion, client: { cert?: string, key?: string }): SecureContext =>
    createSecureContext({ ca: serverRoot.certificate, minVersion: version, maxVersion: version, ...client })
  return {
    folder,
    client: (version, who) => context(version, own[who]),
    issue: async (version, options) => {
      const { chain, key } = await clientRoot.issue(options)
      return context(version, { cert: chain, key })
    },
    remove: () => rm(folder, { recursive: true })
  }
}
