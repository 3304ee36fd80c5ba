/**
 * From an sslmethod to what Node's createSecureContext takes.
 *
 * A set of versions may have holes (TLS 1.0 and 1.2, without 1.1). Node knows only a lowest and a
 * highest version, so a hole is made with the option that excludes the version.
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
 * What Node's constants leave out although OpenSSL knows it (include/openssl/ssl.h of OpenSSL 3).
 * Every other name that Node lacks has been 0 since OpenSSL 1.1 and has no effect.
 */
const ABSENT_IN_NODE: ReadonlyMap<string, number> = new Map([['SSL_OP_IGNORE_UNEXPECTED_EOF', 0x80]])

/**
 * Options of every context. The preference of the server is what tls.createServer sets too. Without
 * the second, a TLS 1.2 client could come in with one certificate and renegotiate another behind
 * the gate's back, on a connection that was already judged.
 */
const ALWAYS = [constants.SSL_OP_CIPHER_SERVER_PREFERENCE, constants.SSL_OP_NO_RENEGOTIATION]

interface VersionOptions extends Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'secureOptions' | 'ciphers'> {
  /** The versions that are forbidden by RFC 8996 but were asked for by name. */
  deprecated: TlsVersion[]
}

/**
 * The options that make a secure context negotiate exactly what `method` allows.
 * @param method what `sslmethod` said; it allows at least one version
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
  // To OpenSSL a comma is as good as a colon, but Node looks for the names of TLS 1.3 between colons only.
  if (ciphers !== undefined) options.ciphers = ciphers.replaceAll(',', ':')
  // OpenSSL 3 has the signatures of TLS 1.0 and 1.1 only at security level 0 (its man page
  // SSL_CTX_set_security_level), and Node has no other way to say so than in the cipher list.
  if (deprecated.length > 0) options.ciphers = `${options.ciphers ?? DEFAULT_CIPHERS}:@SECLEVEL=0`
  return options
}

const optionsOfNode: ReadonlyMap<string, number> = new Map(
  Object.entries(constants).filter(([name]) => name.startsWith('SSL_OP_')) as Array<[string, number]>)

/** SSL_OP_ALL has bit 31, which a signed or would turn into a negative number. */
function combine (options: number[]): number {
  return options.reduce((all, option) => (all | option) >>> 0, 0)
}
