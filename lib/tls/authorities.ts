/**
 * The file of authorities: whom a client certificate must come from.
 *
 * Self-signed certificates are trust anchors; the others only complete paths (and may sign CRLs).
 * OpenSSL treats the two in the same way, as long as it is not told to accept partial chains.
 */
import { X509Certificate } from 'node:crypto'
import type { CheckWarning } from '../../types/command-line.js'
import { errors, located, reasonOf } from '../errors.js'
import { readPemBlocks } from '../pem.js'
import { checkSigner } from '../revocation/crl/signers.js'
import { identifyCertificate, type IdentifiedCertificate } from '../revocation/identity.js'
import { isSignedBy, publicKeyOf } from '../x509/public-key.js'
import { titleOf } from '../x509/title.js'
import { readValidity } from '../x509/validity.js'

export interface Authority {
  readonly x509: X509Certificate
  /** The file that it stands in. */
  readonly file: string
  readonly identity: IdentifiedCertificate
  /** A path may end here. */
  readonly anchor: boolean
}

/** Labels under which OpenSSL's PEM reader takes a certificate (RFC 7468 section 5.1 names the first and the second). */
const CERTIFICATE_LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/** What a file of authorities holds. */
export interface Authorities {
  readonly authorities: readonly Authority[]
  /** Of each certificate that can vouch for nobody here, and is left out: where it is, and why. */
  readonly warnings: readonly CheckWarning[]
}

/**
 * The authorities of a PEM file. A certificate whose key this Node.js cannot read, or which cannot be read as an authority
 * for another reason, is left out: it is no reason to refuse the clients of the others.
 * @param bytes the content of the file
 * @param file its path, for errors
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR, FST_ENDPOINT_FILE_INVALID
 */
export function readAuthorities (bytes: Buffer, file: string): Authorities {
  const authorities: Authority[] = []
  const leftOut: LeftOut[] = []
  for (const { x509, line } of parseBlocks(bytes, 'authorities', file)) {
    try {
      checkSigner(x509)
      authorities.push(toAuthority(x509, file))
    } catch (problem) {
      leftOut.push({ title: titleOf(x509), line, problem })
    }
  }
  if (!authorities.some(({ anchor }) => anchor)) throw noAnchor(file, leftOut)
  const warnings = leftOut.map(({ title, line, problem }): CheckWarning => ({
    kind: 'no-effect',
    message: `authorities "${file}" line ${line}: ${title} is left out, and vouches for nobody: take it out of the file, or replace it. ` +
      reasonOf(problem),
    argument: 'authorities',
    file,
    line
  }))
  return { authorities, warnings }
}

interface LeftOut {
  readonly title: string
  readonly line: number
  readonly problem: unknown
}

function noAnchor (file: string, [first]: readonly LeftOut[]): Error {
  const location = { argument: 'authorities', file }
  const what = 'none of its certificates is self-signed, so no client could ever be trusted: add the root'
  if (first === undefined) return located(new errors.FST_ENDPOINT_NO_ANCHOR(file, what), location)
  const { title, line, problem } = first
  const why = `${what}. Line ${line}, ${title}, does not count (${reasonOf(problem)})`
  return located(new errors.FST_ENDPOINT_NO_ANCHOR(file, why), { ...location, line }, problem)
}

function toAuthority (x509: X509Certificate, file: string): Authority {
  return {
    x509,
    file,
    identity: identifyCertificate(x509.raw),
    anchor: x509.checkIssued(x509) && isSignedBy(x509, x509)
  }
}

/** Whether they are the same, in the same order. */
export function haveSameAuthorities (some: readonly Authority[], others: readonly Authority[]): boolean {
  return some.length === others.length && some.every(({ identity }, index) => identity.tbs === others[index]?.identity.tbs)
}

/**
 * All certificates of a PEM file, in its order. Nothing of them is checked.
 * @param argument the argument of the endpoint string that names the file
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_FILE_INVALID
 */
export function readCertificates (bytes: Buffer, argument: string, file: string): X509Certificate[] {
  return parseBlocks(bytes, argument, file).map(({ x509 }) => x509)
}

/**
 * The same for those that a server sends. Their times must be times; keys are checked where they are used.
 * @param isKeyUsed whether the first of them is the server's own
 */
export function readChain (bytes: Buffer, argument: string, file: string, isKeyUsed: boolean): X509Certificate[] {
  return parseBlocks(bytes, argument, file).map(({ x509, line }, index) => {
    try {
      readValidity(x509)
      if (isKeyUsed && index === 0) publicKeyOf(x509)
      return x509
    } catch (thrown) {
      const problem = `the certificate at line ${line} (${titleOf(x509)}) cannot be used: have another one issued. ${reasonOf(thrown)}`
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), { argument, file, line }, thrown)
    }
  })
}

function parseBlocks (bytes: Buffer, argument: string, file: string): Array<{ x509: X509Certificate, line: number }> {
  const location = { argument, file }
  const blocks = readPemBlocks(bytes, `${argument} "${file}"`, location)
  const certificates = blocks.filter(({ label }) => CERTIFICATE_LABELS.has(label))
  if (certificates.length === 0) {
    const found = blocks.length === 0 ? 'no PEM block' : `only ${[...new Set(blocks.map(({ label }) => label))].join(', ')}`
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, `it holds ${found}: give a PEM file with -----BEGIN CERTIFICATE-----`), location)
  }
  return certificates.map(({ text, line }) => {
    try {
      return { x509: new X509Certificate(text), line }
    } catch (error) {
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, `the certificate at line ${line} cannot be parsed (${reasonOf(error)})`), { ...location, line }, error)
    }
  })
}
