/**
 * The exports of `fastify-endpoint/revocation`: revocation lists for programs without an endpoint.
 *
 * From a changed file to a closed connection:
 *
 *     ../watching/poller, folder-hints      a path has changed
 *     ../watching/follower                  waits until it settles, and loads: one load at a time
 *     watch                                 the list of one set of authorities
 *       load                                one load: from the list, its files and sources to a set
 *         list/last-good-list, list-file    lines: keys, patterns, sources
 *         list/expand                       patterns to paths
 *         files/list-files                  few files are read on the main thread, many by the worker
 *           files/matched-files             which of them must be read again
 *           files/file-state                one file: what it was, and reading it again
 *           thread/reader-thread          large files, and thousands of small ones
 *           files/file-content              one file: certificates and CRLs, ../x509/pem and crl/verify
 *         sources/line-sources              CRLs and keys from HTTP, Redis, an app's own sources
 *         set/list-contents                 what each line revokes, and removed entries that wait (set/removal)
 *         crl/retention, crl/series         which CRL of an issuer counts
 *         set/revocation-set, crl/crl-set   the set, which is immutable
 *     shared-watchers, view                 one watcher for all endpoints with the same list and authorities
 *     ../layers/tls-layer                   puts the set in force: one assignment, and a new generation
 *       ../tls/gate                         judges handshakes by it
 *       ../engine/connections               closes the connections that it rejects
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

/** Options of {@link loadRevocations}: a list, patterns, or both, and the authorities that sign CRLs. */
export interface LoadRevocationsOptions {
  /** Path of a list, as in the argument `revokedFile`. Its patterns are relative to its folder. */
  list?: string
  /** Glob patterns of files with revoked certificates or CRLs, relative to the working directory. */
  patterns?: readonly string[]
  /**
   * Certificates, or their DER, as in the argument `authorities` (none). Those that are self-signed are trust anchors, which
   * are never revoked; the others complete paths. A CRL counts only if one of them signed it.
   */
  authorities?: ReadonlyArray<X509Certificate | Uint8Array>
  /**
   * Which authorities are trust anchors (`self-signed`); `any` makes all of them anchors. The client's own certificate can be
   * revoked even if it is one.
   */
  anchors?: AnchorPolicy
  /** The clock for `loadedAt` and for expired CRLs, or one moment for both (the system clock). */
  now?: Date | (() => Date)
  /** Limits on what the list and the patterns may name. */
  limits?: RevocationLimits
}

/**
 * Returns the keys by which a line of a list revokes a certificate.
 *
 * @param der the certificate in DER, for example `raw` of an `X509Certificate`; it must not change afterwards
 * @throws FST_ENDPOINT_DER_INVALID if it is not a certificate (RFC 5280 section 4.1)
 */
export function identifyCertificate (der: Uint8Array): CertificateIdentity {
  return identify(der)
}

/**
 * Loads what a list, patterns, or both revoke. It reads once and follows no change; an endpoint does that by itself.
 *
 *     const set = await loadRevocations({ list: 'revoked.txt', authorities: [root] })
 *     set.status([leaf, intermediate])   // { status: 'revoked', kind: 'tbs', source: { list, line, file }, index: 0 }
 *
 * Authorities that this Node.js cannot read are left out with a process warning, as long as one trust anchor remains.
 *
 * @throws the first problem; the others are in its property `errors`:
 *   `FST_ENDPOINT_LIST_…` for the list or a pattern, `FST_ENDPOINT_FILE_…` for a file, FST_ENDPOINT_CRL_UNSIGNED for a CRL that
 *   no authority signed, FST_ENDPOINT_DER_INVALID for authorities that are not certificates, FST_ENDPOINT_PUBLIC_KEY if this
 *   Node.js can read no trust anchor
 */
export async function loadRevocations (options: LoadRevocationsOptions): Promise<RevocationSet> {
  const { list, patterns, authorities = [], anchors, now, limits } = options
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

/** The authorities that can be read. For the others there is a process warning, since there is no log here. */
function authoritiesOf (certificates: NonNullable<LoadRevocationsOptions['authorities']>, anchors: AnchorPolicy | undefined): Authorities {
  const authorities = new Authorities(certificates, anchors)
  const problems = authorities.unusable.map(({ index, x509, problem }) => {
    problem.message = `authorities[${index}] (${titleOf(x509)}): ${problem.message}`
    return problem
  })
  if (problems.length > 0 && !authorities.all.some(({ isAnchor }) => isAnchor)) throw firstWithOthers(problems)
  for (const { message } of problems) {
    process.emitWarning(`fastify-endpoint ignores an authority that cannot be read: ${message}`)
  }
  return authorities
}
