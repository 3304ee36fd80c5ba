/**
 * Every endpoint type with its arguments, in positional order, and the kind and default of each.
 * `sockets.ts` and `tls.ts` check arguments against each other.
 */
import {
  agreement, anyInterface, backlog, cipherList, decimal, descriptorName, emails, flag, hostNames, httpsUrl, namedInterface, oneOf, path,
  paths, permissions, port, protocols, quotedDescription, unixAddress, word, type Kind
} from './kinds.js'
import { networks } from './networks.js'
import { sslmethod } from './sslmethod.js'

/** An argument that always has a value: it must be given, or has a default. */
interface Certain<T> {
  kind: Kind<T>
  presence: 'required' | 'defaulted'
  /** The default, as a user would write it. */
  otherwise?: string
}

/** An argument without a default, which may be left out. */
interface Uncertain<T> {
  kind: Kind<T>
  presence: 'optional'
  /** Arguments of which one must be given if this one is not. */
  orElse?: readonly string[]
}

type Argument<T = unknown> = Certain<T> | Uncertain<T>

/** The arguments of a type. The members of `positional` are in the order of their positions. */
interface Signature {
  positional: Record<string, Argument>
  keywordOnly: Record<string, Argument>
  example: string
}

type ValuesOf<A extends Record<string, Argument>> =
  { [K in keyof A as A[K] extends Certain<unknown> ? K : never]: A[K] extends Certain<infer T> ? T : never }
  & { [K in keyof A as A[K] extends Certain<unknown> ? never : K]?: A[K] extends Uncertain<infer T> ? T : never }

/** The parsed arguments of a type. */
export type Values<S extends Signature> = ValuesOf<S['positional']> & ValuesOf<S['keywordOnly']>

function required<T> (kind: Kind<T>): Certain<T> {
  return { kind, presence: 'required' }
}

function defaulted<T> (kind: Kind<T>, otherwise: string): Certain<T> {
  return { kind, presence: 'defaulted', otherwise }
}

function optional<T> (kind: Kind<T>): Uncertain<T> {
  return { kind, presence: 'optional' }
}

/** The directory for production, whose certificates all browsers trust. */
export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

/** One of these must be given: this one, or one of the others. */
function requiredOr<T> (kind: Kind<T>, ...orElse: string[]): Uncertain<T> {
  return { kind, presence: 'optional', orElse }
}

const tcp = {
  positional: {
    port: required(port),
    interface: defaulted(anyInterface, ''),
    backlog: defaulted(backlog, '50')
  },
  keywordOnly: {
    reusePort: defaulted(flag, '0')
  },
  example: 'tcp:8080:interface=127.0.0.1'
} satisfies Signature

const tcp6 = {
  positional: {
    port: required(port),
    backlog: defaulted(backlog, '50'),
    interface: defaulted(namedInterface, '::')
  },
  keywordOnly: {
    ipv6Only: defaulted(flag, '0')
  },
  example: 'tcp6:8080:interface=\\:\\:1'
} satisfies Signature

const unix = {
  positional: {
    address: required(unixAddress),
    mode: defaulted(permissions, '666'),
    backlog: defaulted(backlog, '50'),
    lockfile: defaulted(flag, '1')
  },
  keywordOnly: {},
  example: 'unix:/run/app.sock:mode=660'
} satisfies Signature

const ssl = {
  positional: {
    port: required(port),
    privateKey: defaulted(paths, 'server.pem'),
    certKey: optional(paths),
    sslmethod: defaulted(sslmethod, 'TLS_METHOD'),
    interface: defaulted(anyInterface, ''),
    backlog: defaulted(backlog, '50'),
    extraCertChain: optional(path),
    dhParameters: optional(path)
  },
  keywordOnly: {
    privateKeyPassphraseFile: optional(path)
  },
  example: 'ssl:8443:privateKey=server.key:certKey=server.pem'
} satisfies Signature

const tls = {
  positional: {
    ...ssl.positional,
    port: optional(port),
    privateKey: requiredOr(paths, 'acme', 'credentials')
  },
  keywordOnly: {
    ...ssl.keywordOnly,
    authorities: optional(path),
    anchors: defaulted(oneOf('self-signed', 'any'), 'self-signed'),
    revokedFile: optional(path),
    allowedFile: optional(path),
    verify: optional(oneOf('required', 'optional')),
    revocationDepth: defaulted(oneOf('chain', 'leaf'), 'chain'),
    unknownStatus: defaulted(oneOf('allow', 'deny'), 'allow'),
    expiredCrl: defaulted(oneOf('use', 'deny'), 'use'),
    sni: optional(path),
    ciphers: optional(cipherList),
    alpn: defaulted(protocols, 'http/1.1'),
    // Below 2^31 in milliseconds: setTimeout fires at once above that.
    handshakeTimeout: defaulted(decimal(1, 2147483), '10'),
    transport: optional(quotedDescription),
    acme: optional(hostNames),
    acmeStore: optional(path),
    acmeTerms: optional(agreement),
    acmeDirectory: defaulted(httpsUrl, LETS_ENCRYPT),
    acmeContact: optional(emails),
    acmeCa: optional(path),
    acmeEab: optional(path),
    acmeProfile: optional(word),
    acmeChallenge: optional(oneOf('tls-alpn-01', 'http-01')),
    acmeWait: defaulted(decimal(0, 86_400), '0'),
    credentials: optional(word)
  },
  example: 'tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem'
} satisfies Signature

const stdio = {
  positional: {},
  keywordOnly: {},
  example: 'stdio'
} satisfies Signature

const systemd = {
  positional: {
    domain: required(oneOf('INET', 'INET6', 'UNIX')),
    // Descriptors start at 3 and are signed 32-bit numbers.
    index: optional(decimal(0, 0x7fffffff - 3)),
    name: optional(descriptorName)
  },
  keywordOnly: {},
  example: 'systemd:INET:name=https'
} satisfies Signature

const fd = {
  positional: {
    fileno: required(decimal(0, 0x7fffffff))
  },
  keywordOnly: {},
  example: 'fd:3'
} satisfies Signature

// Its positional arguments belong to the description that it wraps.
const haproxy = {
  positional: {},
  keywordOnly: {
    proxyFrom: optional(networks)
  },
  example: 'haproxy:tcp:8080'
} satisfies Signature

/** The types by name. */
export const signatures = { tcp, tcp6, unix, ssl, tls, stdio, systemd, fd, haproxy }

export type TypeName = keyof typeof signatures

export const typeNames = Object.keys(signatures) as TypeName[]

/** The arguments of a type by name, in the order in which messages list them. */
export function argumentsOf (type: TypeName): Map<string, Argument> {
  const { positional, keywordOnly }: Signature = signatures[type]
  return new Map([...Object.entries(positional), ...Object.entries(keywordOnly)])
}

/** The names that positional arguments fill, in order. */
export function positionalNames (type: TypeName): string[] {
  return Object.keys(signatures[type].positional)
}

/** Names that other software uses for these arguments. */
export const otherNames = new Map([
  ['key', 'privateKey'],
  ['cert', 'certKey'],
  ['certificate', 'certKey'],
  ['passphrase', 'privateKeyPassphraseFile'],
  ['ca', 'authorities'],
  ['crl', 'revokedFile'],
  ['host', 'interface'],
  ['path', 'address'],
  ['wantPID', 'lockfile']
])
