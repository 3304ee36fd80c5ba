/** Rules for an allowed list, put behind what it holds, or taken out of it. */
import { visible } from '../text/printable.js'
import { type AllowedSet } from '../allowed/allowed-set.js'
import { parseAllowedList } from '../allowed/allowed-file.js'
import { parseRule, type Rule } from '../allowed/rule.js'

/** Who is to be allowed. */
export interface Allowance {
  /** A rule without roles, see `ruleTextFor`. */
  readonly rule: string
  readonly roles: readonly string[]
  /** What a person is told that it is. */
  readonly name: string
  /** The day on which it is allowed, as `2026-11-23`. */
  readonly date: string
}

/** A rule of the list that allows a client. */
export interface PlacedRule {
  readonly allowance: Allowance
  /** From 1. */
  readonly line: number
  readonly text: string
  /** Whether it is put in, or taken out. */
  readonly isChanged: boolean
}

export interface AmendedRules {
  readonly bytes: Buffer
  readonly placed: readonly PlacedRule[]
}

const LONGEST_NAME = 200

/**
 * Adds a rule for each client that no rule with its name and all of its roles allows yet, with a comment above.
 *
 * @throws see `parseAllowedList`: a list that does not count is not added to
 */
export async function addRules (bytes: Buffer, allowances: readonly Allowance[], what: string, file: string): Promise<AmendedRules> {
  const before = await parseAllowedList(bytes, what, { file })
  const lineBreak = bytes.includes('\r\n') ? '\r\n' : '\n'
  const fresh: Allowance[] = []
  let added = ''
  for (const allowance of allowances) {
    if (before.rules.some((rule) => allows(rule, allowance)) || fresh.some((other) => lineOf(other) === lineOf(allowance))) continue
    fresh.push(allowance)
    added += `# ${commentOf(allowance)}${lineBreak}${lineOf(allowance)}${lineBreak}`
  }
  const amended = fresh.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from(added)])
  const after = await parseAllowedList(amended, what, { file })
  const placed = allowances.map((allowance): PlacedRule => {
    const rule = after.rules.find((rule) => allows(rule, allowance))
    if (rule === undefined || after.rules.length !== before.rules.length + fresh.length) throw new Error(`${what} would not mean the same any more with the new rules: nothing was written`)
    return { allowance, line: rule.line, text: textOfLine(amended, rule.line), isChanged: rule.line > lastLineOf(before) }
  })
  return { bytes: amended, placed }
}

/**
 * Takes the rules out that have the very name of a client, whatever their roles and issuers. Its comment goes with a
 * rule, where `addRules` has written it.
 *
 * @throws see `parseAllowedList`; FST_ENDPOINT_ALLOWED_INVALID where no rule would be left, since such a list does not count
 */
export async function removeRules (bytes: Buffer, allowances: readonly Allowance[], what: string, file: string): Promise<AmendedRules> {
  const before = await parseAllowedList(bytes, what, { file })
  const gone = new Set<number>()
  const placed: PlacedRule[] = []
  const lines = bytes.toString('utf8').split('\n')
  for (const allowance of allowances) {
    const { kind, value, wildcard } = parseRule(allowance.rule, 0)
    for (const rule of before.rules.filter((rule) => rule.kind === kind && rule.value === value && rule.wildcard === wildcard)) {
      placed.push({ allowance, line: rule.line, text: textOfLine(bytes, rule.line), isChanged: true })
      gone.add(rule.line)
      if (COMMENT.test(lines[rule.line - 2] ?? '')) gone.add(rule.line - 1)
    }
  }
  if (gone.size === 0) return { bytes, placed }
  const amended = Buffer.from(lines.filter((_line, index) => !gone.has(index + 1)).join('\n'))
  await parseAllowedList(amended, what, { file })
  return { bytes: amended, placed }
}

/** What `commentOf` writes. */
const COMMENT = /^# .*, allowed on \d{4}-\d\d-\d\d\r?$/

/** On one line, whatever a certificate says. */
function commentOf ({ name, date }: Allowance): string {
  const text = visible(name)
  return `${text.length <= LONGEST_NAME ? text : `${text.slice(0, LONGEST_NAME)}…`}, allowed on ${date}`
}

function lineOf ({ rule, roles }: Allowance): string {
  return roles.length === 0 ? rule : `${rule} role=${roles.join(',')}`
}

/** Whether a rule allows the name as such, from whatever issuer, with all of the roles. */
function allows (rule: Rule, { rule: text, roles }: Allowance): boolean {
  const { kind, value, wildcard } = parseRule(text, 0)
  return rule.kind === kind && rule.value === value && rule.wildcard === wildcard && rule.issuer === undefined && roles.every((role) => rule.roles.includes(role))
}

function lastLineOf ({ rules }: AllowedSet): number {
  return rules.at(-1)?.line ?? 0
}

function textOfLine (bytes: Buffer, line: number): string {
  return bytes.toString('utf8').split('\n')[line - 1]?.trim() ?? ''
}
