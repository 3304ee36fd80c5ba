/**
 * The argument `sslmethod`: names of pyOpenSSL and OpenSSL, joined by `+`, that say which TLS versions
 * may be negotiated and which options OpenSSL is given.
 *
 * The names are listed here instead of being looked up in Node's constants, so that a string is good
 * or bad whatever Node it runs on.
 */
import type { SslMethod, TlsVersion } from '../../types/endpoint.js'
import type { ValueResult } from './kinds.js'
import { nearest } from '../text/nearest.js'
import { printable } from '../text/printable.js'

// What pyOpenSSL's negotiating methods mean with the usual defaults of a system. RFC 8996 forbids 1.0 and 1.1, so they
// must be named.
const DEFAULT_VERSIONS: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']

const ALL_VERSIONS: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

// The newest first: nearest() suggests it for a mistyped version.
const METHODS = new Map<string, readonly TlsVersion[]>([
  ['TLSv1_3_METHOD', ['TLSv1.3']],
  ['TLSv1_2_METHOD', ['TLSv1.2']],
  ['TLSv1_1_METHOD', ['TLSv1.1']],
  ['TLSv1_METHOD', ['TLSv1']],
  ['TLS_METHOD', DEFAULT_VERSIONS],
  ['SSLv23_METHOD', DEFAULT_VERSIONS]
])

const EXCLUSIONS: Record<TlsVersion, string> = {
  TLSv1: 'SSL_OP_NO_TLSv1',
  'TLSv1.1': 'SSL_OP_NO_TLSv1_1',
  'TLSv1.2': 'SSL_OP_NO_TLSv1_2',
  'TLSv1.3': 'SSL_OP_NO_TLSv1_3'
}

const OPTIONS = new Set([
  // In Node's crypto.constants.
  'ALL', 'ALLOW_NO_DHE_KEX', 'ALLOW_UNSAFE_LEGACY_RENEGOTIATION', 'CIPHER_SERVER_PREFERENCE',
  'CISCO_ANYCONNECT', 'COOKIE_EXCHANGE', 'CRYPTOPRO_TLSEXT_BUG', 'DONT_INSERT_EMPTY_FRAGMENTS',
  'LEGACY_SERVER_CONNECT', 'NO_COMPRESSION', 'NO_ENCRYPT_THEN_MAC', 'NO_QUERY_MTU',
  'NO_RENEGOTIATION', 'NO_SESSION_RESUMPTION_ON_RENEGOTIATION', 'NO_SSLv2', 'NO_SSLv3', 'NO_TICKET',
  'NO_TLSv1', 'NO_TLSv1_1', 'NO_TLSv1_2', 'NO_TLSv1_3', 'PRIORITIZE_CHACHA', 'TLS_ROLLBACK_BUG',
  // In OpenSSL and pyOpenSSL only.
  'IGNORE_UNEXPECTED_EOF',
  // In pyOpenSSL; since OpenSSL 1.1 they do nothing.
  'EPHEMERAL_RSA', 'MICROSOFT_BIG_SSLV3_BUFFER', 'MICROSOFT_SESS_ID_BUG', 'MSIE_SSLV2_RSA_PADDING',
  'NETSCAPE_CA_DN_BUG', 'NETSCAPE_CHALLENGE_BUG', 'NETSCAPE_DEMO_CIPHER_CHANGE_BUG',
  'NETSCAPE_REUSE_CIPHER_CHANGE_BUG', 'PKCS1_CHECK_1', 'PKCS1_CHECK_2', 'SINGLE_DH_USE',
  'SINGLE_ECDH_USE', 'SSLEAY_080_CLIENT_DH_BUG', 'SSLREF2_REUSE_CERT_TYPE_BUG',
  'TLS_BLOCK_PADDING_BUG', 'TLS_D5_BUG'
].map((name) => `SSL_OP_${name}`))

/** The names that may be suggested. */
const WRITABLE = [...METHODS.keys(), ...[...OPTIONS].flatMap((name) => [name.slice('SSL_'.length), name])]

/**
 * The TLS versions that a method leaves after its exclusions (`SSL_OP_NO_TLSv1_3` for example), ascending. Exclusions
 * win over named versions. A method from `parseEndpoint` always leaves one.
 */
export function allowedVersions (method: SslMethod): TlsVersion[] {
  return method.versions.filter((version) => !method.options.includes(EXCLUSIONS[version]))
}

/** Reads the value of `sslmethod`. Duplicates are dropped. */
export function sslmethod (text: string): ValueResult<SslMethod> {
  const versions = new Set<TlsVersion>()
  const options = new Set<string>()
  let at = 0
  for (const name of text.split('+')) {
    const option = name.startsWith('OP_') ? `SSL_${name}` : name
    const method = METHODS.get(name)
    if (method !== undefined) method.forEach((version) => versions.add(version))
    else if (OPTIONS.has(option)) options.add(option)
    else return { wrong: notAName(name), at }
    at += name.length + 1
  }
  const named = versions.size === 0 ? DEFAULT_VERSIONS : ALL_VERSIONS.filter((version) => versions.has(version))
  const method = { versions: [...named], options: [...options] }
  if (allowedVersions(method).length > 0) return { value: method }
  return { wrong: `leaves no TLS version to negotiate: ${named.join(' and ')} ${named.length > 1 ? 'are' : 'is'} excluded`, at: 0 }
}

function notAName (name: string): string {
  if (name === '') return 'must be names joined by "+", without an empty one, for example TLSv1_2_METHOD+TLSv1_3_METHOD'
  if (/^SSLv[23]_METHOD$/.test(name)) return `cannot be ${name}: SSL 2 and 3 are broken, and OpenSSL no longer has them: write TLS_METHOD`
  if (/^DTLS\w{0,32}_METHOD$/.test(name)) return `cannot be ${name}: DTLS runs over UDP: write TLS_METHOD`
  const meant = nearest(name, WRITABLE)
  const advice = meant === undefined
    ? `the methods are ${[...METHODS.keys()].join(', ')}, and options begin with OP_ or SSL_OP_`
    : `did you mean ${meant}?`
  return `does not know the name ${printable(name)}: ${advice}`
}
