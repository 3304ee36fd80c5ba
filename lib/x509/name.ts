/**
 * Names as keys: two distinguished names are equal exactly if their keys are equal.
 *
 * RFC 5280 section 7.1 ignores case, string types, and white space that leads, trails or repeats. Without that, a CRL whose
 * issuer uses another string type than the certificates would revoke nobody. Like OpenSSL, this folds only ASCII letters.
 */
import { childrenOf, invalid, readElement, type DerElement, SET } from './der.js'

const PRINTABLE_STRING = 0x13
const UTF8_STRING = 0x0c
const TELETEX_STRING = 0x14
const IA5_STRING = 0x16
const VISIBLE_STRING = 0x1a
const UNIVERSAL_STRING = 0x1c
const BMP_STRING = 0x1e

/** Bounds the time that a hostile name can take. */
const MAX_ATTRIBUTES = 256

/**
 * The key of a Name.
 *
 * @param name the SEQUENCE of relative distinguished names
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function nameKey (bytes: Uint8Array, name: Pick<DerElement, 'content' | 'end'>): string {
  let key = ''
  let left = MAX_ATTRIBUTES
  for (const rdn of childrenOf(bytes, name)) {
    if (--left < 0) throw invalid('a name with too many parts')
    key += relativeNameKey(bytes, rdn)
  }
  return key
}

/** Short names of attributes (RFC 4519; the e-mail address is of PKCS #9) by their object identifiers, in hexadecimal. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['550403', 'CN'], ['550404', 'SN'], ['550405', 'serialNumber'], ['550406', 'C'], ['550407', 'L'], ['550408', 'ST'], ['550409', 'STREET'],
  ['55040a', 'O'], ['55040b', 'OU'], ['55040c', 'title'], ['55042a', 'GN'], ['0992268993f22c640119', 'DC'], ['0992268993f22c640101', 'UID'],
  ['2a864886f70d010901', 'emailAddress']
])

/** Characters that RFC 4514 section 2.4 escapes, so that a value does not look like another attribute. */
const SPECIAL = /[,+"\\<>;]/g
const LONGEST_TEXT = 300

/**
 * A Name as text, in its own order: `C=DE, CN=Test CA`. For messages only, which must make it printable; to compare names use
 * `nameKey`.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function nameText (bytes: Uint8Array, name: Pick<DerElement, 'content' | 'end'>): string {
  let text = ''
  for (const rdn of childrenOf(bytes, name)) {
    const attributes = [...childrenOf(bytes, rdn)].map((attribute) => attributeText(bytes, attribute))
    text += `${text === '' ? '' : ', '}${attributes.join('+')}`
    if (text.length > LONGEST_TEXT) return `${text.slice(0, LONGEST_TEXT)}…`
  }
  return text
}

function attributeText (bytes: Uint8Array, attribute: DerElement): string {
  const type = readElement(bytes, attribute.content, attribute.end)
  const value = readElement(bytes, type.end, attribute.end)
  const oid = view(bytes, type).toString('hex')
  const text = textOf(bytes, value)?.replace(SPECIAL, '\\$&') ?? `#${view(bytes, value).toString('hex')}`
  return `${WORDS.get(oid) ?? `#${oid}`}=${text}`
}

/** The key of one RelativeDistinguishedName; the key of a Name concatenates these keys. */
export function relativeNameKey (bytes: Uint8Array, rdn: Pick<DerElement, 'content' | 'end'> & { tag?: number }): string {
  if (rdn.tag !== undefined && rdn.tag !== SET) throw invalid('a name with a part that is not a SET')
  const attributes: string[] = []
  for (const attribute of childrenOf(bytes, rdn)) {
    if (attributes.length === MAX_ATTRIBUTES) throw invalid('a name with too many parts')
    attributes.push(attributeKey(bytes, attribute))
  }
  // Each value is preceded by its length, so no value can imitate a separator.
  return `(${attributes.sort().join('')})`
}

function attributeKey (bytes: Uint8Array, attribute: DerElement): string {
  const type = readElement(bytes, attribute.content, attribute.end)
  const value = readElement(bytes, type.end, attribute.end)
  const text = textOf(bytes, value)
  const oid = view(bytes, type).toString('hex')
  if (text === undefined) return `${oid}#${value.tag}:${view(bytes, value).toString('hex')};`
  const folded = text.replace(/[\t-\r ]+/g, ' ').replace(/^ | $/g, '').replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
  return `${oid}=${folded.length}:${folded};`
}

/** The text of a string type; undefined for other types, whose bytes are compared. */
function textOf (bytes: Uint8Array, value: DerElement): string | undefined {
  const content = view(bytes, value)
  switch (value.tag) {
    case PRINTABLE_STRING:
    case IA5_STRING:
    case VISIBLE_STRING:
    case TELETEX_STRING:
      return content.toString('latin1')
    case UTF8_STRING:
      return content.toString('utf8')
    case BMP_STRING:
      return content.length % 2 === 0 ? Buffer.from(content).swap16().toString('utf16le') : undefined
    case UNIVERSAL_STRING:
      return universal(content)
    default:
      return undefined
  }
}

function universal (content: Buffer): string | undefined {
  if (content.length % 4 !== 0) return undefined
  let text = ''
  for (let place = 0; place < content.length; place += 4) {
    const point = content.readUInt32BE(place)
    if (point > 0x10ffff) return undefined
    text += String.fromCodePoint(point)
  }
  return text
}

function view (bytes: Uint8Array, { content, end }: Pick<DerElement, 'content' | 'end'>): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + content, end - content)
}
