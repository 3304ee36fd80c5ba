/**
 * What clients can negotiate with a TLS context: found out by negotiating it.
 *
 * Node tells nobody which ciphers a context has, and the list in the string is not the answer either: a cipher
 * counts only if the version, the key of the certificate, the DH parameters and OpenSSL's security level go with
 * it. So a client in this process, which takes everything, shakes hands with the context over memory; the server
 * picks its favourite; the client comes again without that one, until nothing is left.
 */
import { duplexPair } from 'node:stream'
import { connect, TLSSocket, type SecureContext } from 'node:tls'
import type { TlsVersion } from '../../../types/endpoint.js'
import { HANDSHAKE_ERROR } from '../../tls/undocumented.js'

/** One version that can be negotiated, with its ciphers as OpenSSL calls them, in the order that the server prefers. */
export interface NegotiableVersion {
  readonly version: TlsVersion
  readonly ciphers: readonly string[]
}

/** All that OpenSSL has for TLS 1.3 (RFC 8446 appendix B.4). */
const TLS_1_3 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256']
/** More than OpenSSL has for a version. */
const MOST_CIPHERS = 200

/** The versions of these that a client can negotiate; one without a cipher is left out. */
export async function negotiableVersions (context: SecureContext, versions: readonly TlsVersion[]): Promise<NegotiableVersion[]> {
  const found: NegotiableVersion[] = []
  for (const version of versions) {
    const ciphers: string[] = []
    while (ciphers.length < MOST_CIPHERS) {
      const offer = offerOf(version, ciphers)
      const cipher = offer === '' ? undefined : await negotiate(context, version, offer)
      if (cipher === undefined || ciphers.includes(cipher)) break
      ciphers.push(cipher)
    }
    if (ciphers.length > 0) found.push({ version, ciphers })
  }
  return found
}

/** A cipher list of all but some. */
function offerOf (version: TlsVersion, without: readonly string[]): string {
  if (version === 'TLSv1.3') return TLS_1_3.filter((name) => !without.includes(name)).join(':')
  return ['ALL', 'COMPLEMENTOFALL', ...without.map((name) => `!${name}`), '@SECLEVEL=0'].join(':')
}

/** The cipher that the server picks; undefined where the handshake fails. */
async function negotiate (secureContext: SecureContext, version: TlsVersion, ciphers: string): Promise<string | undefined> {
  const [near, far] = duplexPair()
  // A TLSSocket takes any stream, although its type asks for one of the network.
  const server = new TLSSocket(near as never, { isServer: true, secureContext, requestCert: false, rejectUnauthorized: false })
  const client = connect({ socket: far as never, ciphers, minVersion: version, maxVersion: version, minDHSize: 1, rejectUnauthorized: false, servername: '' })
  try {
    return await new Promise((resolve) => {
      const fail = (): void => { resolve(undefined) }
      for (const socket of [server, client]) socket.on('error', fail).on(HANDSHAKE_ERROR, fail).on('close', fail)
      client.once('secureConnect', () => { resolve(client.getCipher().name) })
    })
  } finally {
    client.destroy()
    server.destroy()
  }
}
