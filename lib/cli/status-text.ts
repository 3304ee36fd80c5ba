/** The report of a status as a tree for a person. */
import type { StatusReport, StatusVerdict } from '../../types/command-line.js'
import { certificateTree } from './check-text.js'
import type { Colour, Style } from './style.js'
import { linesOf, type Tree } from './tree.js'

export function * describe ({ certificates, lines, verdicts }: StatusReport, style: Style): Generator<string> {
  const [leaf, ...issuers] = certificates.map(certificateTree)
  const revoking: Tree = {
    label: 'to revoke it, add one of these lines to a list',
    children: [
      { label: ['this certificate: ', key(lines.tbs)] },
      { label: ['this issuer and serial number: ', key(lines.serial)] },
      { label: ['every certificate with its key: ', key(lines.spki)] }
    ]
  }
  const children = [...issuers, ...verdicts.map((verdict) => verdictTree(verdict, style)), revoking]
  yield * linesOf({ label: leaf?.label ?? '', children }, style)
}

function key (text: string): { colour: Colour, text: string } {
  return { colour: 'cyan', text }
}

function verdictTree (verdict: StatusVerdict, { symbols }: Style): Tree {
  const { endpoint, list, status, accepted, isWhole, isTrusted, isExpired, isForClients } = verdict
  const isCertain = isWhole || !accepted
  const colour = !isCertain ? 'yellow' : accepted ? 'green' : 'red'
  const sign = !symbols ? '' : isCertain && accepted ? '✓ ' : '✗ '
  return {
    label: [
      { colour, text: `${sign}${isCertain ? status : `perhaps ${status}`}` },
      ` by "${list}"${endpoint === undefined ? '' : ` of ${endpoint}`}`
    ],
    children: [
      ...isCertain ? [] : [{ label: 'part of the list cannot be read, and might revoke it' }],
      ...status === 'good' ? [] : [{ label: whyOf(verdict) }],
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
