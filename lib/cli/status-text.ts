/** The report of a status as a tree for a person. */
import type { StatusAllowed, StatusReport, StatusVerdict } from '../../types/command-line.js'
import { certificateTree, MOST_SHOWN, more, ruleText } from './check-text.js'
import type { Colour, Style, Text } from './style.js'
import { firstOf, linesOf, type Tree } from './tree.js'

export function * describe (report: StatusReport, style: Style): Generator<string> {
  const { certificates, lines, verdicts, rule } = report
  const [leaf, ...issuers] = certificates.map(certificateTree)
  const revoking: Tree = {
    label: 'to revoke it, add one of these lines to a list',
    children: [
      { label: ['this certificate: ', key(lines.tbs)] },
      { label: ['this issuer and serial number: ', key(lines.serial)] },
      { label: ['every certificate with its key: ', key(lines.spki)] }
    ]
  }
  const allowing: Tree = { label: 'to allow it, add this line to the allowed list', children: [{ label: key(rule) }] }
  const children = [
    ...issuers,
    ...verdicts.map((verdict) => verdictTree(verdict, report, style)),
    ...verdicts.some(({ allowed }) => allowed?.isAllowed === false) ? [allowing] : [],
    ...verdicts.every(({ list }) => list === undefined) ? [] : [revoking]
  ]
  yield * linesOf({ label: leaf?.label ?? '', children }, style)
}

function key (text: string): { colour: Colour, text: string } {
  return { colour: 'cyan', text }
}

function verdictTree (verdict: StatusVerdict, report: StatusReport, { symbols }: Style): Tree {
  const { endpoint, list, allowed, status, accepted, isWhole, isTrusted, isExpired, isForClients } = verdict
  const isCertain = isWhole || !accepted
  const colour = !isCertain ? 'yellow' : accepted ? 'green' : 'red'
  const sign = !symbols ? '' : isCertain && accepted ? '✓ ' : '✗ '
  return {
    label: [
      { colour, text: `${sign}${list === undefined ? allowedWord(allowed) : isCertain ? status : `perhaps ${status}`}` },
      ` by "${list ?? allowed?.list ?? ''}"${endpoint === undefined ? '' : ` of ${endpoint}`}`
    ],
    children: [
      ...isCertain ? [] : [{ label: 'part of the list cannot be read, and might revoke it' }],
      ...status === 'good' ? [] : [{ label: whyOf(verdict) }],
      ...allowed === undefined ? [] : allowedTrees(allowed, report),
      ...isTrusted === false
        ? [{ label: 'it has no path to the authorities, so the client is rejected whatever the list says (unknown_ca)' }]
        : [],
      ...isExpired ? [{ label: 'it, or an authority in its path, is not valid now, so the client is rejected (certificate_expired)' }] : [],
      ...isForClients
        ? []
        : [
            {
              label: 'its extended key usage, or that of an authority in its path, does not allow clients, so the ' +
              'client is rejected (unsupported_certificate)'
            }
          ]
    ]
  }
}

function allowedWord ({ isAllowed }: Pick<StatusAllowed, 'isAllowed'> = {}): string {
  return isAllowed === undefined ? 'perhaps allowed' : isAllowed ? 'allowed' : 'not allowed'
}

function allowedTrees ({ list, isAllowed, rules, roles }: StatusAllowed, report: StatusReport): Tree[] {
  if (isAllowed === undefined) {
    return [{ label: `"${list}" cannot be used as allowed list, so it is not known whether it allows the client` }]
  }
  const matching = rules.map((rule): Tree => ({
    label: [
      `${rule.isForPath ? 'allowed by' : 'not allowed by'} "${list}" line ${rule.line}: `,
      ruleText(rule),
      rule.isForPath ? '' : OTHER_ISSUER
    ]
  }))
  const shown = firstOf(matching, MOST_SHOWN, more)
  if (isAllowed) return [...shown, { label: roles.length === 0 ? 'it has no roles' : `its roles: ${roles.join(', ')}` }]
  const none = rules.length > 0 ? 'no other rule' : 'no rule'
  const label = `${none} of "${list}" matches a name of it, so the client is rejected (access_denied)`
  return [...shown, { label, children: nameTrees(report) }]
}

const OTHER_ISSUER = ', since no authority of its path has the key of issuer='

function nameTrees ({ names, namesProblem }: StatusReport): Tree[] {
  if (namesProblem !== undefined) return [{ label: `no rule can match its names: ${namesProblem}` }]
  if (names.length === 0) return [{ label: 'it has no names' }]
  const trees = names.map(({ kind, value, problem }): Tree => {
    const name: Text = [`${kind}: `, key(cut(value))]
    return { label: problem === undefined ? name : [name, ` matches no rule: ${problem}`] }
  })
  return firstOf(trees, MOST_SHOWN, more)
}

/** A name may be as long as its certificate. */
const LONGEST_NAME = 200

function cut (text: string): string {
  return text.length <= LONGEST_NAME ? text : `${text.slice(0, LONGEST_NAME)}…`
}

function whyOf ({ status, accepted, subject, index = 0, kind, line, file, source, reason, revokedAt, crl }: StatusVerdict): string {
  const which = index === 0 ? 'it' : `${subject ?? 'an authority'}, in its path,`
  if (status === 'unknown') {
    return `${which} is covered by no CRL in ` +
      `force${accepted ? ', but unknownStatus=allow admits the client' : ', so the client is rejected (certificate_unknown)'}`
  }
  const where = [...line === undefined
    ? []
    : [`line ${line}`], ...file === undefined ? [] : [`"${file}"`], ...source === undefined ? [] : [source]].join(', ')
  if (kind !== 'crl') return `${which} is named by ${where}${file === undefined ? ` (${kind ?? ''})` : ''}`
  const number = crl?.number === undefined ? '' : ` number ${crl.number}`
  const when = revokedAt === undefined ? '' : ` since ${revokedAt}`
  return `${which} is listed in CRL${number}${crl === undefined ? '' : ` of ${crl.issuer}`} ` +
    `(${where})${when}${reason === undefined ? '' : `, reason ${reason}`}`
}
