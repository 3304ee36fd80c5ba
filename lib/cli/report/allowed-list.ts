/** An allowed list in reports: its rules, and what they say about a client. */
import { resolve } from 'node:path'
import type { CheckedRule, StatusAllowed, StatusName } from '../../../types/command-line.js'
import { parseAllowedList } from '../../allowed/allowed-file.js'
import type { AllowedSet, Applicant } from '../../allowed/allowed-set.js'
import { allowedName } from '../../allowed/load.js'
import type { Rule } from '../../allowed/rule.js'
import { LIST_FILE_LIMIT, readSettledFile } from '../../files.js'
import { allowPaths, type PathStatus } from '../../tls/gate.js'
import { spiffeIdOf } from '../../x509/spiffe-id.js'
import type { SubjectNames } from '../../x509/subject-names.js'

/** An allowed list, with its rules as they are written. */
export interface AllowedList {
  /** Absolute path. */
  readonly list: string
  readonly set: AllowedSet
  /** The lines of the file. */
  readonly lines: readonly string[]
}

/**
 * Reads a list as it is now. An app that starts would wait until it has not changed for two seconds.
 *
 * @throws see `parseAllowedList` and `readSettledFile`
 */
export async function readAllowedList (file: string): Promise<AllowedList> {
  const list = resolve(file)
  const what = allowedName(list)
  const location = { file: list, argument: 'allowedFile' }
  const { bytes } = await readSettledFile(list, { what, limit: LIST_FILE_LIMIT, location })
  return { list, set: await parseAllowedList(bytes, what, location), lines: bytes.toString('utf8').split('\n') }
}

/** Space and tab end a pattern. Other white space is part of it; `trim` would remove that too. */
const RULE = /^\ufeff?[ \t]*([^ \t\r]*)/

/** A rule as the report shows it. */
export function describeRule ({ kind, issuer, roles, line }: Rule, lines: readonly string[]): CheckedRule {
  const [, name = ''] = RULE.exec(lines[line - 1] ?? '') ?? []
  return { line, kind, pattern: name.slice(kind.length + 1), ...(issuer !== undefined && { issuer }), roles }
}

/**
 * Matches a client with a list, as the gate does.
 *
 * @param paths those on which it could be admitted
 * @returns what the report says, and the paths on which a rule allows the client
 */
export function matchAllowed (
  applicant: Applicant, paths: readonly PathStatus[], { list, set, lines }: AllowedList
): { report: StatusAllowed, allowed: readonly PathStatus[] } {
  const { allowed, roles, rules } = allowPaths(paths, set)
  const counting = new Set(rules.map(({ line }) => line))
  const matching = set.rulesFor(applicant).map((rule) => ({ ...describeRule(rule, lines), isForPath: counting.has(rule.line) }))
  return { report: { list, isAllowed: allowed.length > 0, roles, rules: matching }, allowed }
}

/** The names that rules are compared with, and why one of them can match none. */
export function describeNames (names: SubjectNames): StatusName[] {
  const spiffeId = spiffeIdOf(names)
  return names.names.map(({ kind, value, problem }) => {
    const isWrongId = kind === 'uri' && /^spiffe:/i.test(value) && value !== spiffeId
    const why = problem ?? (isWrongId ? NO_SVID : undefined)
    return { kind, value, ...(why !== undefined && { problem: why }) }
  })
}

const NO_SVID = 'it is not the SPIFFE ID of a valid X.509-SVID, which has exactly one URI name and is no CA'
