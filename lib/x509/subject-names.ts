/**
 * The names of a certificate's subject: its subjectAltName (RFC 5280 section 4.2.1.6) and its commonName.
 *
 * They are read from the DER. The text form of Node.js and OpenSSL joins all names in one string, in which one name can
 * contain text that looks like another (CVE-2021-44532).
 */
import { isUtf8 } from 'node:buffer'
import {
  BIT_STRING, BOOLEAN, certificateExtensions, childrenOf, expectTag, isTrue, OBJECT_IDENTIFIER, readCertificate, readElement, SEQUENCE,
  unlessInvalid,
  type DerElement
} from './der.js'

/** What kind of name it is: a type of GeneralName, or the commonName. */
export type NameKind = 'uri' | 'dns' | 'email' | 'ip' | 'cn'

export interface SubjectName {
  readonly kind: NameKind
  /**
   * The name: `dns` and the host of an `email` in lower case, an `ip` in the form of RFC 5952. If there is a problem, its
   * bytes as Latin-1; make them printable before you show them.
   */
  readonly value: string
  /** Why the name identifies no client; undefined for a valid name. */
  readonly problem?: string
}

export interface SubjectNames {
  readonly names: readonly SubjectName[]
  /** Whether it is an end entity: neither basicConstraints nor keyUsage allow it to issue certificates or sign CRLs. */
  readonly isLeaf: boolean
  /** Why no name of the certificate counts; undefined if they do. */
  readonly problem?: string
}

/** A certificate beyond these limits was made to waste time. */
const MAX_NAMES = 1000
const MAX_BYTES = 64 * 1024

const SUBJECT_ALT_NAME = 17
const BASIC_CONSTRAINTS = 19
const KEY_USAGE = 15
const CONSTRUCTED = 0x20
/** Tags of GeneralName, all of them implicit. */
const KINDS: ReadonlyMap<number, NameKind> = new Map([[0x81, 'email'], [0x82, 'dns'], [0x86, 'uri'], [0x87, 'ip']])
/** Types without a kind of rule: otherName, x400Address, directoryName, ediPartyName, registeredID. */
const OTHER_KINDS: ReadonlySet<number> = new Set([0xa0, 0xa3, 0xa4, 0xa5, 0x88])
/** The bits of KeyUsage that an end entity must not have, in its first byte. */
const SIGNS_OTHERS = 0x06
/** id-at-commonName, 2.5.4.3. */
const COMMON_NAME = '550403'

/** Reads the names of a certificate. Never throws, whatever the bytes are. */
export function readSubjectNames (der: Uint8Array): SubjectNames {
  return unlessInvalid(() => readNames(der)) ?? refused('its extensions cannot be read')
}

function readNames (der: Uint8Array): SubjectNames {
  const layout = readCertificate(der)
  let alternative: DerElement | undefined
  let isLeaf = true
  for (const { id, value } of certificateExtensions(der, layout)) {
    if (id === SUBJECT_ALT_NAME) {
      if (alternative !== undefined) return refused('it has two subjectAltNames (RFC 5280 section 4.2)')
      alternative = value
    } else if (id === BASIC_CONSTRAINTS) {
      const [first] = childrenOf(der, expectTag(der, value.content, value.end, SEQUENCE))
      if (first?.tag === BOOLEAN && isTrue(der, first)) isLeaf = false
    } else if (id === KEY_USAGE) {
      const bits = expectTag(der, value.content, value.end, BIT_STRING)
      if (bits.end - bits.content > 1 && ((der[bits.content + 1] as number) & SIGNS_OTHERS) !== 0) isLeaf = false
    }
  }
  const names: SubjectName[] = []
  if (alternative !== undefined) {
    if (alternative.end - alternative.content > MAX_BYTES) return refused(`its subjectAltName is longer than ${MAX_BYTES} bytes`)
    const list = expectTag(der, alternative.content, alternative.end, SEQUENCE)
    if (list.end !== alternative.end) return refused('extra data follows its subjectAltName')
    let count = 0
    for (const name of childrenOf(der, list)) {
      if (++count > MAX_NAMES) return refused(`it has more than ${MAX_NAMES} names`)
      if (OTHER_KINDS.has(name.tag)) continue
      const kind = KINDS.get(name.tag & ~CONSTRUCTED)
      if (kind === undefined) return refused('its subjectAltName contains something that is not a name')
      // OpenSSL joins the segments, and so sees one more name. Skipping it could make one of two URIs look like the
      // only one.
      if ((name.tag & CONSTRUCTED) !== 0) names.push({ kind, value: view(der, name).toString('latin1'), problem: 'it is in segments' })
      else names.push(generalName(kind, view(der, name)))
    }
  }
  names.push(...commonNames(der, layout.subject))
  return { names, isLeaf }
}

function refused (problem: string): SubjectNames {
  return { names: [], isLeaf: false, problem }
}

function generalName (kind: NameKind, bytes: Buffer): SubjectName {
  if (kind === 'ip') return ipAddress(bytes)
  const value = bytes.toString('latin1')
  const problemOfKind = kind === 'dns' ? problemOfHost : kind === 'email' ? problemOfEmail : () => undefined
  const problem = problemOfText(bytes, value) ?? problemOfKind(value)
  if (problem !== undefined) return { kind, value, problem }
  return { kind, value: kind === 'dns' ? value.toLowerCase() : kind === 'email' ? lowerHost(value) : value }
}

/** Finds what no name may contain. A reader that stops at a NUL, or reads `*` as a pattern, would see a different name. */
function problemOfText (bytes: Buffer, value: string): string | undefined {
  if (bytes.length === 0) return 'it is empty'
  if (bytes.some((byte) => byte >= 0x80)) return 'an IA5String with bytes beyond ASCII'
  if (/\p{Cc}/u.test(value)) return 'it has a control character'
  return value.includes('*') ? 'it has a "*"' : undefined
}

function problemOfHost (host: string): string | undefined {
  return host.endsWith('.') ? 'its host ends with a dot' : host === '' ? 'its host is empty' : undefined
}

function problemOfEmail (value: string): string | undefined {
  const [local, host, ...others] = value.split('@')
  if (local === '' || host === undefined || others.length > 0) return 'it is not of the form local@host'
  return problemOfHost(host)
}

/** @param email of the form local@host */
export function lowerHost (email: string): string {
  const at = email.indexOf('@')
  return email.slice(0, at) + email.slice(at).toLowerCase()
}

function ipAddress (bytes: Buffer): SubjectName {
  if (bytes.length === 4) return { kind: 'ip', value: bytes.join('.') }
  if (bytes.length === 16) return { kind: 'ip', value: ipv6Text(bytes) }
  return { kind: 'ip', value: `#${bytes.subarray(0, 64).toString('hex')}`, problem: 'an address has 4 or 16 bytes' }
}

/** An IPv6 address in the form of RFC 5952. An IPv4-mapped one stays hexadecimal, so that it is never mistaken for IPv4. */
export function ipv6Text (bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[2 * at] as number) * 256 + (bytes[2 * at + 1] as number))
  // The first of the longest runs of two or more zero groups.
  let from = -1
  let length = 1
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === 0) end++
    if (end - at > length) [from, length] = [at, end - at]
    at = Math.max(at, end - 1)
  }
  const text = (some: number[]): string => some.map((group) => group.toString(16)).join(':')
  return from < 0 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`
}

/** All commonNames of a subject. If there are several, none counts: readers differ in which one they use. */
function commonNames (der: Uint8Array, subject: DerElement): SubjectName[] {
  const found: SubjectName[] = []
  for (const part of childrenOf(der, subject)) {
    for (const attribute of childrenOf(der, part)) {
      const type = expectTag(der, attribute.content, attribute.end, OBJECT_IDENTIFIER)
      if (view(der, type).toString('hex') !== COMMON_NAME) continue
      if (found.length === MAX_NAMES) return []
      const text = readElement(der, type.end, attribute.end)
      found.push(commonName(text.end === attribute.end ? text.tag : undefined, view(der, text)))
    }
  }
  if (found.length < 2) return found
  return found.map(({ kind, value }) => ({ kind, value, problem: 'the subject has several commonNames' }))
}

/** The string types that CAs write. Readers of T61String agree on ASCII only. */
const UTF8_STRING = 0x0c
const ASCII_STRINGS: ReadonlySet<number> = new Set([0x13, 0x14, 0x16, 0x1a])
const BMP_STRING = 0x1e

/** @param tag undefined if the value is more than one string */
function commonName (tag: number | undefined, bytes: Buffer): SubjectName {
  const kind = 'cn'
  const text = tag === UTF8_STRING && isUtf8(bytes)
    ? bytes.toString('utf8')
    : tag !== undefined && ASCII_STRINGS.has(tag) && bytes.every((byte) => byte < 0x80)
      ? bytes.toString('latin1')
      : tag === BMP_STRING && bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : undefined
  if (text === undefined || /\p{Cs}/u.test(text)) {
    return { kind, value: bytes.toString('latin1'), problem: 'its bytes are not valid for its string type' }
  }
  if (text === '') return { kind, value: text, problem: 'it is empty' }
  if (/\p{Cc}/u.test(text)) return { kind, value: text, problem: 'it has a control character' }
  return text.includes('*') ? { kind, value: text, problem: 'it has a "*"' } : { kind, value: text }
}

function view (bytes: Uint8Array, { content, end }: DerElement): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + content, end - content)
}
