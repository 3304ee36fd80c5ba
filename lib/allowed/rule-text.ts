/** Writes the rule for a client as a line of a list. */
import { replaceUnseen } from '../text/printable.js'
import type { SubjectName, SubjectNames } from '../x509/subject-names.js'
import { AllowedSet, type Applicant } from './allowed-set.js'
import { parseRule, type RuleKind, RuleProblem } from './rule.js'

/** The preferred kinds of names first: those whose meaning the issuer defines most clearly. */
const BY_PREFERENCE: readonly RuleKind[] = ['uri', 'dns', 'email', 'ip', 'cn']

/**
 * The rule for a client, without issuer and roles: for its best name that a rule can match, or for its certificate.
 *
 * @param kind the only kind to use, if given
 * @returns undefined if it has no name of that kind
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
      if (text !== undefined && isMatchedBy(text, { names, tbs: keys.tbs, spki: keys.spki })) return text
    }
  }
  return kind === undefined ? `tbs:${keys.tbs}` : undefined
}

function textOf ({ kind, value }: SubjectName): string | undefined {
  if (kind !== 'uri') return `${kind}:${encode(value)}`
  // Text after a space would be read as a role.
  return /^[\x21-\x7e]+$/.test(value) ? `uri:${value}` : undefined
}

/** Some names cannot be written as a rule, and one wrong line makes the whole list invalid. */
function isMatchedBy (text: string, applicant: Applicant): boolean {
  try {
    return AllowedSet.of([parseRule(text, 0)]).rulesFor(applicant).length > 0
  } catch (thrown) {
    if (!(thrown instanceof RuleProblem)) throw thrown
    return false
  }
}

/** A space ends a pattern, and an invisible character would make two rules look alike in an editor. */
function encode (value: string): string {
  return replaceUnseen(value.replaceAll('%', '%25').replaceAll(' ', '%20'), encodeURIComponent)
}
