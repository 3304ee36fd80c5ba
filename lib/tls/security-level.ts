/**
 * Finds the certificate that is too weak for OpenSSL's security level (man page SSL_CTX_set_security_level), and says
 * why.
 *
 * OpenSSL only says that there is one. What a level allows depends on its version and build. So OpenSSL is asked about single
 * certificates, and no table of ours decides.
 */
import type { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { printableName } from '../text/printable.js'
import { describePublicKey, readPublicKey } from '../x509/public-key.js'
import { weakHashOf } from '../x509/strength.js'
import type { CheckWarning } from '../../types/command-line.js'
import type { Authorities } from '../x509/authorities.js'

const PROBLEMS = new Map([
  ['ERR_SSL_EE_KEY_TOO_SMALL', 'key'],
  ['ERR_SSL_CA_KEY_TOO_SMALL', 'key'],
  ['ERR_SSL_CA_MD_TOO_WEAK', 'hash']
])

/** The options of the context, in addition to `cert`. */
type ContextOptions = Pick<SecureContextOptions, 'key' | 'ciphers'>

/**
 * Names the certificate of a chain that OpenSSL has refused as too weak; undefined for any other error.
 * @param code the code of the error that `createSecureContext` threw
 */
export function weakestOf (chain: readonly X509Certificate[], options: ContextOptions, code: string | undefined): string | undefined {
  const [leaf, ...issuers] = chain
  if (leaf === undefined || !PROBLEMS.has(code ?? '')) return undefined
  const problem = problemOf([leaf], options)
  if (problem !== undefined) return describe(leaf, problem)
  const weak = issuers.find((issuer) => problemOf([leaf, issuer], options) !== undefined)
  return weak && describe(weak, PROBLEMS.get(code ?? '') as string)
}

const TOO_WEAK = 'OpenSSL rejects every client below an authority that is too weak for its security level'

/**
 * Authorities that are too weak themselves, so that OpenSSL refuses every client below them.
 * @param leaf the server's own certificate, which matches `options.key`
 */
export function weakAuthorities ({ all, file }: Authorities, leaf: X509Certificate, options: ContextOptions): CheckWarning[] {
  return all.flatMap(({ x509, isAnchor }) => {
    const problem = hasWeakKey(x509, leaf, options) ? 'key' : hasWeakHash(x509, isAnchor, options) ? 'hash' : undefined
    if (problem === undefined) return []
    return [{
      kind: 'unfit',
      message: `${TOO_WEAK}: ${describe(x509, problem)}. Have it issued again, or allow it with @SECLEVEL=0 in ciphers`,
      argument: 'authorities',
      file
    }]
  })
}

/** Asking OpenSSL about hundreds of authorities takes long, and most keys are certainly strong. */
function hasWeakKey (x509: X509Certificate, leaf: X509Certificate, options: ContextOptions): boolean {
  return (readPublicKey(x509.raw).size ?? Infinity) < STRONG_RSA && problemOf([leaf, x509], options) === 'key'
}

/**
 * OpenSSL cannot be asked about this: version 3.5 accepts such a certificate in a server's chain, and still refuses clients
 * below it. The signature of an anchor is never checked.
 */
function hasWeakHash ({ raw }: X509Certificate, isAnchor: boolean, { ciphers = '' }: ContextOptions): boolean {
  return !isAnchor && weakHashOf(raw) !== undefined && !ciphers.includes('@SECLEVEL=0')
}

/** Bits that satisfy every level up to 3. */
const STRONG_RSA = 3072

function problemOf (chain: readonly X509Certificate[], options: ContextOptions): string | undefined {
  try {
    createSecureContext({ ...options, cert: chain.map((x509) => x509.toString()).join('') })
    return undefined
  } catch (thrown) {
    return PROBLEMS.get((thrown as NodeJS.ErrnoException).code ?? '')
  }
}

function describe (x509: X509Certificate, problem: string): string {
  const what = problem === 'key'
    ? `has a key of the kind ${describePublicKey(readPublicKey(x509.raw))}`
    : `is signed with ${weakHashOf(x509.raw) ?? 'a weak hash'}`
  return `the certificate of ${printableName(x509.subject)} ${what}`
}
