/** The certificates, lists and backend of one measurement: alice stays good, and mallory is revoked meanwhile. */
import 'reflect-metadata'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { createAuthority, type Authority, type Issued } from '../../test/support/pki.js'
import { answer } from './answer.js'
import type { Cleanup } from './peer.js'

export interface RefusalSite {
  readonly ca: Authority
  readonly alice: Issued
  readonly mallory: Issued
  /** Port of plain HTTP, for programs that only forward requests. */
  readonly backend: number
  path (file: string): string
  /** Adds mallory to crl.pem, which is empty before. */
  publishCrl (): Promise<void>
}

/**
 * In the folder: ca.pem; server.pem, server.key and both in server-both.pem; the same for alice and mallory without the third;
 * crl.pem; and revoked.txt, a list that matches no file.
 */
export async function makeRefusalSite (cleanup: Cleanup): Promise<RefusalSite> {
  const ca = await createAuthority({ name: 'Refusals CA' })
  const [server, alice, mallory] = await Promise.all([
    ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }),
    ca.issue({ name: 'alice', usage: 'client' }),
    ca.issue({ name: 'mallory', usage: 'client' })
  ])
  const folder = await mkdtemp(join(tmpdir(), 'fastify-endpoint-refusals-'))
  cleanup.teardown(() => rm(folder, { recursive: true }))
  const path = (file: string): string => join(folder, file)
  const writeCrl = async (revoked: readonly Issued[]): Promise<void> => writeFile(path('crl.pem'), await makeCrl(ca, revoked))
  await writeCrl([])
  await Promise.all(Object.entries({
    'ca.pem': ca.certificate,
    'server-both.pem': server.chain + server.key,
    'revoked.txt': '# nobody yet\n',
    ...Object.fromEntries(Object.entries({ server, alice, mallory }).flatMap(([name, { chain, key }]) => [[`${name}.pem`, chain], [`${name}.key`, key]]))
  }).map(([file, content]) => writeFile(path(file), content)))
  return { ca, alice, mallory, backend: await startBackend(cleanup), path, publishCrl: () => writeCrl([mallory]) }
}

async function makeCrl (ca: Authority, revoked: readonly Issued[]): Promise<string> {
  const crl = await x509.X509CrlGenerator.create({
    issuer: ca.x509.subject,
    // Clocks have seconds: a CRL of this second must not be one of the future.
    thisUpdate: new Date(Date.now() - 60_000),
    nextUpdate: new Date(Date.now() + 3_600_000),
    entries: revoked.map(({ x509 }) => ({ serialNumber: x509.serialNumber, revocationDate: new Date() })),
    signingKey: ca.keyPair.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' }
  })
  // By its name in RFC 7468, which OpenSSL requires.
  return `${x509.PemConverter.encode(crl.rawData, 'X509 CRL').trim()}\n`
}

async function startBackend (cleanup: Cleanup): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}
