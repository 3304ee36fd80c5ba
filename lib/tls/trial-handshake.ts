/**
 * Handshakes in memory, which show what a context can do before a client depends on it.
 *
 * Node takes credentials with which no handshake succeeds: more names of authorities than fit into a
 * CertificateRequest, or ciphers that do not go with the key. Every client would find that out, on a server that
 * reports itself as ready.
 */
import { duplexPair } from 'node:stream'
import { connect, TLSSocket, type SecureContext } from 'node:tls'
import type { TlsVersion } from '../../types/endpoint.js'
import { HANDSHAKE_ERROR } from './undocumented.js'

/** All that OpenSSL has for TLS 1.3 (RFC 8446 appendix B.4). */
const TLS_1_3 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256']

/** Milliseconds; a handshake in memory takes some ten. */
const TIME_LIMIT = 10_000

interface Trial {
  readonly version: TlsVersion
  /** Whether the server asks for a client certificate. The client sends none. */
  readonly requestCert: boolean
  /** Ciphers, by OpenSSL's names, that the client leaves out of all that it has. */
  readonly without?: readonly string[]
  /** The kind of key, by Node's name, that the server's certificate must have. Any, if it is left out. */
  readonly signedBy?: string | undefined
}

/** The signature algorithms of a kind of key, as OpenSSL calls them in lists of them. */
const SIGNATURES: Readonly<Record<string, string>> = {
  rsa: ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512', 'RSA+SHA256', 'RSA+SHA384', 'RSA+SHA512'].join(':'),
  'rsa-pss': ['rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'].join(':'),
  ec: ['ECDSA+SHA256', 'ECDSA+SHA384', 'ECDSA+SHA512'].join(':'),
  dsa: 'DSA+SHA256',
  ed25519: 'ed25519',
  ed448: 'ed448'
}

/** `cipher` is the one that the server picked; `error` is what the server said, or else the client. */
type TrialResult = { readonly cipher: string } | { readonly error: Error & { code?: string } }

/**
 * Makes a handshake with a client that takes every cipher and every certificate. Never rejects.
 * @param secureContext the server's
 */
export async function tryHandshake (secureContext: SecureContext, { version, requestCert, without = [], signedBy = '' }: Trial): Promise<TrialResult> {
  const ciphers = offerOf(version, without)
  if (ciphers === '') return { error: new Error('no cipher is left') }
  const [near, far] = duplexPair()
  // A TLSSocket takes any stream, although its type asks for one of the network.
  const server = new TLSSocket(near as never, { isServer: true, secureContext, requestCert, rejectUnauthorized: false })
  const sigalgs = SIGNATURES[signedBy]
  const client = connect({
    socket: far as never,
    ciphers,
    minVersion: version,
    maxVersion: version,
    minDHSize: 1,
    rejectUnauthorized: false,
    servername: '',
    ...sigalgs !== undefined && { sigalgs }
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve) => {
      const fail = (error: Error = new Error('the handshake was cut off')): void => { resolve({ error }) }
      // The client only repeats what the server has said, and may do so first.
      const failLater = (error?: Error): void => { setImmediate(fail, error) }
      server.on('error', fail).on(HANDSHAKE_ERROR, fail).on('close', () => { failLater() })
      client.on('error', failLater).on('close', () => { failLater() })
      // A TLS 1.3 client is done before the server has looked at its answer.
      server.once('secure', () => { resolve({ cipher: server.getCipher().name }) })
      timer = setTimeout(() => { fail(new Error(`the handshake took more than ${TIME_LIMIT / 1000} s`)) }, TIME_LIMIT)
    })
  } finally {
    clearTimeout(timer)
    client.destroy()
    server.destroy()
  }
}

/** A cipher list of all but some; empty where nothing is left. */
function offerOf (version: TlsVersion, without: readonly string[]): string {
  if (version === 'TLSv1.3') return TLS_1_3.filter((name) => !without.includes(name)).join(':')
  return ['ALL', 'COMPLEMENTOFALL', ...without.map((name) => `!${name}`), '@SECLEVEL=0'].join(':')
}
