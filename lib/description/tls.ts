/** The types that speak TLS: what their arguments mean to each other, and the transport below. */
import type { SslEndpoint, TlsEndpoint } from '../../types/endpoint.js'
import type { TypeName } from './argument-table.js'
import { bind, conflicting, missing, read, type Bound } from './bind.js'
import { fault, type EndpointText } from './fault.js'
import { fd, systemd, tcp6, unix } from './sockets.js'
import { segmentsOf } from './tokenize.js'
import { findType } from './type-name.js'

/**
 * Arguments that would do nothing without another. They are refused because whoever writes them
 * counts on them: a list of the revoked that nobody looks at lets the revoked in.
 */
const IDLE: Array<[name: string, without: string, why: string]> = [
  ['revokedFile', 'authorities', 'no client certificate is asked for'],
  ['anchors', 'authorities', 'no client certificate is asked for'],
  ['verify', 'authorities', 'no client certificate is asked for'],
  ['revocationDepth', 'revokedFile', 'nothing is revoked'],
  ['unknownStatus', 'revokedFile', 'nothing is revoked'],
  ['expiredCrl', 'revokedFile', 'nothing is revoked']
]

/** The types that transport can hold. */
const TRANSPORTS: TypeName[] = ['systemd', 'fd', 'unix', 'tcp6']

/** What the transport, if there is one, has arguments of its own for. */
const OF_THE_TRANSPORT = ['port', 'interface', 'backlog']

export function ssl (bound: Bound<'ssl'>): SslEndpoint {
  const { privateKey, certKey, ...values } = read(bound)
  return { type: 'ssl', description: bound.description, ...values, ...pairsOf(bound, privateKey, certKey) }
}

export function tls (bound: Bound<'tls'>): TlsEndpoint {
  const { transport, privateKey, certKey, ...values } = read(bound, conflictsOf(bound))
  return {
    type: 'tls',
    description: bound.description,
    ...values,
    ...pairsOf(bound, privateKey, certKey),
    verify: values.verify ?? (values.authorities === undefined ? 'none' : 'required'),
    ...(transport !== undefined && { transport: inner(bound, transport) })
  }
}

/** The files of each key and its certificate. */
function pairsOf (bound: Bound<'ssl' | 'tls'>, keys: readonly [string, ...string[]], certificates = keys): Pick<TlsEndpoint, 'privateKey' | 'certKey' | 'otherPairs'> {
  if (keys.length !== certificates.length) {
    throw conflicting(bound, 'certKey', `certKey names ${certificates.length} files and privateKey ${keys.length}: ` +
      'give a certificate for each key, with a comma between; a comma within a path is written "\\\\,"')
  }
  const [first, ...others] = keys.map((privateKey, index) => ({ privateKey, certKey: certificates[index] as string }))
  return { ...first as { privateKey: string, certKey: string }, ...others.length > 0 && { otherPairs: others } }
}

function conflictsOf (bound: Bound<'tls'>): Error[] {
  const { given } = bound
  const problems: Error[] = []
  if (!given.has('port') && !given.has('transport')) problems.push(missing(bound, 'port', ', and so is transport: one of them says where to listen'))
  for (const [name, without, why] of IDLE) {
    if (given.has(name) && !given.has(without)) problems.push(conflicting(bound, name, `${name} would do nothing without ${without}: ${why}`))
  }
  for (const name of OF_THE_TRANSPORT) {
    if (!given.has('transport') || !given.has(name)) continue
    // Perhaps it is a part of the transport that was not quoted.
    const advice = given.get(name)?.key === undefined ? '; a ":" within transport is written "\\:"' : ''
    problems.push(conflicting(bound, name, `${name} would do nothing beside transport, which says where to listen${advice}`))
  }
  return problems
}

/** Parses the description that the argument `transport` holds. */
function inner ({ source: outer, given }: Bound<'tls'>, text: string): NonNullable<TlsEndpoint['transport']> {
  const valueStart = given.get('transport')?.valueStart ?? 0
  const source: EndpointText = { text, within: { source: outer, type: 'tls', argument: 'transport', valueStart } }
  const { type, head, rest } = findType({ source, segments: segmentsOf(source), text }, TRANSPORTS)
  switch (type) {
    case 'systemd': return systemd(bind(source, type, head, rest, text))
    case 'fd': return fd(bind(source, type, head, rest, text))
    case 'unix': return unix(bind(source, type, head, rest, text))
    case 'tcp6': return tcp6(bind(source, type, head, rest, text))
    default: throw fault(source, 'FST_ENDPOINT_INVALID_ARGUMENT', head.start, undefined,
      `the type must be one of ${TRANSPORTS.join(', ')}, not ${type}${type === 'tcp' ? ', for which tls itself has port and interface' : ''}`)
  }
}
