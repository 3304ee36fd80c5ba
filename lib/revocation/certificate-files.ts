/**
 * A file that the list names: the revoked certificates in it, PEM or DER, in any number.
 *
 * What would silently not be understood here would let a revoked certificate in. So only what is known
 * to be something else (a key that lies beside its certificate) is passed over; the rest is an error.
 */
import { X509Certificate } from 'node:crypto'
import { type ErrorLocation, errors, located, reasonOf } from '../errors.js'
import { type PemBlock, readPemBlocks } from '../pem.js'
import { type DerElement, readElement } from './der.js'
import { type CertificateIdentity, identifyCertificate } from './identity.js'

/** RFC 7468 section 5.1; X509 is OpenSSL's old word, and TRUSTED has OpenSSL's own data behind the certificate. */
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'])
const CRL_LABEL = 'X509 CRL'
/** What may lie beside a certificate, by the end of its label. */
const OTHER_LABELS = new Map([
  ['PRIVATE KEY', 'a private key'],
  ['PUBLIC KEY', 'a public key'],
  ['PARAMETERS', 'parameters'],
  ['CERTIFICATE REQUEST', 'a certificate request']
])

const INTEGER = 0x02
const OBJECT_IDENTIFIER = 0x06
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30

/**
 * The certificates that a file revokes.
 *
 * @param bytes the content of the file: PEM blocks with any text around, or DER certificates one
 *   after another
 * @param what what the file is called in messages
 * @param location put on the errors
 * @throws FST_ENDPOINT_FILE_INVALID if it holds none, or anything that is not known to be no
 *   revocation (PKCS #7, an unknown label, rests behind DER)
 * @throws FST_ENDPOINT_FILE_EMPTY
 * @throws FST_ENDPOINT_NOT_YET if it holds a CRL
 */
export function readRevokedCertificates (bytes: Uint8Array, what: string, location: ErrorLocation = {}): CertificateIdentity[] {
  const file: File = { what, location }
  // A file that is copied is empty at first.
  if (bytes.length === 0) throw located(new errors.FST_ENDPOINT_FILE_EMPTY(what), location)
  // An element of 128 bytes or more. No text begins like this: '0', then the middle of a character.
  if (bytes[0] === SEQUENCE && (bytes[1] ?? 0) > 0x80 && (bytes[1] ?? 0) < 0xc0) return fromDer(bytes, file)
  return fromPem(readPemBlocks(bytes, what, location), file)
}

interface File {
  what: string
  location: ErrorLocation
}

function fromPem (blocks: readonly PemBlock[], file: File): CertificateIdentity[] {
  const identities: CertificateIdentity[] = []
  const others = new Set<string>()
  for (const block of blocks) {
    const { label, der, line } = block
    if (CERTIFICATE_LABELS.has(label)) {
      identities.push(identify(label === 'TRUSTED CERTIFICATE' ? leadingElement(der, file, line) : der, file, line))
    } else if (label === CRL_LABEL) {
      throw crlNotYet(file, line)
    } else {
      const other = [...OTHER_LABELS].find(([ending]) => label.endsWith(ending))
      if (other === undefined) throw invalid(file, `it holds a block of type ${label}, which cannot be read: convert it to certificates`, line)
      others.add(other[1])
    }
  }
  if (identities.length > 0) return identities
  throw invalid(file, others.size > 0
    ? `it holds only ${[...others].join(' and ')}: give a certificate`
    : 'it holds no certificate, neither as PEM nor as DER')
}

function leadingElement (der: Buffer, file: File, line: number): Buffer {
  try {
    return der.subarray(0, readElement(der, 0, der.length).end)
  } catch (thrown) {
    throw invalid(file, reasonOf(thrown), line, thrown)
  }
}

function fromDer (bytes: Uint8Array, file: File): CertificateIdentity[] {
  const identities: CertificateIdentity[] = []
  for (let start = 0; start < bytes.length;) {
    const kind = kindOf(bytes, start)
    if (kind === 'a CRL') throw crlNotYet(file)
    if (kind !== undefined) throw invalid(file, `it holds ${kind}: give certificates`)
    const { end } = elementAt(bytes, start, file)
    // A copy, so that what lives long does not hold the whole file.
    identities.push(identify(Buffer.from(bytes.subarray(start, end)), file))
    start = end
  }
  return identities
}

function elementAt (bytes: Uint8Array, start: number, file: File): DerElement {
  try {
    return readElement(bytes, start, bytes.length)
  } catch (thrown) {
    throw invalid(file, start === 0 ? reasonOf(thrown) : `something that is not DER follows a certificate at byte ${start}`, undefined, thrown)
  }
}

/** What else stands at a place, as far as the first tags tell; undefined for a certificate and for the unknown. */
function kindOf (bytes: Uint8Array, start: number): string | undefined {
  try {
    const outer = readElement(bytes, start, bytes.length)
    const first = readElement(bytes, outer.content, outer.end)
    if (first.tag === INTEGER) return 'a private key or a PKCS #12 bundle'
    if (first.tag === OBJECT_IDENTIFIER) return 'a PKCS #7 bundle'
    // RFC 5280 section 5.1: an optional version, an algorithm, the issuer, then a time. A certificate
    // has its issuer or its validity there.
    let inner = readElement(bytes, first.content, first.end)
    if (inner.tag === INTEGER) inner = readElement(bytes, inner.end, first.end)
    const issuer = readElement(bytes, inner.end, first.end)
    const time = readElement(bytes, issuer.end, first.end)
    return time.tag === UTC_TIME || time.tag === GENERALIZED_TIME ? 'a CRL' : undefined
  } catch {
    return undefined
  }
}

function identify (der: Buffer, file: File, line?: number): CertificateIdentity {
  try {
    const identity = identifyCertificate(der)
    // The walk does not look at all of it; OpenSSL does. OpenSSL would also find a PEM certificate
    // somewhere within the DER, so what it has read is not what the identity is taken from.
    new X509Certificate(der) // eslint-disable-line no-new
    return identity
  } catch (thrown) {
    const reason = thrown instanceof errors.FST_ENDPOINT_DER_INVALID ? thrown.message : `OpenSSL cannot read a certificate of it (${reasonOf(thrown)})`
    throw invalid(file, reason, line, thrown)
  }
}

function crlNotYet ({ what, location }: File, line?: number): Error {
  return located(new errors.FST_ENDPOINT_NOT_YET('A certificate revocation list (CRL)', `${what} holds one`), at(location, line))
}

function invalid ({ what, location }: File, problem: string, line?: number, cause?: unknown): Error {
  const message = line === undefined ? problem : `line ${line}: ${problem}`
  return located(new errors.FST_ENDPOINT_FILE_INVALID(what, message), at(location, line), cause)
}

function at (location: ErrorLocation, line: number | undefined): ErrorLocation {
  return line === undefined ? location : { ...location, line }
}
