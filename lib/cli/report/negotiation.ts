/**
 * Finds out what clients can negotiate with a TLS context, by handshakes.
 *
 * Node does not show which ciphers a context has. The list in the string is not enough either: a cipher is usable only
 * if the version, the key of the certificate, the DH parameters and OpenSSL's security level allow it. So a client in
 * this process, which accepts everything, makes handshakes with the context in memory. Each time the server chooses its
 * favourite cipher, and the client removes that one from its offer, until no cipher is left.
 */
import type { SecureContext } from 'node:tls'
import type { TlsVersion } from '../../../types/endpoint.js'
import { tryHandshake } from '../../tls/trial-handshake.js'

/** One version that can be negotiated, with its ciphers as OpenSSL calls them, in the server's order of preference. */
export interface NegotiableVersion {
  readonly version: TlsVersion
  readonly ciphers: readonly string[]
}

/** More ciphers than OpenSSL has for any version. */
const MOST_CIPHERS = 200

/** The given versions that a client can negotiate; a version without a cipher is left out. */
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
