/** `fastify-endpoint allow`: adds clients to an allowed list, or removes them from it. */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { allowedName } from '../allowed/load.js'
import { parseRule, ROLE, RULE_KINDS, type RuleKind, RuleProblem } from '../allowed/rule.js'
import { ruleTextFor } from '../allowed/rule-text.js'
import { printable, quotePath } from '../text/printable.js'
import { identifyCertificate } from '../x509/identity.js'
import { titleOf } from '../x509/title.js'
import { addRules, type Allowance, type AmendedRules, lineOf, type PlacedRule, type RemainingRule, removeRules } from './allow-in-list.js'
import { readCertificateFile } from './certificate-file.js'
import { type Call, type Command, COMMON, type ExitStatus, print, styleOf, UsageError, valueOf } from './command.js'
import { describeError } from './error-text.js'
import { changeFile } from './replace-file.js'
import type { Text } from './style.js'

export const allow: Command = {
  options: {
    ...COMMON,
    list: { type: 'string' },
    role: { type: 'string', multiple: true },
    by: { type: 'string' },
    undo: { type: 'boolean' },
    'dry-run': { type: 'boolean' }
  },

  async run (call: Call): Promise<ExitStatus> {
    const { values, positionals: files, stderr, now = Date.now } = call
    const list = valueOf(call, 'list')
    if (files.length === 0) throw new UsageError('no certificate given: name its file')
    if (list === undefined) throw new UsageError('no list given: name the allowedFile of the endpoint with --list')
    const isUndo = values['undo'] === true
    const isDry = values['dry-run'] === true
    const roles = rolesOf(call)
    if (isUndo && roles.length > 0) {
      throw new UsageError('--role and --undo exclude each other: --undo removes every rule of the name, whatever its roles')
    }
    const kind = kindOf(call)
    const date = new Date(now()).toISOString().slice(0, 10)
    const style = styleOf(call)
    const errorStyle = styleOf(call, stderr)
    try {
      // Read all of them before anything is written.
      const allowances: Allowance[] = []
      for (const file of files) allowances.push(allowanceOf((await readCertificateFile(file))[0], file, kind, roles, date))
      const amend = isUndo ? removeRules : addRules
      const what = allowedName(resolve(list))
      const amended = await changeFile(list, what, async (bytes) => await amend(bytes, allowances, what, list), isDry)
      for (const allowance of allowances) {
        for (const line of describe(allowance, amended, list, { isUndo, isDry })) print(call, style.render(line))
      }
      if (amended.placed.some(({ isChanged }) => isChanged)) {
        print(call, style.render({ colour: 'dim', text: isDry ? NOTHING_WRITTEN : WHEN_IT_COUNTS }))
      }
      for (const remaining of amended.remaining) stderr.write(`${errorStyle.render(stillAllowed(remaining, list, isDry))}\n`)
      return amended.remaining.length > 0 ? 1 : 0
    } catch (thrown) {
      if (thrown instanceof UsageError) throw thrown
      for (const line of describeError(thrown, errorStyle)) stderr.write(`${line}\n`)
      return 1
    }
  }
}

const NOTHING_WRITTEN = 'Nothing was written.'
const WHEN_IT_COUNTS = 'Servers that use this list as allowedFile apply it within a second: connections of clients that it ' +
  'no longer allows are closed.'

function rolesOf ({ values }: Call): string[] {
  const roles = [values['role'] ?? []].flat().flatMap((value) => String(value).split(','))
  const wrong = roles.find((role) => !ROLE.test(role))
  if (wrong !== undefined) {
    throw new UsageError(`--role ${printable(wrong)} is not a role: it has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"`)
  }
  return [...new Set(roles)]
}

function kindOf (call: Call): RuleKind | undefined {
  const text = valueOf(call, 'by')
  if (text === undefined) return undefined
  const kind = RULE_KINDS.find((known) => known === text)
  if (kind === undefined) throw new UsageError(`--by must be one of ${RULE_KINDS.join(', ')}, not ${printable(text)}`)
  return kind
}

function allowanceOf (
  certificate: X509Certificate, file: string, kind: RuleKind | undefined, roles: readonly string[], date: string
): Allowance {
  const applicant = identifyCertificate(certificate.raw)
  const rule = ruleTextFor(applicant.names, applicant, kind)
  if (rule === undefined) {
    const what = `the certificate in ${quotePath(file)}`
    throw new UsageError(`${what} has no name for a rule of the kind ${kind ?? ''}: choose another one with --by`)
  }
  try {
    parseRule(lineOf({ rule, roles }), 0)
  } catch (thrown) {
    if (!(thrown instanceof RuleProblem)) throw thrown
    throw new UsageError(`no rule can be written for the certificate in ${quotePath(file)} with these roles: ${thrown.message}`)
  }
  return { rule, roles, applicant, name: titleOf(certificate), date }
}

function * describe (
  allowance: Allowance, { placed, remaining }: AmendedRules, list: string, { isUndo, isDry }: { isUndo: boolean, isDry: boolean }
): Generator<Text> {
  const { name } = allowance
  const own = placed.filter((one) => one.allowance === allowance)
  if (own.length === 0 && !remaining.some((one) => one.allowance === allowance)) yield `No rule of ${quotePath(list)} allows ${name}.`
  for (const one of own) {
    yield [`${name} ${verbOf(one, isUndo, isDry)} ${quotePath(list)} line ${one.line}: `, { colour: 'cyan', text: one.text }]
  }
}

function verbOf ({ isChanged }: PlacedRule, isUndo: boolean, isDry: boolean): string {
  if (isUndo) return isDry ? 'would no longer be allowed by' : 'is no longer allowed by'
  return !isChanged ? 'is already allowed by' : isDry ? 'would be allowed by' : 'is allowed by'
}

/** A rule of another name, or one with a wildcard. */
function stillAllowed ({ allowance: { name, applicant }, rule, lineBefore, text }: RemainingRule, list: string, isDry: boolean): string {
  const verb = rule.issuer === undefined ? 'is still' : 'may still be'
  const own = ruleTextFor(applicant.names, applicant, rule.kind)
  const isOwn = rule.wildcard === 'none' && own !== undefined && parseRule(own, 0).value === rule.value
  const advice = isOwn ? `add --by ${rule.kind} to remove that line` : 'change that line, which may allow other clients too'
  return `${name} ${verb} allowed by ${quotePath(list)} line ${isDry ? lineBefore : rule.line}: ${text}; ${advice}`
}
