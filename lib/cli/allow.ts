/** `fastify-endpoint allow`: puts clients on an allowed list, or takes them off. */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { allowedName } from '../allowed/load.js'
import { ROLE, type RuleKind } from '../allowed/rule.js'
import { ruleTextFor } from '../allowed/rule-text.js'
import { LIST_FILE_LIMIT, readSettledFile } from '../files.js'
import { printable, quotePath } from '../text/printable.js'
import { identifyCertificate } from '../x509/identity.js'
import { readSubjectNames } from '../x509/subject-names.js'
import { titleOf } from '../x509/title.js'
import { addRules, type Allowance, type AmendedRules, type PlacedRule, removeRules } from './allow-in-list.js'
import { readCertificateFile } from './certificate-file.js'
import { type Call, type Command, COMMON, type ExitStatus, print, styleOf, UsageError, valueOf } from './command.js'
import { describeError } from './error-text.js'
import { replaceFile } from './replace-file.js'
import type { Style } from './style.js'

const KINDS: readonly RuleKind[] = ['uri', 'dns', 'email', 'ip', 'cn', 'tbs', 'spki']

export const allow: Command = {
  options: { ...COMMON, list: { type: 'string' }, role: { type: 'string', multiple: true }, by: { type: 'string' }, undo: { type: 'boolean' }, 'dry-run': { type: 'boolean' } },

  async run (call: Call): Promise<ExitStatus> {
    const { values, positionals: files, stderr, now = Date.now } = call
    const list = valueOf(call, 'list')
    if (files.length === 0) throw new UsageError('there is no certificate: name its file')
    if (list === undefined) throw new UsageError('--list is missing: name the list that the endpoint string has as allowedFile')
    const isUndo = values['undo'] === true
    const isDry = values['dry-run'] === true
    const roles = rolesOf(call)
    if (isUndo && roles.length > 0) throw new UsageError('--role says nothing with --undo, which takes out every rule of the name')
    const kind = kindOf(call)
    const style = styleOf(call)
    const change = isUndo ? removeRules : addRules
    try {
      const allowances: Allowance[] = []
      for (const file of files) allowances.push(allowanceOf((await readCertificateFile(file))[0], file, kind, roles, new Date(now())))
      const placed = isDry ? await look(list, allowances, change) : await write(list, allowances, change)
      for (const allowance of allowances) {
        for (const line of describe(allowance, placed.filter((one) => one.allowance === allowance), list, { isUndo, isDry }, style)) print(call, line)
      }
      if (placed.some(({ isChanged }) => isChanged)) print(call, style.render({ colour: 'dim', text: isDry ? 'Nothing was written.' : IN_FORCE }))
      return isUndo && placed.length === 0 ? 1 : 0
    } catch (thrown) {
      if (thrown instanceof UsageError) throw thrown
      for (const line of describeError(thrown, styleOf(call, stderr))) stderr.write(`${line}\n`)
      return 1
    }
  }
}

const IN_FORCE = 'A server that has the list as its allowedFile puts it in force within a second; connections of clients that are not allowed any more are closed.'

function rolesOf ({ values }: Call): string[] {
  const roles = [values['role'] ?? []].flat().flatMap((value) => String(value).split(','))
  const wrong = roles.find((role) => !ROLE.test(role))
  if (wrong !== undefined) throw new UsageError(`--role ${printable(wrong)} is no role: it has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"`)
  return [...new Set(roles)]
}

function kindOf (call: Call): RuleKind | undefined {
  const text = valueOf(call, 'by')
  if (text === undefined) return undefined
  const kind = KINDS.find((known) => known === text)
  if (kind === undefined) throw new UsageError(`--by must be one of ${KINDS.join(', ')}`)
  return kind
}

function allowanceOf (certificate: X509Certificate, file: string, kind: RuleKind | undefined, roles: readonly string[], date: Date): Allowance {
  const rule = ruleTextFor(readSubjectNames(certificate.raw), identifyCertificate(certificate.raw), kind)
  if (rule === undefined) throw new UsageError(`the certificate in ${quotePath(file)} has no name of the kind ${kind ?? ''} that a rule can match: see fastify-endpoint status`)
  return { rule, roles, name: titleOf(certificate), date: date.toISOString().slice(0, 10) }
}

type Change = (bytes: Buffer, allowances: readonly Allowance[], what: string, file: string) => Promise<AmendedRules>

async function look (list: string, allowances: readonly Allowance[], change: Change): Promise<readonly PlacedRule[]> {
  const what = allowedName(resolve(list))
  const { bytes } = await readSettledFile(list, { what, limit: LIST_FILE_LIMIT })
  return (await change(bytes, allowances, what, list)).placed
}

async function write (list: string, allowances: readonly Allowance[], change: Change): Promise<readonly PlacedRule[]> {
  let placed: readonly PlacedRule[] = []
  await replaceFile(list, async (bytes) => {
    const amended = await change(bytes, allowances, allowedName(resolve(list)), list)
    placed = amended.placed
    return amended.bytes
  })
  return placed
}

function * describe ({ name }: Allowance, placed: readonly PlacedRule[], list: string, { isUndo, isDry }: { isUndo: boolean, isDry: boolean }, style: Style): Generator<string> {
  if (placed.length === 0) yield `${name} has no rule of its own in ${quotePath(list)}`
  for (const { line, text, isChanged } of placed) {
    const where = `${quotePath(list)} line ${line}`
    const what = isUndo ? (isDry ? 'would no longer be allowed by' : 'is no longer allowed by') : !isChanged ? 'is allowed already by' : isDry ? 'would be allowed by' : 'is allowed by'
    yield style.render([`${name} ${what} ${where}: `, { colour: 'cyan', text }])
  }
}
