/**
 * Reads and checks what a credential source has received, so that nothing is put in force that no client could use.
 */
import type { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { errors, located, reasonOf } from '../errors.js'
import { readChain } from '../x509/certificate-files.js'
import { isSignedBy } from '../x509/public-key.js'
import type { SourcedCredentials } from '../../types/credential-source.js'
import { checkPair, type KeyPair, readPrivateKey } from './key-pair.js'

/** Milliseconds that the clocks of this machine and of an authority may differ. */
const CLOCK_DIFFERENCE = 5 * 60 * 1000

interface SourcedOrigin {
  readonly argument: string
  readonly file: string
  readonly names: readonly string[] | undefined
  readonly now: number
}

/**
 * Reads key and chain from PEM.
 * @param keyBytes may be the same as `chainBytes`
 * @param isTried whether OpenSSL must accept them with Node's default ciphers, so that nothing unusable replaces what is stored
 * @throws FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_FILE_INVALID, FST_ENDPOINT_KEY_MISMATCH, FST_ENDPOINT_CERTIFICATE_INVALID
 */
export function readSourced (
  keyBytes: Buffer, chainBytes: Buffer, { argument, file, names, now }: SourcedOrigin, { areDatesIgnored = false, isTried = false } = {}
): SourcedCredentials {
  const location = { argument, file }
  const key = readPrivateKey(keyBytes, location)
  const { chain } = readChain(chainBytes, argument, file, true)
  checkPair(chain, key, { ...location, keyName: 'its private key' })
  const invalid = (problem: string): Error => {
    return located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), location)
  }
  const [leaf] = chain as [typeof chain[number]]
  const missing = names?.find((name) => leaf.checkHost(name, { subject: 'never' }) === undefined)
  if (missing !== undefined) throw invalid(`its certificate is not for ${missing}. Have it issued for all names`)
  const begins = Date.parse(leaf.validFrom)
  const notAfter = new Date(leaf.validTo)
  if (!areDatesIgnored && begins > now + CLOCK_DIFFERENCE) {
    throw invalid(`its certificate is valid from ${new Date(begins).toISOString()} only. Check the clock of this machine`)
  }
  if (!areDatesIgnored && notAfter.getTime() < now) {
    throw invalid(`its certificate has expired at ${notAfter.toISOString()}. Renew it, or check the clock of this machine`)
  }
  const stray = chain.find((certificate, index) => index > 0 && !isSignedBy(chain[index - 1] as typeof leaf, certificate))
  if (stray !== undefined) {
    throw invalid('one of its certificates has not signed the one before it. Put them in order, the server\'s own first')
  }
  if (isTried) {
    try {
      const cert = chain.map((certificate) => certificate.toString()).join('')
      createSecureContext({ key: key.export({ type: 'pkcs8', format: 'pem' }), cert })
    } catch (thrown) {
      throw invalid(`OpenSSL rejects it (${reasonOf(thrown)}). Have it issued with stronger keys and signatures`)
    }
  }
  return sourcedOf({ key, chain })
}

/** What a pair gives. */
export function sourcedOf ({ key, chain }: KeyPair): SourcedCredentials {
  const { subjectAltName, validTo } = chain[0] as X509Certificate
  return { key, chain, names: dnsNamesOf(subjectAltName), notAfter: new Date(validTo) }
}

/** Node.js puts a name with a comma or a quote into quotes, which no host name has. */
function dnsNamesOf (alternative = ''): string[] {
  return alternative.split(', ').flatMap((name) => name.startsWith('DNS:') ? [name.slice(4)] : [])
}
