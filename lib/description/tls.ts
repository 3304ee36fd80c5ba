/** The types with TLS: checks of their arguments against each other, and the transport below. */
import type { AcmeArguments, SslEndpoint, TlsEndpoint } from '../../types/endpoint.js'
import { LETS_ENCRYPT, type TypeName, type Values, type signatures } from './argument-table.js'
import { bind, conflicting, missing, read, type BoundArguments } from './bind.js'
import { fault, type EndpointText } from './fault.js'
import { printable } from '../text/printable.js'
import { fd, systemd, tcp6, unix } from './sockets.js'
import { segmentsOf } from './tokenize.js'
import { findType } from './type-name.js'

/**
 * Arguments that have no effect without another. They are errors, because their writer relies on them: a revocation
 * list that is not used admits revoked clients.
 */
const IDLE: Array<[name: string, without: string, why: string]> = [
  ['revokedFile', 'authorities', 'no client certificate is requested'],
  ['allowedFile', 'authorities', 'no client certificate is requested'],
  ['anchors', 'authorities', 'no client certificate is requested'],
  ['verify', 'authorities', 'no client certificate is requested'],
  ['revocationDepth', 'revokedFile', 'nothing is revoked'],
  ['unknownStatus', 'revokedFile', 'nothing is revoked'],
  ['expiredCrl', 'revokedFile', 'nothing is revoked'],
  ...['acmeStore', 'acmeTerms', 'acmeDirectory', 'acmeContact', 'acmeCa', 'acmeEab', 'acmeProfile', 'acmeChallenge', 'acmeWait']
    .map((name): [string, string, string] => [name, 'acme', 'no certificate is ordered'])
]

/** Where the key and the certificate come from: exactly one of these is given. */
const ORIGINS = ['privateKey', 'acme', 'credentials']

/** Arguments that only have an effect on key and certificate in files. */
const OF_FILES = ['certKey', 'privateKeyPassphraseFile', 'extraCertChain']

/** The types that transport can hold. */
const TRANSPORTS: TypeName[] = ['systemd', 'fd', 'unix', 'tcp6']

/** Arguments that a transport has itself. */
const OF_THE_TRANSPORT = ['port', 'interface', 'backlog']

export function ssl (bound: BoundArguments<'ssl'>): SslEndpoint {
  const { privateKey, certKey, ...values } = read(bound)
  return { type: 'ssl', description: bound.description, ...values, ...pairsOf(bound, privateKey, certKey) }
}

export function tls (bound: BoundArguments<'tls'>): TlsEndpoint {
  const { transport, privateKey, certKey, ...others } = read(bound, conflictsOf(bound))
  const {
    acme, acmeStore, acmeTerms, acmeDirectory, acmeContact, acmeCa, acmeEab, acmeProfile, acmeChallenge, acmeWait, ...values
  } = others
  return {
    type: 'tls',
    description: bound.description,
    ...values,
    ...(privateKey !== undefined && pairsOf(bound, privateKey, certKey)),
    ...(acme !== undefined && { acme: acmeOf(others, acme) }),
    verify: values.verify ?? (values.authorities === undefined ? 'none' : 'required'),
    ...(transport !== undefined && { transport: inner(bound, transport) })
  }
}

function acmeOf (values: Values<typeof signatures['tls']>, names: AcmeArguments['names']): AcmeArguments {
  const { acmeStore, acmeDirectory, acmeContact = [], acmeCa, acmeEab, acmeProfile, acmeChallenge, acmeWait } = values
  return {
    names,
    directory: acmeDirectory,
    contact: acmeContact,
    // conflictsOf has made sure that it is there.
    store: acmeStore as string,
    wait: acmeWait,
    ...(acmeCa !== undefined && { ca: acmeCa }),
    ...(acmeEab !== undefined && { eab: acmeEab }),
    ...(acmeProfile !== undefined && { profile: acmeProfile }),
    ...(acmeChallenge !== undefined && { challenge: acmeChallenge })
  }
}

/** The files of each key with those of its certificate. */
function pairsOf (
  bound: BoundArguments<'ssl' | 'tls'>,
  keys: readonly [string, ...string[]],
  certificates = keys
): Pick<SslEndpoint, 'privateKey' | 'certKey' | 'otherPairs'> {
  if (keys.length !== certificates.length) {
    throw conflicting(bound, 'certKey', `certKey names ${certificates.length} files and privateKey ${keys.length}: ` +
      'name one certificate for each key, separated by commas; write a comma within a path as "\\\\,"')
  }
  const [first, ...others] = keys.map((privateKey, index) => ({ privateKey, certKey: certificates[index] as string }))
  return { ...first as { privateKey: string, certKey: string }, ...others.length > 0 && { otherPairs: others } }
}

function conflictsOf (bound: BoundArguments<'tls'>): Error[] {
  const { given } = bound
  const problems: Error[] = []
  if (!given.has('port') && !given.has('transport')) {
    problems.push(missing(bound, 'port', ', and so is transport: one of them must say where to listen'))
  }
  for (const [name, without, why] of IDLE) {
    if (given.has(name) && !given.has(without)) problems.push(conflicting(bound, name, `${name} has no effect without ${without}: ${why}`))
  }
  problems.push(...conflictsOfOrigin(bound))
  for (const name of OF_THE_TRANSPORT) {
    if (!given.has('transport') || !given.has(name)) continue
    // It may be a part of the transport that was not quoted.
    const advice = given.get(name)?.key === undefined ? '; write a ":" within transport as "\\:"' : ''
    problems.push(conflicting(bound, name, `${name} has no effect beside transport, which says where to listen${advice}`))
  }
  return problems
}

/** Problems with where the key and the certificate come from. */
function conflictsOfOrigin (bound: BoundArguments<'tls'>): Error[] {
  const { given } = bound
  const [origin, ...others] = ORIGINS.filter((name) => given.has(name))
  const problems = others.map((name) => {
    const problem = `${name} has no effect beside ${origin}, which says where the certificate comes from: remove one of them`
    return conflicting(bound, name, problem)
  })
  if (origin !== 'privateKey' && origin !== undefined) {
    for (const name of OF_FILES) {
      if (given.has(name)) problems.push(conflicting(bound, name, `${name} has no effect beside ${origin}, which gives the certificate`))
    }
  }
  if (origin !== 'acme') return problems
  if (!given.has('acmeStore')) {
    problems.push(missing(bound, 'acmeStore', ': name a folder that outlives restarts, such as acmeStore=/var/lib/app'))
  }
  if (!given.has('acmeTerms')) {
    const directory = given.get('acmeDirectory')?.value ?? LETS_ENCRYPT
    const terms = LETS_ENCRYPT_HOSTS.test(directory)
      ? 'those at https://letsencrypt.org/repository/'
      : `those that fastify-endpoint check --online shows for ${printable(directory)}`
    problems.push(missing(bound, 'acmeTerms', `: read the terms of the directory, ${terms}, and write acmeTerms=agreed if you agree`))
  }
  return problems
}

/** The directories for production and for tests. */
const LETS_ENCRYPT_HOSTS = /^https:\/\/acme-(?:staging-)?v02\.api\.letsencrypt\.org\//

/** Parses the quoted description in the argument `transport`. */
function inner ({ source: outer, given }: BoundArguments<'tls'>, text: string): NonNullable<TlsEndpoint['transport']> {
  const valueStart = given.get('transport')?.valueStart ?? 0
  const source: EndpointText = { text, within: { source: outer, type: 'tls', argument: 'transport', valueStart } }
  const { type, head, rest } = findType({ source, segments: segmentsOf(source), text }, TRANSPORTS)
  switch (type) {
    case 'systemd': return systemd(bind(source, type, head, rest, text))
    case 'fd': return fd(bind(source, type, head, rest, text))
    case 'unix': return unix(bind(source, type, head, rest, text))
    case 'tcp6': return tcp6(bind(source, type, head, rest, text))
    default: throw fault(source, 'FST_ENDPOINT_INVALID_ARGUMENT', head.start, undefined,
      `the type must be one of ${TRANSPORTS.join(', ')}, not ${type}` +
      (type === 'tcp' ? '; for tcp, use port and interface of tls itself' : ''))
  }
}
