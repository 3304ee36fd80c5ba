/**
 * Distribution points: which certificates of its issuer a CRL covers (RFC 5280 section 5.2.5), and which CRLs may list a
 * certificate (section 4.2.1.13).
 *
 * Our own walk reads them, because the extension of a client certificate is read in the handshake. A tree of objects
 * would cost more there than the rest of the verdict.
 */
import { childrenOf, expectTag, invalid, isTrue, readElement, SEQUENCE, type DerElement } from './der.js'
import { nameKey, relativeNameKey } from './name.js'

/** ReasonFlags (RFC 5280 section 4.2.1.13) as a number: bit 1 is keyCompromise, and so on; bit 0 is unused. */
export const ALL_REASONS = 0b1_1111_1110

/** The scope of a CRL. */
export interface CrlScope {
  /** Keys of the names of its distribution point (see `generalNameKey`); undefined where it has none. */
  readonly names?: readonly string[]
  readonly onlyUserCertificates: boolean
  readonly onlyAuthorityCertificates: boolean
  readonly onlyAttributeCertificates: boolean
  /** The reasons that it covers. */
  readonly reasons: number
  readonly indirect: boolean
}

/** The scope of a CRL without the extension. */
export const WHOLE_SCOPE: CrlScope = {
  onlyUserCertificates: false,
  onlyAuthorityCertificates: false,
  onlyAttributeCertificates: false,
  reasons: ALL_REASONS,
  indirect: false
}

/**
 * The scope of a CRL whose scope cannot be read: it may cover any certificate of its issuer and of the issuers that its
 * entries name.
 */
export const UNREADABLE_SCOPE: CrlScope = { ...WHOLE_SCOPE, indirect: true }

/** One DistributionPoint of a certificate. */
export interface DistributionPoint {
  readonly names?: readonly string[]
  readonly reasons: number
  /** The name keys of the issuers whose CRLs count, instead of the certificate's own issuer. */
  readonly crlIssuers?: readonly string[]
}

const CONTEXT_0 = 0xa0
const CONTEXT_1 = 0xa1
const CONTEXT_2 = 0xa2
export const DIRECTORY_NAME = 0xa4
const URI = 0x86
const ONLY_USER = 0x81
const ONLY_AUTHORITY = 0x82
const ONLY_REASONS = 0x83
const REASONS = 0x81
const INDIRECT = 0x84
const ONLY_ATTRIBUTE = 0x85
/** Bounds the time that hostile input can take. */
const MAX_NAMES = 64
const MAX_POINTS = 64

/**
 * Reads the value of an issuingDistributionPoint extension.
 *
 * @param issuer the key of the CRL's issuer, the base of a relative name
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readScope (bytes: Uint8Array, value: Pick<DerElement, 'content' | 'end'>, issuer: string): CrlScope {
  const point = only(bytes, value)
  const scope = { ...WHOLE_SCOPE } as { -readonly [K in keyof CrlScope]: CrlScope[K] }
  for (const field of childrenOf(bytes, point)) {
    switch (field.tag) {
      case CONTEXT_0: scope.names = readPointName(bytes, field, [issuer]); break
      case ONLY_USER: scope.onlyUserCertificates = isTrue(bytes, field); break
      case ONLY_AUTHORITY: scope.onlyAuthorityCertificates = isTrue(bytes, field); break
      case ONLY_REASONS: scope.reasons = readReasons(bytes, field); break
      case INDIRECT: scope.indirect = isTrue(bytes, field); break
      case ONLY_ATTRIBUTE: scope.onlyAttributeCertificates = isTrue(bytes, field); break
      default: throw invalid('an issuingDistributionPoint with an unknown part')
    }
  }
  return scope
}

/**
 * Reads the value of a certificate's cRLDistributionPoints extension.
 *
 * @param issuer the key of the certificate's issuer
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readDistributionPoints (
  bytes: Uint8Array,
  value: Pick<DerElement, 'content' | 'end'>,
  issuer: string
): DistributionPoint[] {
  const points: DistributionPoint[] = []
  for (const point of childrenOf(bytes, only(bytes, value))) {
    if (points.length === MAX_POINTS) throw invalid('too many distribution points')
    let name: DerElement | undefined
    let reasons = ALL_REASONS
    let crlIssuers: string[] | undefined
    for (const field of childrenOf(bytes, point)) {
      if (field.tag === CONTEXT_0) name = field
      else if (field.tag === REASONS) reasons = readReasons(bytes, field)
      else if (field.tag === CONTEXT_2) crlIssuers = readDirectoryNames(bytes, field)
      else throw invalid('a distribution point with an unknown part')
    }
    points.push({
      ...(name !== undefined && { names: readPointName(bytes, name, crlIssuers ?? [issuer]) }),
      reasons,
      ...(crlIssuers !== undefined && { crlIssuers })
    })
  }
  return points
}

/** The one SEQUENCE that an extension holds. */
function only (bytes: Uint8Array, { content, end }: Pick<DerElement, 'content' | 'end'>): DerElement {
  const element = expectTag(bytes, content, end, SEQUENCE)
  if (element.end !== end) throw invalid('extra data follows the value of an extension')
  return element
}

/** DistributionPointName: full names, or one that is relative to an issuer's. */
function readPointName (bytes: Uint8Array, field: DerElement, issuers: readonly string[]): string[] {
  const choice = readElement(bytes, field.content, field.end)
  if (choice.end !== field.end) throw invalid('a distribution point with two names')
  if (choice.tag === CONTEXT_0) return readGeneralNames(bytes, choice)
  if (choice.tag !== CONTEXT_1) throw invalid('a distribution point with an unknown kind of name')
  const relative = relativeNameKey(bytes, { content: choice.content, end: choice.end })
  return issuers.map((issuer) => directoryNameKey(issuer + relative))
}

function readGeneralNames (bytes: Uint8Array, names: DerElement): string[] {
  const keys: string[] = []
  for (const name of childrenOf(bytes, names)) {
    if (keys.length === MAX_NAMES) throw invalid('too many names')
    keys.push(generalNameKey(bytes, name))
  }
  return keys
}

/** The key of a GeneralName: a directoryName as in `nameKey`, the others byte by byte. */
function generalNameKey (bytes: Uint8Array, name: DerElement): string {
  if (name.tag === DIRECTORY_NAME) return directoryNameKey(nameKey(bytes, expectTag(bytes, name.content, name.end, SEQUENCE)))
  return `${name.tag}:${Buffer.from(bytes.buffer, bytes.byteOffset + name.content, name.end - name.content).toString('latin1')}`
}

/** The key of a GeneralName that is a directoryName, from the key of its Name. */
export function directoryNameKey (name: string): string {
  return `directory:${name}`
}

/** The URI of the key of a GeneralName, unchanged; undefined for another kind of name. */
export function uriOf (key: string): string | undefined {
  const prefix = `${URI}:`
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined
}

/**
 * The keys of the directory names among GeneralNames: only those can be issuers of CRLs or certificates.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readDirectoryNames (bytes: Uint8Array, names: Pick<DerElement, 'content' | 'end'>): string[] {
  const keys: string[] = []
  for (const name of childrenOf(bytes, names)) {
    if (keys.length === MAX_NAMES) throw invalid('too many names')
    if (name.tag === DIRECTORY_NAME) keys.push(nameKey(bytes, expectTag(bytes, name.content, name.end, SEQUENCE)))
  }
  return keys
}

/** A BIT STRING, first bit first; without bit 0, which is unused. */
function readReasons (bytes: Uint8Array, { content, end }: DerElement): number {
  if (end - content < 1 || end - content > 3) throw invalid('reasons that are not a BIT STRING')
  let reasons = 0
  for (let bit = 0; bit < (end - content - 1) * 8; bit++) {
    if (((bytes[content + 1 + (bit >> 3)] as number) >> (7 - (bit & 7)) & 1) === 1) reasons |= 1 << bit
  }
  return reasons & ALL_REASONS
}
