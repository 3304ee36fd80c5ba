/** A rule as a line of a list. */
import type { SubjectName, SubjectNames } from '../x509/subject-names.js'
import { AllowedSet, type Applicant } from './allowed-set.js'
import { parseRule, type RuleKind, RuleProblem } from './rule.js'

/** Kinds in the order in which a name is the better one to allow a client by: what its issuer means by it is plainest first. */
const BY_PREFERENCE: readonly RuleKind[] = ['uri', 'dns', 'email', 'ip', 'cn']

/**
 * The rule for a client, without issuer and roles: by its best name that a rule can match, or by its certificate alone.
 *
 * @param kind only by this one
 * @returns undefined where it has no name of that kind
 */
export function ruleTextFor (
  names: SubjectNames,
  keys: { readonly tbs: string, readonly spki: string },
  kind?: RuleKind
): string | undefined {
  if (kind === 'tbs' || kind === 'spki') return `${kind}:${keys[kind]}`
  const usable = names.problem === undefined ? names.names.filter(({ problem }) => problem === undefined) : []
  for (const wanted of kind === undefined ? BY_PREFERENCE : [kind]) {
    for (const name of usable) {
      if (name.kind !== wanted) continue
      const text = textOf(name)
      if (text !== undefined && isMatchedBy(text, { names, ...keys })) return text
    }
  }
  return kind === undefined ? `tbs:${keys.tbs}` : undefined
}

function textOf ({ kind, value }: SubjectName): string | undefined {
  if (kind !== 'uri') return `${kind}:${encode(value)}`
  // With a space in it, what follows would be read as a role.
  return /^[\x21-\x7e]+$/.test(value) ? `uri:${value}` : undefined
}

/** A certificate may have names that no rule can be written for, and one wrong line is an error of the whole list. */
function isMatchedBy (text: string, applicant: Applicant): boolean {
  try {
    return AllowedSet.now([parseRule(text, 0)]).rulesFor(applicant).length > 0
  } catch (thrown) {
    if (!(thrown instanceof RuleProblem)) throw thrown
    return false
  }
}

/** White space ends a pattern, and what nobody sees in an editor would make two rules look alike. */
function encode (value: string): string {
  return value.replace(/[\s%\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, (character) => encodeURIComponent(character))
}
