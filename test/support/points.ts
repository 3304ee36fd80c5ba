/** Authorities and CRLs that name distribution points on a server of a test. */
import { appendFile, writeFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { distributionPoints, extension, makeCrl, namesPoints, serialOf, uri, type CrlOptions, type PointOptions } from './crl.js'
import { refusing, saying, startHttp, type HttpServer, type Respond } from './http-source.js'
import { makeSite, type Site } from './mutual-tls.js'
import { createAuthority, Extension, type Authority, type Issued } from './pki.js'

/** The extension cRLDistributionPoints, with a point for each address. */
export function at (...addresses: string[]): Extension {
  return namesPoints(...pointsOf(addresses))
}

/** The extension freshestCRL, for a certificate. */
export function freshestOf (...addresses: string[]): Extension {
  return new Extension('2.5.29.46', false, distributionPoints(...pointsOf(addresses)))
}

/** The same with any value. */
export function brokenFreshest (value: Buffer): Extension {
  return new Extension('2.5.29.46', false, value)
}

/** The same for a CRL, in DER. */
export function freshest (...addresses: Array<string | PointOptions>): Buffer {
  return extension('2.5.29.46', distributionPoints(...pointsOf(addresses)))
}

function pointsOf (addresses: ReadonlyArray<string | PointOptions>): PointOptions[] {
  return addresses.map((address) => typeof address === 'string' ? { names: [uri(address)] } : address)
}

/** A server with a CRL, or any other answer, at each path. */
export interface Places extends HttpServer {
  readonly at: Map<string, Respond>
  /** Puts a CRL there that revokes these. */
  put (path: string, authority: Authority, revoked?: readonly Issued[], options?: CrlOptions): void
  /** How often a path was asked for. */
  count (path: string): number
}

export async function startPlaces (t: Test): Promise<Places> {
  const at = new Map<string, Respond>()
  const server = await startHttp(t, (request, response) => { (at.get(request.url ?? '') ?? refusing(404))(request, response) })
  return Object.assign(server, {
    at,
    put: (path: string, authority: Authority, revoked: readonly Issued[] = [], options: CrlOptions = {}) => {
      at.set(path, saying(makeCrl(authority, { entries: revoked.map(({ der }) => ({ serial: serialOf(der), reason: 1 })), ...options }).der))
    },
    count: (path: string) => server.asked.filter(({ url }) => url === path).length
  })
}

/** A site whose root has certified an issuing authority that names points, and a list that follows them. */
export interface PointsSite extends Site {
  readonly places: Places
  readonly issuing: Authority
  /** A client of the issuing authority. */
  readonly carol: Issued
  /** Whether the app refuses one. */
  isRevoked (app: FastifyInstance, one: Issued): boolean
}

/**
 * The list has a line for the CRL of the issuing authority, at `/issuing.crl` of the server, and the line `cdp:`.
 *
 * @param names what the certificate of the issuing authority has in addition, of the addresses of the server
 */
export async function makePointsSite (t: Test, names: (url: (path: string) => string) => Extension[], ca?: Authority): Promise<PointsSite> {
  const places = await startPlaces(t)
  const site = await makeSite(t, ca)
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: site.ca, extensions: names(places.url) })
  const carol = await issuing.issue({ name: 'carol', usage: 'client' })
  await appendFile(site.path('ca.pem'), issuing.certificate)
  places.put('/issuing.crl', issuing)
  await writeFile(site.path('revoked.txt'), `${places.url('/issuing.crl')}\ncdp:\n`)
  return {
    ...site,
    places,
    issuing,
    carol,
    isRevoked: (app, { chain }) => {
      const certificates = chain.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []
      return app.endpoint.listeners[0]?.revocation?.status(certificates.map((pem) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'))).status === 'revoked'
    }
  }
}
