/** The report of a check as a tree for a person. */
import type {
  CheckedAcme, CheckedAllowed, CheckedCertificate, CheckedChain, CheckedCrl, CheckedEndpoint, CheckedLine, CheckedRevocation, CheckedRule,
  CheckedSource, CheckedTls, CheckProblem, CheckWarning
} from '../../types/command-line.js'
import { mark, withoutPlace } from './error-text.js'
import { type Style, type Text } from './style.js'
import { firstOf, linesOf, type Tree } from './tree.js'

/** If there are many items of a kind, only so many are shown; `--json` has all. */
export const MOST_SHOWN = 20
const MOST_PROBLEMS = 100

/** The lines about one endpoint. */
export function * describe (endpoint: CheckedEndpoint, style: Style): Generator<string> {
  const { endpoint: text, transport, tls, proxyProtocol, problems } = endpoint
  const inString = problems.filter(({ index }) => index !== undefined)
  if (inString.length > 0) {
    for (const problem of inString) {
      yield * mark(text, problem.index ?? 0, style)
      yield `  ${style.render(problemTree(problem, style).label)}`
    }
    return
  }
  const remarks = new Remarks(endpoint, style)
  const children: Tree[] = []
  if (transport !== undefined) {
    const { type, address, mode, backlog } = transport
    const details = [...mode === undefined ? [] : [`mode ${mode}`], ...backlog === undefined ? [] : [`backlog ${backlog}`]]
    children.push({
      label: [`${type} `, strong(address), details.length === 0
        ? ''
        : ` (${details.join(', ')})`],
      children: remarks.take('interface', 'address', 'reusePort')
    })
  }
  if (proxyProtocol !== undefined) {
    const { from } = proxyProtocol
    children.push({
      label: 'PROXY protocol: every connection must begin with a header, ' +
        `${from === undefined ? 'accepted from any peer' : `from ${from.join(', ')} only`}`
    })
  }
  if (tls !== undefined) children.push(...tlsTrees(tls, remarks))
  children.push(...remarks.rest(), { label: verdictOf(endpoint, style) })
  yield * linesOf({ label: strong(text), children }, style)
}

function tlsTrees (tls: CheckedTls, remarks: Remarks): Tree[] {
  const { alpn, handshakeTimeout, versions, clientCertificates } = tls
  const { privateKey, otherKeys = [], certificates, chain, names, authorities, revocation, allowed } = tls
  const trees: Tree[] = [{
    label: ['TLS: ', versions === undefined
      ? 'versions unknown'
      : strong(
        versions.map(({ version }) => version).join(', ') || 'nothing can be negotiated'
      ), `, ${alpn.join(' or ')}, handshake within ${handshakeTimeout} s`],
    children: [...(versions ?? []).map(({ version, ciphers }) => ({ label: `${version}: ${ciphers.join(', ')}` })), ...remarks.take(
      'ciphers', 'sslmethod', 'dhParameters'
    )]
  }]
  const keys = privateKey === undefined ? [] : [privateKey, ...otherKeys]
  const ofKeys = remarks.take('privateKey', 'privateKeyPassphraseFile')
  trees.push(...keys.map(({ type, file, fits }, index) => ({
    label: [
      'private key ', quoted(file),
      `: ${type}${fits === undefined ? '' : fits ? ', matches the certificate' : ', does not match the certificate'}`
    ],
    children: index === keys.length - 1 ? ofKeys : []
  })))
  if (keys.length === 0) trees.push(...ofKeys)
  const own = remarks.take('certKey', 'extraCertChain')
  if (chain !== undefined && tls.acme === undefined) {
    trees.push({
      label: ['certificate', chainText(chain)], children: [...certificates.map(certificateTree), ...own]
    })
  } else trees.push(...own)
  if (tls.acme !== undefined) trees.push(acmeTree(tls.acme, certificates, remarks))
  const named = remarks.take('sni')
  if (names === undefined) {
    trees.push(...named)
  } else {
    const shown = names.map(({ name, certificates: [leaf], chain }) => ({
      label: [strong(name), leaf === undefined
        ? ''
        : `: ${certificateText(leaf)}`, chainText(chain)]
    }))
    trees.push({ label: `by server name: ${count(names.length, 'name')}`, children: [...firstOf(shown, MOST_SHOWN, more), ...named] })
  }
  const clients = clientCertificates === 'none'
    ? 'client certificates: not requested'
    : `client certificates: ${clientCertificates}, from ${count(authorities.length, 'authority', 'authorities')}`
  trees.push({ label: clients, children: [...firstOf(authorities.map(certificateTree), MOST_SHOWN, more), ...remarks.take('authorities')] })
  if (revocation !== undefined) trees.push(revocationTree(revocation, remarks))
  if (allowed !== undefined) trees.push(allowedTree(allowed, remarks))
  return trees
}

function acmeTree (
  { names, directory, challenges, renewal, online }: CheckedAcme, certificates: readonly CheckedCertificate[], remarks: Remarks
): Tree {
  const answers = challenges.length === 0 ? '' : `, proved by ${challenges.join(', else ')}`
  const { terms, needsBinding = false, profiles = [], hasRenewalInfo = false } = online ?? {}
  const about = online === undefined
    ? []
    : [{
        label: [
          'the directory answers',
          terms === undefined ? '' : `; its terms: ${terms}`,
          needsBinding ? '; accounts need acmeEab' : '',
          profiles.length === 0 ? '' : `; profiles: ${profiles.join(', ')}`,
          hasRenewalInfo ? '; it suggests when to renew' : ''
        ].join('')
      }]
  return {
    label: ['certificate by ACME for ', strong(names.join(', ')), ` from ${directory}${answers}`],
    children: [
      ...certificates.map(certificateTree),
      ...(certificates.length > 0 ? [] : [{ label: 'no certificate yet: the app orders one when it starts' }]),
      ...(renewal === undefined ? [] : [{ label: `renewal from ${renewal.slice(0, 16).replace('T', ' ')} UTC` }]),
      ...about,
      ...remarks.take('acme', 'acmeStore', 'acmeCa', 'acmeEab', 'acmeChallenge')
    ]
  }
}

function chainText ({ isOrdered, isWhole, issuer }: CheckedChain): Text {
  if (!isOrdered) return ' (chain out of order)'
  if (isWhole) return ' (complete chain)'
  return ` (clients must have its issuer ${issuer ?? ''})`
}

export function certificateTree (certificate: CheckedCertificate): Tree {
  return { label: [strong(certificate.subject || '(no subject)'), `: ${certificateText(certificate)}`] }
}

function certificateText ({ subject, names, issuer, keyType, daysLeft, notAfter, isSelfSigned }: CheckedCertificate): string {
  const until = `until ${notAfter.slice(0, 10)}, ${daysLeft < 0 ? `${count(-daysLeft, 'day')} ago` : `${count(daysLeft, 'day')} left`}`
  return [
    ...names.length === 0 ? [] : [`for ${names.slice(0, MOST_SHOWN).join(', ')}${names.length > MOST_SHOWN ? ', …' : ''}`],
    isSelfSigned ? 'self-signed' : `from ${issuer === subject ? 'an authority of the same name' : issuer}`,
    keyType,
    until
  ].join(', ')
}

function revocationTree ({ list, size, lines, ...policy }: CheckedRevocation, remarks: Remarks): Tree {
  const { revocationDepth, unknownStatus, expiredCrl } = policy
  const here = remarks.take('revokedFile', 'unknownStatus', 'expiredCrl', 'revocationDepth')
  const shown = lines.map((line) => lineTree(line))
  return {
    label: [
      'revocation list ', quoted(list),
      `: ${size.toLocaleString('en')} revoked (revocationDepth=${revocationDepth}, unknownStatus=${unknownStatus}, ` +
        `expiredCrl=${expiredCrl})`
    ],
    children: [...firstOf(shown, MOST_SHOWN, more), ...here]
  }
}

function allowedTree ({ list, size, roles, rules }: CheckedAllowed, remarks: Remarks): Tree {
  const shown = rules.map((rule): Tree => ({ label: [`line ${rule.line}: `, ruleText(rule)] }))
  const roleNames = `${roles.slice(0, MOST_SHOWN).join(', ')}${roles.length > MOST_SHOWN ? ', …' : ''}`
  const named = roles.length === 0 ? 'no roles' : `roles ${roleNames}`
  return {
    label: ['allowed list ', quoted(list), `: ${count(size, 'rule')}, ${named}`],
    children: [...firstOf(shown, MOST_SHOWN, more), ...remarks.take('allowedFile')]
  }
}

/** A rule as a line of its list. */
export function ruleText ({ kind, pattern, issuer, roles }: CheckedRule): Text {
  return [
    { colour: 'cyan', text: `${kind}:${pattern}` },
    issuer === undefined ? '' : ` issuer=${issuer}`,
    roles.length === 0 ? '' : ` role=${roles.join(',')}`
  ]
}

function lineTree ({ line, kind, value, files = 0, certificates = 0, crls = [], sources = [] }: CheckedLine): Tree {
  const [source] = sources
  if (kind === 'source' && source !== undefined) {
    const tree = sourceTree(source)
    return { ...tree, label: [`line ${line}: `, tree.label] }
  }
  if (kind === 'cdp') {
    const points = firstOf(sources.map(sourceTree), MOST_SHOWN, more)
    return {
      label: [`line ${line}: `, { colour: 'cyan', text: 'cdp:' }, ` ${count(sources.length, 'distribution point')}`],
      children: points
    }
  }
  if (kind !== 'pattern') return { label: [`line ${line}: `, { colour: 'cyan', text: `${kind}:${value}` }] }
  const found = [count(files, 'file'), count(certificates, 'certificate'), ...crls.length === 0 ? [] : [count(crls.length, 'CRL')]]
  return {
    label: [`line ${line}: `, { colour: 'cyan', text: value }, `: ${found.join(', ')}`],
    children: firstOf(crls.map(crlTree), MOST_SHOWN, more)
  }
}

function sourceTree ({ name, isHeard, entries, crls }: CheckedSource): Tree {
  const found = [
    ...entries === 0 && crls.length > 0 ? [] : [count(entries, 'entry', 'entries')],
    ...crls.length === 0 ? [] : [count(crls.length, 'CRL')]
  ]
  return {
    label: [{ colour: 'cyan', text: name }, isHeard ? `: ${found.join(', ')}` : ': nothing usable'],
    children: firstOf(crls.map(crlTree), MOST_SHOWN, more)
  }
}

function crlTree (
  { file, issuer, number, baseNumber, thisUpdate, nextUpdate, entries, signer, isInForce, defect }:
  Omit<CheckedCrl, 'file'> & { readonly file?: string }
): Tree {
  const which = [
    ...number === undefined ? ['no number'] : [`number ${number}`],
    ...baseNumber === undefined ? [] : [`delta of number ${baseNumber}`],
    count(entries, 'entry', 'entries'),
    `${thisUpdate ?? 'no date'} to ${nextUpdate ?? 'no end'}`,
    signer === issuer ? 'valid signature' : `signed by ${signer}`,
    ...isInForce ? [] : ['not in force (superseded, or about none of the authorities)'],
    ...defect === undefined ? [] : [`proves no certificate good: ${defect}`]
  ]
  return { label: ['CRL of ', strong(issuer), `: ${which.join(', ')}`, ...file === undefined ? [] : [', in ', quoted(file)]] }
}

/** Problems and warnings, to be shown where they belong. Those that belong nowhere come at the end. */
class Remarks {
  readonly #style: Style
  #problems: readonly CheckProblem[]
  #warnings: readonly CheckWarning[]

  constructor ({ problems, warnings }: CheckedEndpoint, style: Style) {
    this.#style = style
    this.#problems = problems
    this.#warnings = warnings
  }

  take (...names: string[]): Tree[] {
    return this.#take(({ argument }) => argument !== undefined && names.includes(argument))
  }

  rest (): Tree[] {
    return this.#take(() => true)
  }

  #take (isMeant: (remark: CheckProblem | CheckWarning) => boolean): Tree[] {
    const problems = this.#problems.filter(isMeant).map((problem) => problemTree(problem, this.#style))
    const warnings = this.#warnings.filter(isMeant).map((warning) => warningTree(warning, this.#style))
    this.#problems = this.#problems.filter((problem) => !isMeant(problem))
    this.#warnings = this.#warnings.filter((warning) => !isMeant(warning))
    return [...firstOf(problems, MOST_PROBLEMS, more), ...firstOf(warnings, MOST_PROBLEMS, more)]
  }
}

function problemTree ({ code, message, index }: CheckProblem, { symbols }: Style): Tree {
  const shown = index === undefined ? message : withoutPlace(message)
  return { label: [{ colour: 'red', text: `${symbols ? '✗ ' : ''}problem: ` }, code === undefined ? shown : `${code}: ${shown}`] }
}

function warningTree ({ message }: CheckWarning, { symbols }: Style): Tree {
  return { label: [{ colour: 'yellow', text: `${symbols ? '⚠ ' : ''}warning: ` }, message] }
}

function verdictOf ({ problems, warnings }: CheckedEndpoint, { symbols }: Style): Text {
  const warned = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`
  if (problems.length > 0) return { colour: 'red', text: `${symbols ? '✗ ' : ''}${count(problems.length, 'problem')}${warned}` }
  return { colour: 'green', text: `${symbols ? '✓ ' : ''}good${warned}` }
}

function count (number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`
}

/** The line that replaces the rest. */
export function more (number: number): Text {
  return { colour: 'dim', text: `… and ${number.toLocaleString('en')} more (all with --json)` }
}

function strong (text: string): Text {
  return { colour: 'bold', text }
}

function quoted (path: string): string {
  return `"${path}"`
}
