/**
 * The content of a file of the list: revoked certificates and CRLs, PEM or DER, in any mix and number.
 *
 * Content that is silently ignored would admit a revoked client. So only blocks that are known to be harmless are
 * skipped, such as a key beside its certificate. Anything else is an error.
 */
import { type ErrorLocation, errors, located, reasonOf } from '../../errors.js'
import { type PemBlock, readPemBlocks } from '../../x509/pem.js'
import type { VerifiedCrl } from '../crl/series.js'
import type { Authorities, Authority } from '../../x509/authorities.js'
import { verifyCrl } from '../crl/verify.js'
import { withDefiniteLengths } from '../../x509/definite-lengths.js'
import { INTEGER, isDer, OBJECT_IDENTIFIER, readElement, SEQUENCE } from '../../x509/der.js'
import { identifyWholeCertificate } from '../../x509/identity.js'

/** A file of a list that was read and is still to be parsed. */
export interface FileToRead {
  readonly bytes: Uint8Array
  readonly what: string
  readonly location: ErrorLocation
  readonly authorities: Authorities
  readonly limit: number
}

/** RFC 7468 section 5.1. X509 is OpenSSL's old label, and TRUSTED has data of OpenSSL's own behind the certificate. */
const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'])
/** RFC 7468 section 6. */
const CRL_LABEL = 'X509 CRL'
/** Blocks that may be in the same file as a certificate, by the end of their labels. */
const OTHER_LABELS = new Map([
  ['PRIVATE KEY', 'a private key'],
  ['PUBLIC KEY', 'a public key'],
  ['PARAMETERS', 'parameters'],
  ['CERTIFICATE REQUEST', 'a certificate request']
])

// What to do about nothing at all.
const EMPTY_FILE = 'write it under another name and rename it, or remove it'
const EMPTY_SOURCE = 'return keys: [] to revoke nobody'

interface RevocationFile {
  /** The content: PEM blocks with any text around, or certificates and CRLs in DER, one after another. */
  readonly bytes: Uint8Array
  /** What the file is called in messages. */
  readonly what: string
  /** Set on the errors. */
  readonly location: ErrorLocation
  /** Who may have signed a CRL. */
  readonly signers: readonly Authority[]
  /** The most entries that its CRLs may have. */
  readonly limit: number
}

/** What a file revokes. */
export interface FileRevocations {
  /** The `tbs` of each certificate. */
  readonly tbs: readonly string[]
  readonly crls: readonly VerifiedCrl[]
  /** CRLs that no authority has signed, and CRLs that cannot be read. The rest of the file counts. */
  readonly problems: readonly Error[]
  /** Why CRLs are of less use than they seem. */
  readonly warnings: readonly string[]
}

/**
 * Parses a file, and verifies the CRLs in it.
 *
 * @throws FST_ENDPOINT_FILE_INVALID if it holds neither certificates nor CRLs, or anything that might be a revocation and
 *   cannot be read (PKCS #7, an unknown label, bytes behind DER)
 * @throws FST_ENDPOINT_FILE_EMPTY
 * @throws FST_ENDPOINT_LIST_TOO_MANY_ENTRIES if a CRL has more entries than the limit
 */
export async function readRevocationFile (file: RevocationFile): Promise<FileRevocations> {
  const { bytes, what, location } = file
  // A file that is being copied is empty at first.
  if (bytes.length === 0) {
    throw located(new errors.FST_ENDPOINT_FILE_EMPTY(what, location.file === undefined ? EMPTY_SOURCE : EMPTY_FILE), location)
  }
  const found = { tbs: [] as string[], crls: [] as VerifiedCrl[], problems: [] as Error[], warnings: [] as string[] }
  // The other blocks of the file revoke even if one is misspelt.
  const parts = isDer(bytes) ? partsOfDer(file) : partsOfPem(readPemBlocks(bytes, what, location, found.problems), file)
  for (const part of parts) {
    if (part.kind === 'certificate') found.tbs.push(identify(part, file))
    else await addCrl(part, file, found)
  }
  return found
}

/** A certificate or a CRL, and the line in which it begins. */
interface Part {
  readonly kind: 'certificate' | 'CRL'
  readonly der: Uint8Array
  readonly line: number | undefined
}

interface FileParts {
  readonly crls: VerifiedCrl[]
  readonly problems: Error[]
  readonly warnings: string[]
}

async function addCrl ({ der, line }: Part, file: RevocationFile, found: FileParts): Promise<void> {
  const { what, location, signers, limit } = file
  const where = line === undefined ? what : `${what} line ${line}`
  const tooMany = (): Error => located(new errors.FST_ENDPOINT_LIST_TOO_MANY_ENTRIES(what, limit), at(location, line))
  try {
    const outcome = await verifyCrl(der, signers, { limit, tooMany })
    if ('problem' in outcome) {
      found.problems.push(located(new errors.FST_ENDPOINT_CRL_UNSIGNED(where, outcome.problem), at(location, line)))
    } else {
      found.crls.push(outcome.verified)
      for (const warning of outcome.warnings) found.warnings.push(`${where}: the CRL ${warning}`)
    }
  } catch (thrown) {
    if (!(thrown instanceof errors.FST_ENDPOINT_DER_INVALID)) throw thrown
    found.problems.push(invalid(file, thrown.message, line, thrown))
  }
}

function * partsOfPem (blocks: readonly PemBlock[], file: RevocationFile): Generator<Part> {
  const others = new Set<string>()
  let isAny = false
  for (const { label, der, line } of blocks) {
    if (CERTIFICATE_LABELS.has(label)) {
      isAny = true
      yield { kind: 'certificate', der: label === 'TRUSTED CERTIFICATE' ? leadingElement(der, file, line) : der, line }
    } else if (label === CRL_LABEL) {
      isAny = true
      yield { kind: 'CRL', der, line }
    } else {
      const other = [...OTHER_LABELS].find(([ending]) => label.endsWith(ending))
      if (other === undefined) {
        throw invalid(file, `it holds a block of type ${label}, which cannot be read: convert it to certificates or CRLs`, line)
      }
      others.add(other[1])
    }
  }
  if (isAny) return
  throw invalid(file, others.size > 0
    ? `it holds only ${[...others].join(' and ')}: give a certificate or a CRL`
    : 'it holds no certificate and no CRL, neither as PEM nor as DER')
}

function leadingElement (der: Buffer, file: RevocationFile, line: number): Buffer {
  try {
    return der.subarray(0, readElement(der, 0, der.length).end)
  } catch (thrown) {
    throw invalid(file, reasonOf(thrown), line, thrown)
  }
}

function * partsOfDer (file: RevocationFile): Generator<Part> {
  const { bytes } = file
  for (let start = 0; start < bytes.length;) {
    if (isPadding(bytes, start)) return
    // OpenSSL also reads CRLs in BER.
    const definite = kindOf(bytes, start) === undefined ? withDefiniteLengths(bytes, start) : undefined
    const kind = definite === undefined ? kindOf(bytes, start) : kindOf(definite.bytes, 0)
    if (kind !== undefined && kind !== 'certificate' && kind !== 'CRL') {
      throw invalid(file, `it holds ${kind}: give certificates or CRLs`)
    }
    const end = definite?.end ?? endAt(bytes, start, file)
    // A certificate is copied, so that it does not keep the whole file in memory. No part of a CRL is kept.
    const der = bytes.subarray(start, end)
    yield kind === 'CRL' ? { kind, der, line: undefined } : { kind: 'certificate', der: Buffer.from(der), line: undefined }
    start = end
  }
}

/** Whether only line breaks, blanks and zeros follow, as programs leave them behind DER. */
function isPadding (bytes: Uint8Array, start: number): boolean {
  for (let place = start; place < bytes.length; place++) if (!PADDING.has(bytes[place] as number)) return false
  return true
}

const PADDING: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x1a, 0x20])

function endAt (bytes: Uint8Array, start: number, file: RevocationFile): number {
  try {
    return readElement(bytes, start, bytes.length).end
  } catch (thrown) {
    throw invalid(file, start === 0 ? reasonOf(thrown) : `something that is not DER follows at byte ${start}`, undefined, thrown)
  }
}

/** What kind of structure begins at this position, judged by its first tags; undefined if they cannot be read. */
function kindOf (bytes: Uint8Array, start: number): string | undefined {
  try {
    const outer = readElement(bytes, start, bytes.length)
    const first = readElement(bytes, outer.content, outer.end)
    if (first.tag === INTEGER) return 'a private key or a PKCS #12 bundle'
    if (first.tag === OBJECT_IDENTIFIER) return 'a PKCS #7 bundle'
    // RFC 5280 section 5.1: an optional version, an algorithm, the issuer, then a time. In place of the time, a broken CRL may
    // have its entries or extensions. A certificate has its algorithm or its validity there.
    let inner = readElement(bytes, first.content, first.end)
    if (inner.tag === INTEGER) inner = readElement(bytes, inner.end, first.end)
    const issuer = readElement(bytes, inner.end, first.end)
    const time = readElement(bytes, issuer.end, first.end)
    if (time.tag !== SEQUENCE) return 'CRL'
    return time.content < time.end && readElement(bytes, time.content, time.end).tag === SEQUENCE ? 'CRL' : 'certificate'
  } catch {
    return undefined
  }
}

function identify ({ der, line }: Part, file: RevocationFile): string {
  try {
    return identifyWholeCertificate(der)
  } catch (thrown) {
    throw invalid(file, (thrown as Error).message, line, thrown)
  }
}

function invalid ({ what, location }: RevocationFile, problem: string, line?: number, cause?: unknown): Error {
  const message = line === undefined ? problem : `line ${line}: ${problem}`
  return located(new errors.FST_ENDPOINT_FILE_INVALID(what, message), at(location, line), cause)
}

function at (location: ErrorLocation, line: number | undefined): ErrorLocation {
  return line === undefined ? location : { ...location, line }
}
