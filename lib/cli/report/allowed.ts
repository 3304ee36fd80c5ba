/** Describes what an allowed list allows, and warns of suspicious rules. */
import { resolve } from 'node:path'
import { AllowedSet, type Applicant } from '../../allowed/allowed-set.js'
import type { Rule } from '../../allowed/rule.js'
import { rejectSharedFile } from '../../allowed/separate-lists.js'
import type { CheckedAllowed, CheckedRule, CheckWarning } from '../../../types/command-line.js'
import { firstUnseen, visible } from '../../text/printable.js'
import type { Authorities } from '../../x509/authorities.js'
import { REVOKED } from '../list-comment.js'
import { ipv6Text } from '../../x509/subject-names.js'
import { type AllowedList, describeRule, readAllowedList } from './allowed-list.js'
import { reviewTrusted } from './exposure.js'
import type { Findings } from './findings.js'

/**
 * Describes the list that a string names; undefined if it cannot be used.
 *
 * @param revokedFile the revocation list that the string names, which must be another file
 */
export async function describeAllowed (
  file: string, revokedFile: string | undefined, authorities: Authorities, findings: Findings
): Promise<CheckedAllowed | undefined> {
  await reviewTrusted('allowedFile', resolve(file), findings)
  try {
    await rejectSharedFile({ revokedFile, allowedFile: resolve(file) })
    const allowed = await readAllowedList(file)
    const { list, set, lines } = allowed
    for (const { kind, message, line } of reviewRules(allowed, authorities)) {
      findings.warn(kind, message, { argument: 'allowedFile', file: list, line })
    }
    return { list, size: set.size, roles: [...set.roles], rules: set.rules.map((rule) => describeRule(rule, lines)) }
  } catch (thrown) {
    findings.take(thrown)
    return undefined
  }
}

type RuleWarning = Pick<CheckWarning, 'kind' | 'message'> & { readonly line: number }

/** The warnings about each rule alone, and about several of them, in the order of their lines. */
function reviewRules ({ set: { rules }, lines }: AllowedList, authorities: Authorities): RuleWarning[] {
  const keys = new Set(authorities.all.map(({ identity }) => identity.spki))
  const compared = comparedRules(rules)
  const warnings = rules.flatMap((rule) => {
    const described = describeRule(rule, lines)
    return [
      ...reviewCoverage(rule, compared, lines),
      ...reviewBreadth(rule, described),
      ...reviewIssuer(rule, keys),
      ...reviewInvisible(described)
    ]
  })
  return [...warnings, ...reviewRoles(rules), ...reviewTrustDomains(rules, authorities), ...reviewKind(lines)]
    .sort((one, other) => one.line - other.line)
}

/** At most so many rules with one name are compared with each other, because the time grows with the square of their number. */
const MOST_VARIANTS = 16

function comparedRules (rules: readonly Rule[]): AllowedSet {
  const variants = new Map<string, number>()
  return AllowedSet.of(rules.filter(({ kind, wildcard, value }) => {
    const key = `${kind} ${wildcard} ${value}`
    const count = (variants.get(key) ?? 0) + 1
    variants.set(key, count)
    return count <= MOST_VARIANTS
  }))
}

function reviewCoverage (rule: Rule, compared: AllowedSet, lines: readonly string[]): RuleWarning[] {
  const other = compared.rulesFor(exampleOf(rule)).find((other) => other.line !== rule.line && covers(other, rule) &&
    // Of two equal rules, the second one has no effect.
    (other.line < rule.line || !covers(rule, other)))
  if (other === undefined) return []
  const { kind, pattern } = describeRule(other, lines)
  const message = `line ${rule.line} has no effect, since line ${other.line} (${shorten(`${kind}:${pattern}`)}) allows the same clients ` +
    'with the same roles: remove one of them'
  return [{ kind: 'no-effect', line: rule.line, message }]
}

/** Whether a rule that matches the example of another rule allows all clients of that rule, with its roles. */
function covers (rule: Rule, other: Rule): boolean {
  return isAsWide(rule, other) && (rule.issuer === undefined || rule.issuer === other.issuer) &&
    other.roles.every((role) => rule.roles.includes(role))
}

function isAsWide (rule: Rule, other: Rule): boolean {
  if (other.wildcard === 'none') return rule.wildcard !== 'none' || rule.value === other.value
  if (typeof rule.wildcard === 'number' && typeof other.wildcard === 'number') return rule.wildcard <= other.wildcard
  // The URI before the wildcard is a prefix of the other one, or equal to it.
  return rule.wildcard === other.wildcard && rule.value.length <= other.value.length
}

/** An example of a client that a rule matches. Each rule that allows at least as much matches it too. */
function exampleOf ({ kind, value, wildcard }: Rule): Applicant {
  if (kind === 'tbs' || kind === 'spki') return { names: { names: [], isLeaf: true }, tbs: '', spki: '', [kind]: value }
  return { names: { names: [{ kind, value: nameOf(kind, value, wildcard) }], isLeaf: true }, tbs: '', spki: '' }
}

function nameOf (kind: Rule['kind'], value: string, wildcard: Rule['wildcard']): string {
  if (kind === 'ip') {
    const bytes = Buffer.from(value, 'hex')
    return bytes.length === 4 ? bytes.join('.') : ipv6Text(bytes)
  }
  switch (wildcard) {
    case 'label': return `x.${value}`
    case 'local': return `x@${value}`
    case 'segments': return `${value}/x`
    default: return value
  }
}

/** Bits. A network with a shorter prefix is a large part of the Internet: perhaps a digit of the prefix length is missing. */
const SHORTEST_IPV4 = 8
const SHORTEST_IPV6 = 16

function reviewBreadth ({ kind, value, wildcard, line }: Rule, { pattern }: CheckedRule): RuleWarning[] {
  const what = wildcard === 'label' && !value.includes('.')
    ? `every domain directly below ${value}`
    : kind !== 'ip' || typeof wildcard !== 'number' || wildcard >= (value.length === 8 ? SHORTEST_IPV4 : SHORTEST_IPV6)
      ? undefined
      : wildcard === 0 ? 'every address of its kind' : 'a large part of all addresses'
  if (what === undefined) return []
  return [{ kind: 'exposed', line, message: `line ${line} allows ${what}: check whether ${kind}:${pattern} is meant` }]
}

function reviewIssuer ({ issuer, line }: Rule, keys: ReadonlySet<string>): RuleWarning[] {
  // Missing authorities are already reported as a problem.
  if (issuer === undefined || keys.size === 0 || keys.has(issuer)) return []
  const message = `issuer= of line ${line} is the key of no certificate in authorities, so the line allows only clients that send an ` +
    'intermediate with that key: check the key'
  return [{ kind: 'no-effect', line, message }]
}

function reviewInvisible ({ kind, pattern, line }: CheckedRule): RuleWarning[] {
  const unseen = kind === 'cn' ? firstUnseen(pattern) : undefined
  if (unseen === undefined) return []
  const message = `line ${line} has an invisible character in cn: (${unseen.name}), so it allows another name than it seems: ` +
    `remove it, or write ${encodeURIComponent(unseen.character)} if it is meant`
  return [{ kind: 'exposed', line, message }]
}

/** Which roles the routes of an app name is known to the app alone. But of two spellings of a role, they hardly name both. */
function reviewRoles (rules: readonly Rule[]): RuleWarning[] {
  const spellings = new Map<string, { role: string, line: number }>()
  const seen = new Set<string>()
  const warnings: RuleWarning[] = []
  for (const { roles, line } of rules) {
    for (const role of roles) {
      if (seen.has(role)) continue
      seen.add(role)
      const key = role.toLowerCase().replace(/[._-]/g, '')
      const first = spellings.get(key)
      if (first === undefined) spellings.set(key, { role, line })
      else {
        const message = `line ${line} gives the role ${role}, and line ${first.line} ${first.role}, which is another role: ` +
          'write the one that the routes of the app name'
        warnings.push({ kind: 'no-effect', line, message })
      }
    }
  }
  return warnings
}

/** Lines of `tbs:` and `spki:` may be in both kinds of list. */
function reviewKind (lines: readonly string[]): RuleWarning[] {
  const line = lines.findIndex((text) => REVOKED.test(text.trim())) + 1
  if (line === 0) return []
  const message = `line ${line} is a comment that fastify-endpoint revoke writes: ` +
    'check that this is not the revocation list, or its clients are allowed'
  return [{ kind: 'exposed', line, message }]
}

const SPIFFE = 'spiffe://'
const MOST_NAMED = 5

function reviewTrustDomains (rules: readonly Rule[], authorities: Authorities): RuleWarning[] {
  const roots = authorities.all.filter(({ isAnchor }) => isAnchor)
  const anchors = new Set(roots.map(({ identity }) => identity.spki))
  const isSpiffeId = ({ kind, value }: { kind: string, value: string }): boolean => kind === 'uri' && value.startsWith(SPIFFE)
  const ofSpiffe = rules.filter(isSpiffeId)
  // An authority of SPIFFE usually has the ID of its trust domain as a name (X.509-SVID section 3.2).
  const named = roots.flatMap(({ identity: { names } }) => names.names.filter(isSpiffeId))
  const domains = new Set([...ofSpiffe, ...named].map(({ value }) => value.slice(SPIFFE.length).split('/', 1)[0] ?? ''))
  const [first, ...others] = ofSpiffe.filter(({ issuer }) => issuer === undefined)
  if (anchors.size < 2 || domains.size < 2 || first === undefined) return []
  const where = others.length === 0 ? `line ${first.line}` : `line ${first.line} and ${others.length} more`
  const message = `each of the ${anchors.size} trust anchors can issue names of all ${domains.size} SPIFFE trust domains of the list and ` +
    `the authorities (${shortList([...domains])}): add issuer= to ${where}, with the key of the authority of the trust domain`
  return [{ kind: 'exposed', line: first.line, message }]
}

function shortList (texts: readonly string[]): string {
  return [...texts.slice(0, MOST_NAMED).map(shorten), ...texts.length > MOST_NAMED ? ['…'] : []].join(', ')
}

/** A pattern may be as long as a line. */
const LONGEST_PATTERN = 80

function shorten (text: string): string {
  const shown = visible(text)
  return shown.length <= LONGEST_PATTERN ? shown : `${shown.slice(0, LONGEST_PATTERN)}…`
}
