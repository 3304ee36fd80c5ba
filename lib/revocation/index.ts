/** What `fastify-endpoint/revocation` exports: the revocations of an endpoint, for programs without one. */
import { resolve } from 'node:path'
import type { X509Certificate } from 'node:crypto'
import { loadRevocationList, type RevocationLimits } from './load.js'
import { type RevocationSet, trustAnchorsOf } from './revocation-set.js'

export type { CertificateIdentity } from './identity.js'
export type { RevocationLimits } from './load.js'
export type { RevocationKind, RevocationMatch, RevocationPolicy, RevocationSet, RevocationSource, RevocationStatus } from './revocation-set.js'
export { identifyCertificate } from './identity.js'

export interface LoadRevocationsOptions {
  /** Path of a list, as `revokedFile` of an endpoint names it. Its patterns are relative to its folder. */
  list?: string
  /** Glob patterns of files with revoked certificates, relative to the working directory. */
  patterns?: readonly string[]
  /** Certificates that chains may end at; the self-signed ones are never revoked. */
  authorities?: ReadonlyArray<X509Certificate | Uint8Array>
  /** The clock for `loadedAt`. */
  now?: () => Date
  limits?: RevocationLimits
}

/**
 * Loads, once, what a list, or patterns, or both revoke.
 *
 *     const set = await loadRevocations({ list: 'revoked.txt' })
 *     set.status([leaf, intermediate])   // { status: 'revoked', kind: 'tbs', source: { list, line, file }, index: 0 }
 *
 * @throws the first of the problems, with the others in its property `errors`: `FST_ENDPOINT_LIST_…` for
 *   what is wrong with the list or a pattern, `FST_ENDPOINT_FILE_…` for a file, FST_ENDPOINT_NOT_YET for
 *   a CRL
 */
export async function loadRevocations ({ list, patterns, authorities = [], now, limits }: LoadRevocationsOptions): Promise<RevocationSet> {
  const { set } = await loadRevocationList({
    ...(list !== undefined && { list: resolve(list) }),
    ...(patterns !== undefined && { patterns }),
    anchors: trustAnchorsOf(authorities),
    ...(now !== undefined && { now }),
    ...(limits !== undefined && { limits })
  })
  return set
}
