/** The certificate files of an endpoint: its authorities, and the chains that it sends. */
import { X509Certificate } from 'node:crypto'
import type { CheckWarning } from '../../types/command-line.js'
import { errors, located, reasonOf } from '../errors.js'
import { readPemBlocks } from './pem.js'
import { type AnchorPolicy, Authorities, type Authority } from './authorities.js'
import { publicKeyOf } from './public-key.js'
import { titleOf } from './title.js'
import { readValidity } from './validity.js'
import { isCertificate, unreadBlocksOf } from './unread-blocks.js'

/** What a file of authorities holds. */
export interface AuthoritiesFile {
  readonly authorities: Authorities
  /** One for each certificate that is left out, and for each block that is not a certificate. */
  readonly warnings: readonly CheckWarning[]
}

/**
 * Reads the authorities of a PEM file. A certificate that cannot be used is left out with a warning, so that the clients of
 * the other authorities are not refused.
 * @param bytes the content of the file
 * @param file its path, for errors
 * @param anchors which of them are trust anchors
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR, FST_ENDPOINT_FILE_INVALID
 */
export function readAuthorities (bytes: Buffer, file: string, anchors: AnchorPolicy = 'self-signed'): AuthoritiesFile {
  const { certificates, warnings } = readCertificateFile(bytes, 'authorities', file)
  const authorities = new Authorities(certificates.map(({ x509 }) => x509), anchors, file)
  const unusable = authorities.unusable.map(({ index, x509, problem }) => {
    return { title: titleOf(x509), line: certificates[index]?.line as number, problem }
  })
  if (!authorities.all.some(({ isAnchor }) => isAnchor)) throw noAnchor(file, anchors, unusable)
  const withoutEffect = unusable.map(({ title, line, problem }) => {
    return warningOf('authorities', file, line, `${title} is left out: replace it, or remove it from the file. ${reasonOf(problem)}`)
  })
  return { authorities, warnings: [...withoutEffect, ...warnings, ...warningsOfNames(authorities)] }
}

/**
 * OpenSSL tries only one of several authorities of the same name: the first whose key identifier does not contradict (man
 * page X509_check_issued). It does not try the next one where the signature does not match.
 */
function warningsOfNames ({ all, file }: Authorities): CheckWarning[] {
  const groups = new Map<string, Authority[]>()
  for (const authority of all) groups.set(authority.name, [...groups.get(authority.name) ?? [], authority])
  return [...groups.values()].flatMap((group) => {
    const [first] = group as [Authority, ...Authority[]]
    const isAmbiguous = new Set(group.map(({ identity }) => identity.spki)).size > 1 && group.some(({ keyId }) => keyId === undefined)
    return !isAmbiguous
      ? []
      : [{
          kind: 'unfit' as const,
          message: `authorities "${file}": ${group.length} certificates with different keys have the name ${titleOf(first.x509)}, ` +
            'and not all have a subjectKeyIdentifier, so OpenSSL may try only the first of them and reject the clients of the others. ' +
            'Have them issued with key identifiers, or give each an endpoint of its own',
          argument: 'authorities',
          file
        }]
  })
}

function noAnchor (
  file: string,
  anchors: AnchorPolicy,
  [first]: ReadonlyArray<{ title: string, line: number, problem: unknown }>
): Error {
  const location = { argument: 'authorities', file }
  const what = anchors === 'any'
    ? 'none of its certificates can be used, so no client could be trusted: replace them'
    : 'none of its certificates is self-signed, so no client could be trusted: add the root, or write anchors=any to trust these without it'
  if (first === undefined) return located(new errors.FST_ENDPOINT_NO_ANCHOR(file, what), location)
  const { title, line, problem } = first
  const why = `${what}. Line ${line}, ${title}, does not count (${reasonOf(problem)})`
  return located(new errors.FST_ENDPOINT_NO_ANCHOR(file, why), { ...location, line }, problem)
}

/** The certificates of a file in their order, and warnings about its other blocks. */
interface CertificateFile {
  readonly certificates: ReadonlyArray<{ readonly x509: X509Certificate, readonly line: number }>
  readonly warnings: readonly CheckWarning[]
}

/**
 * Reads all certificates of a PEM file, without checking their content.
 * @param argument the argument of the endpoint string that names the file
 * @param mayHoldKey whether the file may hold a private key too
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, also for a block that holds certificates or CRLs in another form;
 *   FST_ENDPOINT_FILE_INVALID
 */
export function readCertificateFile (bytes: Buffer, argument: string, file: string, mayHoldKey = false): CertificateFile {
  const location = { argument, file }
  const blocks = readPemBlocks(bytes, `${argument} "${file}"`, location)
  const found = blocks.filter(isCertificate)
  const unread = unreadBlocksOf(blocks, { mayHoldKey })
  const missed = unread.find(({ isMissed }) => isMissed)
  if (missed !== undefined) {
    const { line, message } = missed
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, `line ${line}: ${message}`), { ...location, line })
  }
  if (found.length === 0) {
    const instead = blocks.length === 0 ? 'no PEM block' : `only ${[...new Set(blocks.map(({ label }) => label))].join(', ')}`
    const problem = `it holds ${instead}: give a PEM file with -----BEGIN CERTIFICATE-----`
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), location)
  }
  const certificates = found.map(({ text, line }) => {
    try {
      return { x509: new X509Certificate(text), line }
    } catch (error) {
      const problem = `the certificate at line ${line} cannot be parsed (${reasonOf(error)})`
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), { ...location, line }, error)
    }
  })
  return { certificates, warnings: unread.map(({ line, message }) => warningOf(argument, file, line, message)) }
}

/**
 * Reads a chain that a server sends. Its times must be valid; of its keys only the server's own is checked.
 * @param isKeyUsed whether the first certificate is the server's own
 */
export function readChain (
  bytes: Buffer,
  argument: string,
  file: string,
  isKeyUsed: boolean
): { chain: X509Certificate[], warnings: readonly CheckWarning[] } {
  const { certificates, warnings } = readCertificateFile(bytes, argument, file, isKeyUsed)
  const chain = certificates.map(({ x509, line }, index) => {
    try {
      readValidity(x509)
      if (isKeyUsed && index === 0) publicKeyOf(x509)
      return x509
    } catch (thrown) {
      const problem = `the certificate at line ${line} (${titleOf(x509)}) cannot be used: have it reissued. ${reasonOf(thrown)}`
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), { argument, file, line }, thrown)
    }
  })
  return { chain, warnings }
}

function warningOf (argument: string, file: string, line: number, message: string): CheckWarning {
  return { kind: 'no-effect', message: `${argument} "${file}" line ${line}: ${message}`, argument, file, line }
}
