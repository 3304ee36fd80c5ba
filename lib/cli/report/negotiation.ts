/**
 * What clients can negotiate with a TLS context: found out by negotiating it.
 *
 * Node tells nobody which ciphers a context has, and the list in the string is not the answer either: a cipher
 * counts only if the version, the key of the certificate, the DH parameters and OpenSSL's security level go with
 * it. So a client in this process, which takes everything, shakes hands with the context over memory; the server
 * picks its favourite; the client comes again without that one, until nothing is left.
 */
import type { SecureContext } from 'node:tls'
import type { TlsVersion } from '../../../types/endpoint.js'
import { tryHandshake } from '../../tls/trial-handshake.js'

/** One version that can be negotiated, with its ciphers as OpenSSL calls them, in the order that the server prefers. */
export interface NegotiableVersion {
  readonly version: TlsVersion
  readonly ciphers: readonly string[]
}

/** More than OpenSSL has for a version. */
const MOST_CIPHERS = 200

/** The versions of these that a client can negotiate; one without a cipher is left out. */
export async function negotiableVersions (context: SecureContext, versions: readonly TlsVersion[]): Promise<NegotiableVersion[]> {
  const found: NegotiableVersion[] = []
  for (const version of versions) {
    const ciphers: string[] = []
    while (ciphers.length < MOST_CIPHERS) {
      const result = await tryHandshake(context, { version, requestCert: false, without: ciphers })
      if ('error' in result || ciphers.includes(result.cipher)) break
      ciphers.push(result.cipher)
    }
    if (ciphers.length > 0) found.push({ version, ciphers })
  }
  return found
}
