/** Adds rules for clients to an allowed list, and removes them. */
import { AllowedSet, type Applicant } from '../allowed/allowed-set.js'
import { parseRules } from '../allowed/allowed-file.js'
import { parseRule, type Rule } from '../allowed/rule.js'
import { errors, located } from '../errors.js'
import { ALLOWED, commentOf } from './list-comment.js'
import { refuseRevocationList } from './list-kind.js'

/** A client to allow by a rule, or whose rules are removed. */
export interface Allowance {
  /** A rule without roles, see `ruleTextFor`. */
  readonly rule: string
  readonly roles: readonly string[]
  /** The names and hashes that rules are compared with. */
  readonly applicant: Applicant
  /** How messages and the comment in the list name the client. */
  readonly name: string
  /** The day, for example `2026-11-23`. */
  readonly date: string
}

/** A rule of the list that has the name of a client. */
export interface PlacedRule {
  readonly allowance: Allowance
  /** From 1; of a removed rule, in the list as it was. */
  readonly line: number
  readonly text: string
  /** Whether the rule is added, or removed. */
  readonly isChanged: boolean
}

/** A rule that allows a client after the rules of its name are removed. */
export interface RemainingRule {
  readonly allowance: Allowance
  readonly rule: Rule
  /** From 1, in the list as it was. */
  readonly lineBefore: number
  readonly text: string
}

export interface AmendedRules {
  readonly bytes: Buffer
  readonly placed: readonly PlacedRule[]
  readonly remaining: readonly RemainingRule[]
}

/**
 * Adds a rule for each client, with a comment above, unless a rule of its name gives it all of the roles already. The list may
 * have no rule yet.
 *
 * @throws see `refuseRevocationList` and `parseRules`: a list with a wrong line is invalid, so nothing is added to it
 */
export async function addRules (bytes: Buffer, allowances: readonly Allowance[], what: string, file: string): Promise<AmendedRules> {
  refuseRevocationList(bytes, what)
  const before = await parseRules(bytes, what, { file })
  const lineBreak = bytes.includes('\r\n') ? '\r\n' : '\n'
  const added = new Map<string, string>()
  for (const allowance of allowances) {
    if (!before.some(gives(allowance))) added.set(lineOf(allowance), added.get(lineOf(allowance)) ?? commentOf(allowance, 'allowed'))
  }
  const text = [...added].map(([line, comment]) => `${comment}${lineBreak}${line}${lineBreak}`).join('')
  const amended = added.size === 0 ? bytes : Buffer.concat([bytes, Buffer.from(text)])
  // Check the new list before any server reads it: it must have the old rules and the new ones, and
  // nothing else.
  const after = await parseRules(amended, what, { file })
  const lines = linesOf(amended)
  const placed = allowances.map((allowance): PlacedRule => {
    const index = after.findIndex(gives(allowance))
    const rule = after[index]
    if (rule === undefined || after.length !== before.length + added.size) {
      throw new Error(`the new lines would change how the other lines of ${what} are read, so nothing was written`)
    }
    return { allowance, line: rule.line, text: textOf(lines, rule.line), isChanged: index >= before.length }
  })
  return { bytes: amended, placed, remaining: [] }
}

/**
 * Removes the rules that have exactly the name of a client, whatever their roles and issuers, with the comments that `addRules`
 * wrote above them.
 *
 * @throws see `refuseRevocationList` and `parseRules`; FST_ENDPOINT_ALLOWED_INVALID if no rule would be left, since such a
 *   list is invalid
 */
export async function removeRules (bytes: Buffer, allowances: readonly Allowance[], what: string, file: string): Promise<AmendedRules> {
  refuseRevocationList(bytes, what)
  const before = await parseRules(bytes, what, { file })
  const lines = linesOf(bytes)
  const removed = new Set<number>()
  const placed = allowances.flatMap((allowance) => before.filter(hasNameOf(allowance)).map(({ line }): PlacedRule => {
    removed.add(line)
    if (ALLOWED.test(lines[line - 2] ?? '')) removed.add(line - 1)
    return { allowance, line, text: textOf(lines, line), isChanged: true }
  }))
  const kept = before.filter(({ line }) => !removed.has(line))
  const amended = removed.size === 0 ? bytes : Buffer.from(lines.filter((_line, index) => !removed.has(index + 1)).join('\n'))
  const after = await parseRules(amended, what, { file })
  if (after.length === 0 && before.length > 0) {
    const problem = 'no rule would be left, and a list without rules is invalid: allow another client first, or revoke this one'
    throw located(new errors.FST_ENDPOINT_ALLOWED_INVALID(what, problem), { file })
  }
  const set = AllowedSet.of(after)
  const remaining = allowances.flatMap((allowance): RemainingRule[] => {
    const [rule] = set.rulesFor(allowance.applicant)
    const lineBefore = rule === undefined ? undefined : kept[after.indexOf(rule)]?.line
    return rule === undefined || lineBefore === undefined ? [] : [{ allowance, rule, lineBefore, text: textOf(lines, lineBefore) }]
  })
  return { bytes: amended, placed, remaining }
}

/** The rule of a client with its roles, as a line of a list. */
export function lineOf ({ rule, roles }: Pick<Allowance, 'rule' | 'roles'>): string {
  return roles.length === 0 ? rule : `${rule} role=${roles.join(',')}`
}

function hasNameOf (allowance: Allowance): (rule: Rule) => boolean {
  const { kind, value, wildcard } = parseRule(allowance.rule, 0)
  return (rule) => rule.kind === kind && rule.value === value && rule.wildcard === wildcard
}

/** Whether a rule allows exactly this name, from any issuer, with all of the roles. */
function gives (allowance: Allowance): (rule: Rule) => boolean {
  const hasName = hasNameOf(allowance)
  return (rule) => hasName(rule) && rule.issuer === undefined && allowance.roles.every((role) => rule.roles.includes(role))
}

function linesOf (bytes: Buffer): string[] {
  return bytes.toString('utf8').split('\n')
}

function textOf (lines: readonly string[], line: number): string {
  return (lines[line - 1] ?? '').trim()
}
