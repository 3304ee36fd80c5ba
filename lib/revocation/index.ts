/**
 * What `fastify-endpoint/revocation` exports: the revocations of an endpoint, for programs without one.
 *
 * The way from a changed file to a connection that is closed:
 *
 *     ../watching/poller, folder-hints      a path has changed
 *     ../watching/follower                  waits until it rests, and loads: one load at a time
 *     watch                                 the list of one set of authorities
 *       load                                one load: the list, its files and sources, a set
 *         list/last-good-list, list-file    lines: keys, patterns, sources
 *         list/expand                       patterns to paths
 *         files/list-files                  few files are read here, many by the thread
 *           files/matched-files             which of them must be read again
 *           thread/reader-thread, worker    large files, and thousands of small ones
 *           files/file-content              one file: certificates and CRLs, ../x509/pem and crl/verify
 *         sources/line-sources              CRLs and keys from HTTP, Redis, an app's own sources
 *         set/list-contents                 what each line says, and what stays of what is gone (set/removal)
 *         crl/kept, crl/series              which CRL of an issuer counts
 *         set/revocation-set, crl/crl-set   the set: it never changes
 *     shared-watchers, view                 one watcher for all endpoints that name the list
 *     ../layers/tls-layer                   puts the set in force: one assignment, and a new generation
 *       ../tls/gate                         judges handshakes by it
 *       ../engine/connections               closes the connections that it refuses
 */
import { resolve } from 'node:path'
import type { X509Certificate } from 'node:crypto'
import { firstWithOthers } from '../errors.js'
import { titleOf } from '../x509/title.js'
import { type AnchorPolicy, Authorities } from '../x509/authorities.js'
import { identifyCertificate as identify } from '../x509/identity.js'
import { loadRevocationList } from './load.js'
import { ReaderThread } from './thread/reader-thread.js'
import type { RevocationSet } from './set/revocation-set.js'
import type { CertificateIdentity, RevocationLimits } from '../../types/revocation.js'

export type { AnchorPolicy } from '../x509/authorities.js'
export type { RevocationSet } from './set/revocation-set.js'
export type * from '../../types/revocation.js'

/** What `loadRevocations` is given: a list or patterns, and the authorities that CRLs count by. */
export interface LoadRevocationsOptions {
  /** Path of a list, as `revokedFile` of an endpoint names it. Its patterns are relative to its folder. */
  list?: string
  /** Glob patterns of files with revoked certificates or CRLs, relative to the working directory. */
  patterns?: readonly string[]
  /**
   * As the argument of an endpoint of that name: the self-signed ones are trust anchors, which are never
   * revoked; the others complete paths. A CRL counts only if one of them has signed it.
   */
  authorities?: ReadonlyArray<X509Certificate | Uint8Array>
  /**
   * As the argument of an endpoint of that name: `any` makes an anchor of each of the authorities (`self-signed`). The
   * client's own certificate can be revoked even if it is one.
   */
  anchors?: AnchorPolicy
  /** The clock for `loadedAt`, and for what has expired; or the one moment that all is judged at. */
  now?: Date | (() => Date)
  limits?: RevocationLimits
}

/**
 * The keys that lines of a list revoke a certificate by.
 *
 * @param der the certificate, which must not be changed afterwards
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function identifyCertificate (der: Uint8Array): CertificateIdentity {
  return identify(der)
}

/**
 * Loads, once, what a list, or patterns, or both revoke.
 *
 *     const set = await loadRevocations({ list: 'revoked.txt', authorities: [root] })
 *     set.status([leaf, intermediate])   // { status: 'revoked', kind: 'tbs', source: { list, line, file }, index: 0 }
 *
 * @throws the first of the problems, with the others in its property `errors`: `FST_ENDPOINT_LIST_…` for
 *   what is wrong with the list or a pattern, `FST_ENDPOINT_FILE_…` for a file, FST_ENDPOINT_CRL_UNSIGNED
 *   for a CRL that none of the authorities has signed, FST_ENDPOINT_DER_INVALID for authorities that are
 *   no certificates, FST_ENDPOINT_PUBLIC_KEY if this Node.js cannot read the key of any trust anchor among them. Authorities that
 *   cannot be read, beside others that can, are left out with a warning of the process
 */
export async function loadRevocations ({ list, patterns, authorities = [], anchors, now, limits }: LoadRevocationsOptions): Promise<RevocationSet> {
  const reader = new ReaderThread()
  try {
    const { set } = await loadRevocationList({
      ...(list !== undefined && { list: resolve(list) }),
      ...(patterns !== undefined && { patterns }),
      authorities: authoritiesOf(authorities, anchors),
      reader,
      ...(now !== undefined && { now: typeof now === 'function' ? now : () => now }),
      ...(limits !== undefined && { limits })
    })
    return set
  } finally {
    reader.close()
  }
}

/** Those that can be read. Of the others the process warns: there is no log here. */
function authoritiesOf (certificates: NonNullable<LoadRevocationsOptions['authorities']>, anchors: AnchorPolicy | undefined): Authorities {
  const authorities = new Authorities(certificates, anchors)
  const problems = authorities.leftOut.map(({ index, x509, problem }) => {
    problem.message = `authorities[${index}] (${titleOf(x509)}): ${problem.message}`
    return problem
  })
  if (problems.length > 0 && !authorities.all.some(({ isAnchor }) => isAnchor)) throw firstWithOthers(problems)
  for (const { message } of problems) {
    process.emitWarning(`fastify-endpoint leaves out an authority, which vouches for nobody: ${message}`)
  }
  return authorities
}
