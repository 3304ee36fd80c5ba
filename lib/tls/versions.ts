/**
 * Translates an sslmethod into options of Node's createSecureContext.
 *
 * A set of versions may have gaps (TLS 1.0 and 1.2, without 1.1). Node has only a minimum and a maximum, so an option excludes
 * each version in a gap.
 */
import { constants } from 'node:crypto'
import { DEFAULT_CIPHERS, type SecureContextOptions } from 'node:tls'
import { allowedVersions } from '../description/index.js'
import type { SslMethod, TlsVersion } from '../../types/endpoint.js'

const EXCLUSIONS: ReadonlyArray<readonly [TlsVersion, number]> = [
  ['TLSv1', constants.SSL_OP_NO_TLSv1],
  ['TLSv1.1', constants.SSL_OP_NO_TLSv1_1],
  ['TLSv1.2', constants.SSL_OP_NO_TLSv1_2],
  ['TLSv1.3', constants.SSL_OP_NO_TLSv1_3]
]

/**
 * Options of OpenSSL 3 (include/openssl/ssl.h) that are missing from Node's constants. All others that are missing have been 0
 * since OpenSSL 1.1, and have no effect.
 */
const ABSENT_IN_NODE: ReadonlyMap<string, number> = new Map([['SSL_OP_IGNORE_UNEXPECTED_EOF', 0x80]])

/**
 * Options of every context. tls.createServer sets the preference of the server too. Without the second option, a TLS 1.2
 * client could renegotiate with another certificate, on a connection that was judged before.
 */
const ALWAYS = [constants.SSL_OP_CIPHER_SERVER_PREFERENCE, constants.SSL_OP_NO_RENEGOTIATION]

interface VersionOptions extends Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'secureOptions' | 'ciphers'> {
  /** Versions that RFC 8996 forbids, but the endpoint names. */
  deprecated: TlsVersion[]
}

/**
 * The options that make a secure context negotiate exactly the versions that `method` allows.
 * @param method the value of `sslmethod`; it allows at least one version
 * @param ciphers the `ciphers` argument, an OpenSSL cipher list
 */
export function versionOptions (method: SslMethod, ciphers?: string): VersionOptions {
  const allowed = allowedVersions(method)
  const excluded = EXCLUSIONS.filter(([version]) => !allowed.includes(version)).map(([, option]) => option)
  const named = method.options.map((name) => ABSENT_IN_NODE.get(name) ?? optionsOfNode.get(name) ?? 0)
  const deprecated = allowed.filter((version) => version === 'TLSv1' || version === 'TLSv1.1')
  const options: VersionOptions = {
    minVersion: allowed[0] as TlsVersion,
    maxVersion: allowed.at(-1) as TlsVersion,
    secureOptions: combine([...named, ...excluded, ...ALWAYS]),
    deprecated
  }
  // OpenSSL accepts commas too, but Node finds the names of TLS 1.3 only between colons.
  if (ciphers !== undefined) options.ciphers = ciphers.replaceAll(',', ':')
  // OpenSSL 3 allows the signatures of TLS 1.0 and 1.1 only at security level 0 (man page SSL_CTX_set_security_level). Node
  // sets the level in the cipher list only.
  if (deprecated.length > 0) options.ciphers = `${options.ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0`
  return options
}

const optionsOfNode: ReadonlyMap<string, number> = new Map(
  Object.entries(constants).filter(([name]) => name.startsWith('SSL_OP_')) as Array<[string, number]>)

/** SSL_OP_ALL has bit 31, so a signed `or` would give a negative number. */
function combine (options: number[]): number {
  return options.reduce((all, option) => (all | option) >>> 0, 0)
}
