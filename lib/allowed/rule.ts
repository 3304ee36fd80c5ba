/**
 * One rule of an allowed list: `kind:pattern [issuer=sha256//<base64>] [role=a,b]`.
 *
 * A rule admits clients, so it must not match more than it says. Names are compared byte for byte, apart from the case
 * of hosts, and `*` is allowed in four places only. Anything ambiguous is an error.
 */
import { isIP, isIPv4 } from 'node:net'
import { domainToASCII } from 'node:url'
import { nearest } from '../text/nearest.js'
import { isShort, printable, visible } from '../text/printable.js'
import { decodeBase64 } from '../x509/base64.js'
import { problemOfSpiffeId, problemOfTrustDomain } from '../x509/spiffe-id.js'
import { lowerHost } from '../x509/subject-names.js'
import { addressBytes, hasHostBits } from './address.js'

/** What a rule compares: a kind of name, or a hash of the certificate (tbs) or of its public key (spki). */
export type RuleKind = 'uri' | 'dns' | 'email' | 'ip' | 'cn' | 'tbs' | 'spki'

export interface Rule {
  readonly kind: RuleKind
  /** The pattern in the form that is compared: hosts in lower case, no `*`, an address as its bytes in hexadecimal. */
  readonly value: string
  /** What the `*` matches; for a network, the number of leading bits that count. */
  readonly wildcard: 'none' | 'label' | 'local' | 'segments' | number
  /** `sha256//…` of the SubjectPublicKeyInfo of an authority that must be in the client's path. */
  readonly issuer: string | undefined
  readonly roles: readonly string[]
  /** From 1. */
  readonly line: number
}

/** What is wrong with a rule, and what to write instead. */
export class RuleProblem extends Error {}

export const RULE_KINDS: readonly RuleKind[] = ['uri', 'dns', 'email', 'ip', 'cn', 'tbs', 'spki']
/** In characters. */
export const LONGEST_LINE = 8192
const MOST_ROLES = 64
/** The syntax of a role, in rules and routes. */
export const ROLE = /^[A-Za-z0-9._-]{1,64}$/
/** The syntax of a role in words, for messages. */
export const ROLE_FORM = 'a role has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"'
const ISSUER_FORM = 'issuer=sha256//<base64>, the hash of the SubjectPublicKeyInfo of an authority'

/**
 * Reads a rule.
 *
 * @param content a line without leading and trailing white space
 * @throws RuleProblem
 */
export function parseRule (content: string, line: number): Rule {
  if (content.length > LONGEST_LINE) throw new RuleProblem(`the line is longer than ${LONGEST_LINE} characters`)
  const [name = '', ...fields] = content.split(/[ \t]+/)
  const colon = name.indexOf(':')
  const word = colon < 0 ? name : name.slice(0, colon)
  const kind = RULE_KINDS.find((known) => known === word)
  if (kind === undefined || colon < 0) throw new RuleProblem(problemOfKind(word, colon < 0, content))
  const pattern = name.slice(colon + 1)
  if (pattern === '') throw new RuleProblem(`write a pattern after ${kind}:, without a space between them`)
  let issuer: string | undefined
  let roles: readonly string[] | undefined
  for (const field of fields) {
    const equals = field.indexOf('=')
    const key = field.slice(0, Math.max(0, equals))
    const value = field.slice(equals + 1)
    if (key === 'issuer' && issuer === undefined) issuer = parseHash(value, ISSUER_FORM)
    else if (key === 'role' && roles === undefined) roles = parseRoles(value)
    else throw new RuleProblem(problemOfField(field, key))
  }
  return { kind, ...parsePattern(kind, kind === 'uri' ? pattern : decode(pattern)), issuer, roles: roles ?? [], line }
}

function problemOfKind (word: string, isWhole: boolean, content: string): string {
  const meant = nearest(word, RULE_KINDS)
  const forms = RULE_KINDS.map((kind) => `${kind}:`).join(', ')
  if (word === 'serial' || word === 'cdp') {
    return `${word}: is for a revocation list, which revokedFile names; a rule begins with one of ${forms}`
  }
  const isUri = /^[a-z][a-z0-9+.-]*:\/\//i.test(content)
  const advice = meant !== undefined ? `; did you mean ${meant}:?` : isUri ? '; write uri: before a URI' : ''
  return `a rule begins with one of ${forms}${isWhole ? ' and a pattern' : ''}${advice}`
}

function problemOfField (field: string, key: string): string {
  if (key === 'issuer') return 'issuer= is given twice: write it once'
  if (key === 'role') return 'role= is given twice: write it once, with commas between the roles'
  return `${printable(field)} is neither issuer= nor role=; write a space in a pattern as %20`
}

function parseRoles (text: string): readonly string[] {
  if (ROLE.test(text)) return [text]
  const roles = text.split(',')
  const wrong = roles.find((role) => !ROLE.test(role))
  if (wrong !== undefined) throw new RuleProblem(`${printable(wrong)} is not a role: ${ROLE_FORM}; put commas without spaces between roles`)
  if (roles.length > MOST_ROLES) throw new RuleProblem(`it has more than ${MOST_ROLES} roles`)
  return [...new Set(roles)]
}

function parseHash (text: string, form: string): string {
  const [, base64 = ''] = /^sha256\/\/(.*)$/s.exec(text) ?? []
  if (decodeBase64(base64)?.length !== 32) throw new RuleProblem(`write ${form}, the base64 of 32 bytes with its = at the end`)
  return text
}

/** Decodes `%HH`, a byte of UTF-8, which lets a pattern contain white space and percent signs. */
function decode (text: string): string {
  if (!text.includes('%')) return text
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw new RuleProblem('a % must be followed by two hexadecimal digits; write %25 for the character itself')
  }
  // The author means the character. As a wildcard, it would let more clients in.
  if (/%2a/i.test(text)) {
    throw new RuleProblem('%2A is a "*" as part of a name, and a name with a "*" matches no rule; write * for a wildcard')
  }
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RuleProblem('the bytes written as %HH are not UTF-8')
  }
}

type Pattern = Pick<Rule, 'value' | 'wildcard'>

function parsePattern (kind: RuleKind, pattern: string): Pattern {
  if (/\p{Cc}/u.test(pattern)) throw new RuleProblem('a name with a control character matches no rule, so a rule cannot have one')
  switch (kind) {
    case 'tbs': case 'spki': return { value: parseHash(pattern, `${kind}:sha256//<base64>`), wildcard: 'none' }
    case 'uri': return parseUri(pattern)
    case 'dns': return parseDns(pattern)
    case 'email': return parseEmail(pattern)
    case 'ip': return parseIp(pattern)
    case 'cn': return parseCommonName(pattern)
  }
}

const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/
/**
 * A URI that a wildcard may match: scheme, authority and path segments without special cases, in characters of RFC 3986
 * only. A backslash is not allowed, because browsers read it as a slash.
 */
const PLAIN_URI = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[\w.~!$&'()+,;=-]+(?:\/[\w.~!$&'()+,;=:@-]+)*$/

/** Whether a wildcard may match a URI: nothing in it is ambiguous. */
export function isPlainUri (uri: string): boolean {
  return PLAIN_URI.test(uri) && !uri.split('/').some((segment) => segment === '.' || segment === '..')
}

function parseUri (pattern: string): Pattern {
  if (!URI.test(pattern)) throw new RuleProblem('a URI begins with a scheme and a colon, and has printable ASCII characters only')
  const isWildcard = pattern.endsWith('/*')
  const value = isWildcard ? pattern.slice(0, -2) : pattern
  if (value.includes('*')) {
    throw new RuleProblem('uri: allows a * only at the end, after a slash, for one or more whole segments of the path')
  }
  if (isWildcard && !isPlainUri(value)) {
    throw new RuleProblem('before the /* of uri: write a scheme, //, a host and path segments, ' +
      'without port, user, query, fragment or %, and without the segments "", "." and ".."')
  }
  if (/^spiffe:/i.test(pattern)) {
    const problem = isWildcard ? problemOfTrustDomain(value) : problemOfSpiffeId(value)
    if (problem !== undefined) throw new RuleProblem(problem)
  }
  return { value, wildcard: isWildcard ? 'segments' : 'none' }
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const LONGEST_HOST = 253

/** @param prefix the text before the host in the pattern */
function parseHost (prefix: string, host: string, kind: 'dns' | 'email'): string {
  if (host.endsWith('.')) throw new RuleProblem('a host ends without a dot')
  if (/[^\0-\x7f]/.test(host)) {
    const ascii = domainToASCII(host)
    const meant = prefix + ascii
    const advice = ascii === '' || !isShort(meant) ? '' : `: write ${visible(meant)}`
    throw new RuleProblem(`certificates contain the ASCII form of such a host${advice}`)
  }
  const lower = host.toLowerCase()
  if (lower.includes('*')) {
    throw new RuleProblem(kind === 'dns'
      ? 'dns: allows one *, as the whole leftmost label'
      : 'email: allows a * only for the whole local part: *@host')
  }
  if (lower.length > LONGEST_HOST || !lower.split('.').every((label) => LABEL.test(label))) {
    throw new RuleProblem('a host has labels of letters, digits, "-" and "_", of at most 63 characters, with dots between them')
  }
  return lower
}

function parseDns (pattern: string): Pattern {
  if (isIP(pattern) !== 0) throw new RuleProblem('this is an address: write ip: before it')
  const isWildcard = pattern.startsWith('*.')
  const host = isWildcard ? parseHost('*.', pattern.slice(2), 'dns') : parseHost('', pattern, 'dns')
  return { value: host, wildcard: isWildcard ? 'label' : 'none' }
}

function parseEmail (pattern: string): Pattern {
  const [local = '', host, ...others] = pattern.split('@')
  if (local === '' || host === undefined || others.length > 0) {
    throw new RuleProblem('write an email as local@host, or as *@host for any local part')
  }
  const lower = parseHost(`${local}@`, host, 'email')
  if (local === '*') return { value: lower, wildcard: 'local' }
  if (local.includes('*')) throw new RuleProblem('email: allows a * only for the whole local part: *@host')
  if (/[^\x21-\x7e]/.test(local)) throw new RuleProblem('the local part of an email has printable ASCII characters only')
  return { value: lowerHost(`${local}@${lower}`), wildcard: 'none' }
}

function parseIp (pattern: string): Pattern {
  const [, address = '', length] = /^([^/]*)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(pattern) ?? []
  if (address.includes('%') || isIP(address) === 0) {
    throw new RuleProblem('write an address (192.0.2.1, 2001:db8::1) or a network (192.0.2.0/24, 2001:db8::/32)')
  }
  const bytes = addressBytes(address)
  const most = isIPv4(address) ? 32 : 128
  const bits = length === undefined ? most : Number(length)
  if (bits > most) throw new RuleProblem(`the prefix of a network of this kind has at most ${most}`)
  if (hasHostBits(bytes, bits)) {
    throw new RuleProblem(`the address has bits beyond /${bits}: write the address of the network itself`)
  }
  return { value: Buffer.from(bytes).toString('hex'), wildcard: bits === most ? 'none' : bits }
}

function parseCommonName (pattern: string): Pattern {
  if (pattern.includes('*')) throw new RuleProblem('cn: has no wildcards')
  return { value: pattern, wildcard: 'none' }
}
