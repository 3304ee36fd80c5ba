/**
 * Makes handshakes in memory, to find out what a context can do before a client depends on it.
 *
 * Node accepts credentials with which no handshake succeeds: more names of authorities than fit into a CertificateRequest,
 * or ciphers that do not match the key. Every client would fail, on a server that reports to be ready.
 */
import { duplexPair } from 'node:stream'
import { connect, TLSSocket, type SecureContext } from 'node:tls'
import type { TlsVersion } from '../../types/endpoint.js'
import { HANDSHAKE_ERROR } from './undocumented.js'

/** All cipher suites of TLS 1.3 that OpenSSL has (RFC 8446 appendix B.4). */
const TLS_1_3 = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_128_CCM_SHA256',
  'TLS_AES_128_CCM_8_SHA256'
]

/** Milliseconds; a handshake in memory takes about ten. */
const TIME_LIMIT = 10_000

interface Trial {
  readonly version: TlsVersion
  /** Whether the server asks for a client certificate. The client sends none. */
  readonly requestCert: boolean
  /** Ciphers, by OpenSSL's names, that the client does not offer. */
  readonly without?: readonly string[]
  /** The kind of key, by Node's name, that the server's certificate must have (any). */
  readonly signedBy?: string | undefined
}

/** The signature algorithms of each kind of key, by OpenSSL's names. */
const SIGNATURES: Readonly<Record<string, string>> = {
  rsa: ['rsa_pss_rsae_sha256', 'rsa_pss_rsae_sha384', 'rsa_pss_rsae_sha512', 'RSA+SHA256', 'RSA+SHA384', 'RSA+SHA512'].join(':'),
  'rsa-pss': ['rsa_pss_pss_sha256', 'rsa_pss_pss_sha384', 'rsa_pss_pss_sha512'].join(':'),
  ec: ['ECDSA+SHA256', 'ECDSA+SHA384', 'ECDSA+SHA512'].join(':'),
  dsa: 'DSA+SHA256',
  ed25519: 'ed25519',
  ed448: 'ed448'
}

/** The cipher that the server chose; or the error of the server, or else of the client. */
type TrialResult = { readonly cipher: string } | { readonly error: Error & { code?: string } }

/**
 * Makes a handshake with a client that accepts every cipher and every certificate. Never rejects.
 * @param secureContext the server's context
 */
export async function tryHandshake (secureContext: SecureContext, trial: Trial): Promise<TrialResult> {
  const { version, requestCert, without = [], signedBy = '' } = trial
  const ciphers = offerOf(version, without)
  if (ciphers === '') return { error: new Error('no cipher is left') }
  const [near, far] = duplexPair()
  // A TLSSocket accepts any stream, although its type requires a socket.
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
      // The error of the client only follows from that of the server, but may come first.
      const failLater = (error?: Error): void => { setImmediate(fail, error) }
      server.on('error', fail).on(HANDSHAKE_ERROR, fail).on('close', () => { failLater() })
      client.on('error', failLater).on('close', () => { failLater() })
      // In TLS 1.3 the client finishes before the server has read its answer, so only the server counts.
      server.once('secure', () => { resolve({ cipher: server.getCipher().name }) })
      timer = setTimeout(() => { fail(new Error(`the handshake took more than ${TIME_LIMIT / 1000} s`)) }, TIME_LIMIT)
    })
  } finally {
    clearTimeout(timer)
    client.destroy()
    server.destroy()
  }
}

/** A list of all ciphers but some; empty if none is left. */
function offerOf (version: TlsVersion, without: readonly string[]): string {
  if (version === 'TLSv1.3') return TLS_1_3.filter((name) => !without.includes(name)).join(':')
  return ['ALL', 'COMPLEMENTOFALL', ...without.map((name) => `!${name}`), '@SECLEVEL=0'].join(':')
}
