/**
 * The extensions of a CRL (RFC 5280 section 5.2).
 *
 * An extension that cannot be read, is repeated, or breaks a rule is a defect. Such an extension limits nothing, so the
 * CRL revokes all that it lists. It cannot make the CRL newer than another either.
 */
import {
  attemptExtension, childrenOf, expectTag, type Extension, hexOf, INTEGER, invalid, OCTET_STRING, SEQUENCE, unlessInvalid, type DerElement
} from './der.js'
import {
  type CrlScope, type DistributionPoint, readDistributionPoints, readScope, UNREADABLE_SCOPE, WHOLE_SCOPE
} from './distribution-point.js'
import { AUTHORITY_KEY_IDENTIFIER, FRESHEST_CRL } from './oids.js'

export interface CrlExtensions {
  readonly number: bigint | undefined
  readonly isDelta: boolean
  /** The number of the complete CRL that a delta CRL builds on. */
  readonly baseNumber: bigint | undefined
  /** keyIdentifier of the authorityKeyIdentifier, in hexadecimal. */
  readonly keyId: string | undefined
  readonly scope: CrlScope
  /** Equal for two CRLs if, and only if, the bytes of their scopes are equal. */
  readonly scopeKey: string
  /** Where its delta CRLs are published: freshestCRL (RFC 5280 section 5.2.6). */
  readonly freshest: readonly DistributionPoint[]
  readonly defect: string | undefined
  /** Whether a limit or an issuer may have been missed. */
  readonly isPartial: boolean
}

const CRL_NUMBER = 20
const DELTA_CRL_INDICATOR = 27
const ISSUING_DISTRIBUTION_POINT = 28
const KEY_IDENTIFIER = 0x80
const RECOGNIZED: ReadonlySet<number | undefined> = new Set([
  CRL_NUMBER, DELTA_CRL_INDICATOR, ISSUING_DISTRIBUTION_POINT, AUTHORITY_KEY_IDENTIFIER, FRESHEST_CRL
])
/** RFC 5280 section 5.2.3. */
const LONGEST_NUMBER = 20
/** Limits the work before the signature is verified. RFC 5280 defines six extensions. */
const MAX_EXTENSIONS = 64

/**
 * Reads the extensions. Never throws, whatever the bytes are.
 *
 * @param wrapped crlExtensions with its tag; undefined if the CRL has none
 * @param issuer the key of the CRL's issuer
 */
export function readCrlExtensions (bytes: Uint8Array, wrapped: DerElement | undefined, issuer: string): CrlExtensions {
  const extensions = new ExtensionReader(bytes, wrapped)
  const number = extensions.valueOf(CRL_NUMBER, 'CRL number', (value) => readNumber(bytes, value))
  const baseNumber = extensions.valueOf(DELTA_CRL_INDICATOR, 'deltaCRLIndicator', (value) => readNumber(bytes, value))
  const keyId = extensions.valueOf(AUTHORITY_KEY_IDENTIFIER, 'authorityKeyIdentifier', (value) => readKeyId(bytes, value) ?? NO_KEY_ID)
  const freshest = extensions.valueOf(FRESHEST_CRL, 'freshestCRL', (value) => readDistributionPoints(bytes, value, issuer))
  const scopes = extensions.all(ISSUING_DISTRIBUTION_POINT)
  const scope = extensions.valueOf(ISSUING_DISTRIBUTION_POINT, 'issuingDistributionPoint', (value) => readScope(bytes, value, issuer))
  if (scopes.some((value) => isEmpty(bytes, value))) extensions.note('its issuingDistributionPoint is empty (RFC 5280 section 5.2.5)')
  const isContradictory = scope !== undefined && excludesAll(scope)
  if (isContradictory) extensions.note('its scope excludes all certificates (RFC 5280 section 5.2.5)')
  return {
    number,
    isDelta: extensions.all(DELTA_CRL_INDICATOR).length > 0,
    baseNumber,
    keyId: keyId === NO_KEY_ID ? undefined : keyId,
    scope: scopes.length === 0 && !extensions.isCut ? WHOLE_SCOPE : scope === undefined || isContradictory ? UNREADABLE_SCOPE : scope,
    scopeKey: scopes.map((value) => hexOf(bytes, value)).join(),
    freshest: freshest ?? [],
    defect: extensions.defect,
    isPartial: extensions.isPartial
  }
}

const NO_KEY_ID = ''

/** The extensions of one CRL, and their first defect. */
class ExtensionReader {
  /** The first defect; undefined if there is none. */
  defect: string | undefined
  isPartial = false
  /** Whether there are more than `MAX_EXTENSIONS`. The unread ones may contradict the others. */
  isCut = false
  readonly #extensions: Extension[] = []

  constructor (bytes: Uint8Array, wrapped: DerElement | undefined) {
    const isRead = wrapped === undefined || unlessInvalid(() => {
      const list = expectTag(bytes, wrapped.content, wrapped.end, SEQUENCE)
      let count = 0
      for (const element of childrenOf(bytes, list)) {
        if (++count > MAX_EXTENSIONS) {
          this.#cut()
          break
        }
        this.#add(attemptExtension(bytes, element))
      }
      if (list.end !== wrapped.end) throw invalid('extra data follows them')
      return true
    })
    if (isRead === undefined) this.#add('')
  }

  note (defect: string): void {
    this.defect ??= defect
  }

  /** The values of the extensions with an id. */
  all (wanted: number): DerElement[] {
    return this.#extensions.filter(({ id }) => id === wanted).map(({ value }) => value)
  }

  /** Reads the value of an extension; undefined if it is missing, repeated or unreadable. */
  valueOf<T> (wanted: number, name: string, read: (value: DerElement) => T): T | undefined {
    const [extension, ...others] = this.all(wanted)
    if (extension === undefined || this.isCut) return undefined
    const value = others.length > 0 ? undefined : unlessInvalid(() => read(extension))
    if (value === undefined) {
      this.note(others.length > 0
        ? `its ${name} is repeated (RFC 5280 section 4.2)`
        : `its ${name} cannot be read, or breaks a rule of RFC 5280 section 5.2`)
    }
    return value
  }

  #cut (): void {
    this.note('it has too many extensions')
    this.isPartial = true
    this.isCut = true
  }

  /** @param extension a string if it cannot be read */
  #add (extension: Extension | string): void {
    if (typeof extension === 'string') {
      this.note('it has an extension that cannot be read')
      this.isPartial = true
      return
    }
    const { id, critical } = extension
    if (critical && id === CRL_NUMBER) this.note('its CRL number is marked as critical (RFC 5280 section 5.2.3)')
    if (critical && id === FRESHEST_CRL) this.note('its freshestCRL is marked as critical (RFC 5280 section 5.2.6)')
    if (critical && !RECOGNIZED.has(id)) this.note('it has an unknown critical extension (RFC 5280 section 5.2)')
    this.#extensions.push(extension)
  }
}

function readNumber (bytes: Uint8Array, value: DerElement): bigint {
  const number = expectTag(bytes, value.content, value.end, INTEGER)
  const length = number.end - number.content
  if (number.end !== value.end) throw invalid('extra data follows a number')
  if (length < 1 || length > LONGEST_NUMBER + 1 || (bytes[number.content] as number) >= 0x80) {
    throw invalid('a CRL number that is negative or too long')
  }
  return BigInt(`0x${hexOf(bytes, number)}`)
}

/** keyIdentifier (RFC 5280 section 4.2.1.1). The alternative, issuer and serial number, is not used for CRLs. */
function readKeyId (bytes: Uint8Array, value: DerElement): string | undefined {
  const identifier = expectTag(bytes, value.content, value.end, SEQUENCE)
  if (identifier.end !== value.end) throw invalid('extra data follows it')
  for (const field of childrenOf(bytes, identifier)) {
    if (field.tag === KEY_IDENTIFIER) return hexOf(bytes, field)
  }
  return undefined
}

/** The subjectKeyIdentifier of a certificate (RFC 5280 section 4.2.1.2), in the form of `CrlExtensions.keyId`. */
export function readSubjectKeyId (bytes: Uint8Array, { value }: Extension): string {
  return hexOf(bytes, expectTag(bytes, value.content, value.end, OCTET_STRING))
}

function isEmpty (bytes: Uint8Array, value: DerElement): boolean {
  return unlessInvalid(() => {
    const { content, end } = expectTag(bytes, value.content, value.end, SEQUENCE)
    return content === end
  }) === true
}

function excludesAll ({ onlyUserCertificates, onlyAuthorityCertificates, onlyAttributeCertificates }: CrlScope): boolean {
  return Number(onlyUserCertificates) + Number(onlyAuthorityCertificates) + Number(onlyAttributeCertificates) > 1
}
