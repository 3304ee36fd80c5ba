/**
 * The kinds of values that arguments take. Each parses a text, or says what is wrong in words that follow the
 * argument's name.
 */
import { isIP } from 'node:net'
import { printable } from '../text/printable.js'
import { quoteEndpointArgument } from './quote.js'

/** The value of a text, or what is wrong with it; `at` is the offset of the wrong character. */
export type ValueResult<T> = { value: T } | { wrong: string, at: number }

export type Kind<T> = (text: string) => ValueResult<T>

/** The size of sun_path in Linux, less the NUL at its end. Node truncates longer paths silently. */
const LONGEST_UNIX_ADDRESS = 107

/** Characters that no host name contains. The resolver decides on all others, since a hosts file may use any name. */
const NEVER_IN_A_HOST = /[\s=[\]/,*\p{Cc}\p{Cf}\p{Cs}]/u

/** A decimal number in ASCII digits: no sign, no spaces, no other script's digits. */
export function decimal (least: number, most: number): Kind<number> {
  return (text) => number(text, /^[0-9]+$/, 10, least, most) ??
    mistake(`must be a decimal number from ${least} to ${most}`, text, /[^0-9]/)
}

export const port = decimal(0, 65535)

// Node would use its own default of 511 for 0.
export const backlog = decimal(1, 0x7fffffff)

/** Permission bits in octal, with or without the prefix `0o` that Python's int() also takes. */
export function permissions (text: string): ValueResult<number> {
  return number(text.replace(/^0o(?=.)/i, ''), /^[0-7]+$/, 8, 0, 0o7777) ??
    mistake('must be an octal number from 0 to 7777', text, /[^0-7]/)
}

/** A boolean, as Twisted writes it. */
export function flag (text: string): ValueResult<boolean> {
  return text === '0' || text === '1' ? { value: text === '1' } : mistake('must be 0 or 1', text)
}

export function oneOf<T extends string> (...names: T[]): Kind<T> {
  return (text) => {
    const value = names.find((name) => name === text)
    return value === undefined ? mistake(`must be ${enumerate(names)}`, text) : { value }
  }
}

export function path (text: string): ValueResult<string> {
  if (text === '') return { wrong: 'must not be empty: give a path', at: 0 }
  return unfitForSystem(text) ?? { value: text }
}

/** Paths separated by commas. A comma within a path has a backslash before it. */
export function paths (text: string): ValueResult<[string, ...string[]]> {
  const found: string[] = []
  let at = 0
  for (const part of text.split(/(?<!\\),/)) {
    const result = path(part.replaceAll('\\,', ','))
    if ('wrong' in result) return { wrong: result.wrong, at: at + result.at }
    found.push(result.value)
    at += part.length + 1
  }
  return { value: found as [string, ...string[]] }
}

/** The path of a unix socket, or a NUL and a name in Linux' abstract namespace. */
export function unixAddress (text: string): ValueResult<string> {
  const abstract = text.startsWith('\0')
  if (text.length <= (abstract ? 1 : 0)) return { wrong: 'must not be empty: give the path of the socket', at: 0 }
  const unfit = unfitForSystem(text, abstract ? 1 : 0)
  if (unfit !== undefined) return unfit
  const bytes = Buffer.byteLength(text)
  if (bytes <= LONGEST_UNIX_ADDRESS) return { value: text }
  return { wrong: `has ${bytes} bytes, but the path of a unix socket can have at most ${LONGEST_UNIX_ADDRESS}: ${printable(text)}`, at: 0 }
}

/** An address or the name of a host to bind, or nothing: every IPv4 address. */
export function anyInterface (text: string): ValueResult<string> {
  return text === '' ? { value: text } : namedInterface(text)
}

/** An address or the name of a host to bind. */
export function namedInterface (text: string): ValueResult<string> {
  if (isIP(text) !== 0) return { value: text }
  const inBrackets = text.length <= 64 ? /^\[(.*)\]$/s.exec(text)?.[1] : undefined
  if (inBrackets !== undefined && isIP(inBrackets) === 6) {
    return { wrong: `must be written without brackets: ${quoteEndpointArgument(inBrackets)}`, at: 0 }
  }
  if (text === '') return { wrong: 'must not be empty: write \\:\\: for all addresses', at: 0 }
  const foreign = text.search(NEVER_IN_A_HOST)
  if (foreign !== -1) {
    return { wrong: `must be an IP address or a host name, and neither contains ${printable(characterAt(text, foreign))}`, at: foreign }
  }
  if (/[:%]/.test(text)) return { wrong: `must be an IP address or a host name, and ${printable(text)} is not an IPv6 address`, at: 0 }
  if (/^[0-9.]+$/.test(text)) return { wrong: `must be an IP address or a host name, and ${printable(text)} is not an IPv4 address`, at: 0 }
  if (text.length > 253) return { wrong: 'is too long for a host name', at: 0 }
  return { value: text }
}

/** A cipher list, which only OpenSSL can check in full. */
export function cipherList (text: string): ValueResult<string> {
  if (text === '') return { wrong: 'must not be empty: remove it for the default ciphers', at: 0 }
  const foreign = text.search(/[^!-~]/)
  return foreign === -1
    ? { value: text }
    : { wrong: `must be an OpenSSL cipher list, which cannot contain ${printable(characterAt(text, foreign))}`, at: foreign }
}

/** A FileDescriptorName= of systemd.socket(5). */
export function descriptorName (text: string): ValueResult<string> {
  return /^[ -9;-~]{1,255}$/.test(text)
    ? { value: text }
    : mistake('must be 1 to 255 printable ASCII characters other than ":"', text, /[^ -9;-~]/)
}

/** The most names in one certificate that Let's Encrypt issues. */
const MOST_NAMES = 100

/** Host names for a certificate, separated by commas. */
export function hostNames (text: string): ValueResult<[string, ...string[]]> {
  if (text === '') return { wrong: 'must not be empty: give the host names of the certificate, separated by commas', at: 0 }
  const found: string[] = []
  let at = 0
  for (const part of text.split(',')) {
    const name = part.toLowerCase()
    const wrong = found.length === MOST_NAMES ? `must hold at most ${MOST_NAMES} names` : problemOfName(name)
    if (wrong !== undefined) return { wrong, at }
    if (found.includes(name)) return { wrong: `holds ${printable(name)} twice: remove one of them`, at }
    found.push(name)
    at += part.length + 1
  }
  return { value: found as [string, ...string[]] }
}

/** What is wrong with a name for a certificate by ACME, which is proved by tls-alpn-01 or http-01. */
function problemOfName (name: string): string | undefined {
  if (name.includes('*')) {
    return `cannot hold the wildcard ${printable(name)}, which only a record in DNS can prove: ` +
      'list the names one by one, or use certbot and certKey'
  }
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) {
    return `cannot hold the IP address ${printable(name)}, since clients send no server name for one: give a host name, or use certKey`
  }
  // A name whose last label is a number is read as an IPv4 address, for example by browsers.
  const isNumber = /(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(name)
  const areLabels = name.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
  if (areLabels && !isNumber && name.length <= 253) return undefined
  return `must be host names such as example.org, not ${printable(name)}; write letters outside of ASCII as xn--…`
}

/** The agreement to the terms of a directory. */
export function agreement (text: string): ValueResult<'agreed'> {
  if (text === 'agreed') return { value: text }
  const terms = 'terms of the directory, whose address fastify-endpoint check --online shows'
  return { wrong: `must be agreed, which says that you accept the ${terms}, not ${printable(text)}`, at: 0 }
}

/** An https URL, without a user and without a fragment. */
export function httpsUrl (text: string): ValueResult<string> {
  const url = /[\s\p{Cc}]/u.test(text) ? null : parsed(text)
  if (url === null || url.protocol !== 'https:') return mistake('must be an https URL with each ":" as "\\:"', text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return mistake('must be an https URL without a user and without "#"', text)
  }
  return { value: url.href }
}

/** URL.parse is new in Node.js 22. */
function parsed (text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

/** E-mail addresses, separated by commas. */
export function emails (text: string): ValueResult<string[]> {
  const found: string[] = []
  let at = 0
  for (const part of text.split(',')) {
    // RFC 8555 section 7.3: one address each, without header fields.
    if (!/^[!-+\--9;=A-Z^-~]+@[a-z0-9.-]+$/i.test(part) || part.length > 254) {
      return { wrong: `must be e-mail addresses separated by commas, not ${printable(part)}`, at }
    }
    found.push(part)
    at += part.length + 1
  }
  return { value: found }
}

/** A short name, such as the profile of a certificate or the word of a source. */
export function word (text: string): ValueResult<string> {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)
    ? { value: text }
    : mistake('must be 1 to 64 letters, digits, ".", "_" and "-"', text, /[^A-Za-z0-9._-]/)
}

/** `h2+http/1.1` as the list of its protocols. */
export function protocols (text: string): ValueResult<Array<'h2' | 'http/1.1'>> {
  if (text === 'http/1.1') return { value: ['http/1.1'] }
  if (text === 'h2+http/1.1') return { value: ['h2', 'http/1.1'] }
  return mistake('must be http/1.1 or h2+http/1.1', text)
}

/** A description within the description, which the type parses later. */
export function quotedDescription (text: string): ValueResult<string> {
  return text === '' ? { wrong: 'must not be empty: write a quoted description, for example systemd\\:INET\\:0', at: 0 } : { value: text }
}

function number (text: string, form: RegExp, base: number, least: number, most: number): { value: number } | undefined {
  const value = form.test(text) ? Number.parseInt(text, base) : NaN
  return value >= least && value <= most ? { value } : undefined
}

function mistake (demand: string, text: string, foreign?: RegExp): { wrong: string, at: number } {
  return { wrong: `${demand}, not ${printable(text)}`, at: foreign === undefined ? 0 : Math.max(0, text.search(foreign)) }
}

/** With a NUL or half a surrogate pair, a system call would see another path. */
function unfitForSystem (text: string, from = 0): { wrong: string, at: number } | undefined {
  const at = text.slice(from).search(/[\0\p{Cs}]/u)
  return at === -1 ? undefined : { wrong: `must not contain ${printable(characterAt(text, from + at))}: no path can`, at: from + at }
}

function characterAt (text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0)
}

function enumerate (names: string[]): string {
  return names.length === 1 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
