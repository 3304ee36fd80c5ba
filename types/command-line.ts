/**
 * What the command line prints with `--json`. `version` grows when a member is removed or changes its meaning; members
 * may be added. Times are ISO 8601 in UTC. Texts appear as they are in certificates and files: escape them for a terminal
 * or a page.
 */
import type { ErrorCode } from '../lib/errors.js'
import type { RevocationKind, RevocationReason } from './revocation.js'
import type { Endpoint, TlsVersion } from './endpoint.js'

/** What `fastify-endpoint check --json` prints. */
export interface CheckReport {
  /** The version of this format. */
  readonly version: 1
  /** Whether an app would start with all of the strings. */
  readonly ok: boolean
  /** One for each string, in their order. */
  readonly endpoints: readonly CheckedEndpoint[]
}

/** One endpoint string, and what an app would make of it. */
export interface CheckedEndpoint {
  /** The string. */
  readonly endpoint: string
  /** Whether an app would start with it. */
  readonly ok: boolean
  /** Where it would listen; absent if the string cannot be parsed. */
  readonly transport?: CheckedTransport
  /** Which peers may send PROXY headers. Present for `haproxy:`. */
  readonly proxyProtocol?: {
    /** Networks in CIDR notation; absent for a unix socket, whose mode decides. */
    readonly from?: readonly string[]
  }
  /** Present if the endpoint speaks TLS. */
  readonly tls?: CheckedTls
  /** Why an app would not start with it. */
  readonly problems: readonly CheckProblem[]
  /** What works, but perhaps not as intended. */
  readonly warnings: readonly CheckWarning[]
}

/** Where an endpoint would listen. */
export interface CheckedTransport {
  /** The type of the endpoint below TLS and the PROXY protocol. */
  readonly type: Exclude<Endpoint['type'], 'ssl' | 'tls' | 'haproxy'>
  /** Address and port (`0.0.0.0:8443`), a path, or the name of a descriptor. */
  readonly address: string
  /** Length of the queue of connections that wait to be accepted. */
  readonly backlog?: number
  /** Permissions of a unix socket in octal, for example `660`. */
  readonly mode?: string
}

/** Why an app would not start. */
export interface CheckProblem {
  /** The code, if it is an error of this package. */
  readonly code?: ErrorCode
  /** What is wrong, where, and what to write instead. */
  readonly message: string
  /** The argument of the string. */
  readonly argument?: string
  /** Offset of the wrong character in the string, in UTF-16 code units, from 0. */
  readonly index?: number
  /** The file that is wrong. */
  readonly file?: string
  /** The line of that file, from 1. */
  readonly line?: number
}

/** Something that works, but perhaps not as intended, or not for long. */
export interface CheckWarning {
  /**
   * - `expiry`: something has expired, expires soon, or is not valid yet.
   * - `weak`: it can be forged or broken.
   * - `exposed`: others may read or change a file, clients may connect without a certificate, or a rule may allow more than
   *   intended.
   * - `no-effect`: it does nothing.
   * - `unfit`: clients, or some of them, will not accept it.
   * - `revocation`: a CRL is of less use than it seems.
   */
  readonly kind: 'expiry' | 'weak' | 'exposed' | 'no-effect' | 'unfit' | 'revocation'
  /** What the warning is about, and what to do. */
  readonly message: string
  /** The argument of the string. */
  readonly argument?: string
  /** The file that it is about. */
  readonly file?: string
  /** The line of that file, from 1. */
  readonly line?: number
}

/** What a client would see in the handshake. */
export interface CheckedTls {
  /** What a client can negotiate, found by handshakes in memory; absent if a file is wrong. */
  readonly versions?: ReadonlyArray<{
    /** The version of TLS. */
    readonly version: TlsVersion
    /** OpenSSL's names of the ciphers that it can be used with. */
    readonly ciphers: readonly string[]
  }>
  /** The protocols of ALPN in order of preference. */
  readonly alpn: readonly string[]
  /** Seconds. */
  readonly handshakeTimeout: number
  /** Whether clients must send a certificate; `none` if none is requested. */
  readonly clientCertificates: 'none' | 'optional' | 'required'
  /** The private key; absent if it cannot be read. */
  readonly privateKey?: CheckedKey
  /** The other keys that can be read. Present if the string names several. */
  readonly otherKeys?: readonly CheckedKey[]
  /** The certificates of `certKey` and `extraCertChain`, in the order in which they are sent. */
  readonly certificates: readonly CheckedCertificate[]
  /** Absent if there is no certificate. */
  readonly chain?: CheckedChain
  /** The certificates by server name. Present with `sni`. */
  readonly names?: ReadonlyArray<{
    /** The server name, for example `*.example.org`. */
    readonly name: string
    /** The file that holds key and chain. */
    readonly file: string
    /** The certificates of the file, in the order in which they are sent. */
    readonly certificates: readonly CheckedCertificate[]
    /** Whether they make a chain. */
    readonly chain: CheckedChain
  }>
  /** The certificates that client certificates are verified against. */
  readonly authorities: readonly CheckedCertificate[]
  /** Present with `revokedFile`. */
  readonly revocation?: CheckedRevocation
  /** Present with `allowedFile`, unless the list cannot be used. */
  readonly allowed?: CheckedAllowed
  /** Present with `acme`. */
  readonly acme?: CheckedAcme
}

/** How an endpoint gets its certificates by ACME. */
export interface CheckedAcme {
  /** The host names. */
  readonly names: readonly string[]
  /** The URL of the directory. */
  readonly directory: string
  /** The file for key and certificate; those that it has now are among `certificates`. */
  readonly file: string
  /** The challenges that an app with the strings that are checked can answer, the preferred one first. */
  readonly challenges: ReadonlyArray<'tls-alpn-01' | 'http-01'>
  /** When the certificate in the store will be renewed, in ISO 8601, as far as it is known. */
  readonly renewal?: string
  /** The metadata of the directory. Present with `--online`, if it has answered. */
  readonly online?: {
    /** The URL of its terms. */
    readonly terms?: string
    /** Whether accounts must be bound: see `acmeEab`. */
    readonly needsBinding: boolean
    /** The profiles of certificates that it has. */
    readonly profiles: readonly string[]
    /** Whether it suggests when to renew (RFC 9773). */
    readonly hasRenewalInfo: boolean
  }
}

/** A private key. Only its file and its kind are shown. */
export interface CheckedKey {
  /** Its file. */
  readonly file: string
  /** Its kind, for example `EC P-256` or `RSA 2048`. */
  readonly type: string
  /** Whether the first certificate was issued for it; absent if there is none. */
  readonly fits?: boolean
}

/** One certificate: the server's own, one of its chain, or an authority. */
export interface CheckedCertificate {
  /** Its file. */
  readonly file: string
  /** The subject, for example `CN=example.org`. */
  readonly subject: string
  /** The names that it is for, for example `DNS:example.org`. */
  readonly names: readonly string[]
  /** The subject of its issuer. */
  readonly issuer: string
  /** The serial number in hexadecimal. */
  readonly serial: string
  /** The kind of its key, for example `EC P-256`. */
  readonly keyType: string
  /** When its validity begins. */
  readonly notBefore: string
  /** When its validity ends. */
  readonly notAfter: string
  /** Whole days until notAfter; negative after it. */
  readonly daysLeft: number
  /** Whether it is self-signed. */
  readonly isSelfSigned: boolean
}

/** Whether the certificates that a server sends make a chain. */
export interface CheckedChain {
  /** Whether each is issued by the next one. */
  readonly isOrdered: boolean
  /** Whether they end at a self-signed certificate, or below one that Node.js or the endpoint itself knows. */
  readonly isWhole: boolean
  /** The issuer of the last one, which clients must know; absent if the last one is self-signed. */
  readonly issuer?: string
}

/** The revocation list of an endpoint. */
export interface CheckedRevocation {
  /** Path of the list. */
  readonly list: string
  /** The number of entries, with those of CRLs. */
  readonly size: number
  /** As the argument of the string. */
  readonly revocationDepth: 'chain' | 'leaf'
  /** As the argument of the string. */
  readonly unknownStatus: 'allow' | 'deny'
  /** As the argument of the string. */
  readonly expiredCrl: 'use' | 'deny'
  /** The lines that are not blank or comments, in their order. */
  readonly lines: readonly CheckedLine[]
}

/** The allowed list of an endpoint. */
export interface CheckedAllowed {
  /** Path of the list. */
  readonly list: string
  /** The number of its rules. */
  readonly size: number
  /** All roles that its rules give. */
  readonly roles: readonly string[]
  /** Its rules, in their order. */
  readonly rules: readonly CheckedRule[]
}

/** One rule of an allowed list. */
export interface CheckedRule {
  /** Its line, from 1. */
  readonly line: number
  /** What it is compared with. */
  readonly kind: 'uri' | 'dns' | 'email' | 'ip' | 'cn' | 'tbs' | 'spki'
  /** The pattern, as in the list. */
  readonly pattern: string
  /** The key of the authority that the client's path must contain. Present with `issuer=`. */
  readonly issuer?: string
  /** The roles that it gives. */
  readonly roles: readonly string[]
}

/** One line of a list, and what it names. */
export interface CheckedLine {
  /** Its number, from 1. */
  readonly line: number
  /** What kind of line it is. */
  readonly kind: 'pattern' | 'tbs' | 'serial' | 'spki' | 'source' | 'cdp'
  /** The pattern, the key, or the name of the source without credentials; empty for `cdp`. */
  readonly value: string
  /** How many files the pattern matches. Present for a pattern. */
  readonly files?: number
  /** How many certificates they hold. Present for a pattern. */
  readonly certificates?: number
  /** The CRLs in them whose signature verifies; others are problems. Present for a pattern. */
  readonly crls?: readonly CheckedCrl[]
  /** The source, or each distribution point that is followed. Present for `source` and `cdp`. */
  readonly sources?: readonly CheckedSource[]
}

/** A source that a line names, or a distribution point, and what it says. */
export interface CheckedSource {
  /** Its name, without credentials. */
  readonly name: string
  /** Whether it has given content that can be used. If not, a problem says why. */
  readonly isHeard: boolean
  /** Certificates and keys in its content. */
  readonly entries: number
  /** CRLs in its content. */
  readonly crls: ReadonlyArray<Omit<CheckedCrl, 'file'>>
}

/** One CRL of a file that a line matches. */
export interface CheckedCrl {
  /** Its file. */
  readonly file: string
  /** The name of its issuer. */
  readonly issuer: string
  /** The CRL number in decimal; absent if it has none. */
  readonly number?: string
  /** The number of the complete CRL that it changes. Present for a delta CRL. */
  readonly baseNumber?: string
  /** When it was issued; absent if that cannot be read. */
  readonly thisUpdate?: string
  /** When the next one is due; absent if it does not say. */
  readonly nextUpdate?: string
  /** How many certificates it lists. */
  readonly entries: number
  /** The subject of the authority that signed it. */
  readonly signer: string
  /** Whether it is in force: it is valid, and no newer one has replaced it. */
  readonly isInForce: boolean
  /** Why it cannot prove that a certificate is good, if it cannot. */
  readonly defect?: string
}

/** What `fastify-endpoint status --json` prints. */
export interface StatusReport {
  /** The version of this format. */
  readonly version: 1
  /** Whether the client is accepted under all lists and policies that were given. */
  readonly accepted: boolean
  /** The certificates of the file, the client's own first. */
  readonly certificates: readonly CheckedCertificate[]
  /** Lines for a list that revoke the first certificate. */
  readonly lines: {
    /** Revokes this certificate. */
    readonly tbs: string
    /** Revokes the certificate of this issuer with this serial number. */
    readonly serial: string
    /** Revokes every certificate of its public key. */
    readonly spki: string
  }
  /** The names of the first certificate that rules of an allowed list are compared with. */
  readonly names: readonly StatusName[]
  /** Why no rule can match any of its names, if so. */
  readonly namesProblem?: string
  /** A rule for an allowed list that allows the first certificate, without roles. */
  readonly rule: string
  /** One for each endpoint or list. */
  readonly verdicts: readonly StatusVerdict[]
  /** Authorities that are left out because this Node.js cannot read them. */
  readonly warnings: readonly CheckWarning[]
}

/** A name of a certificate. */
export interface StatusName {
  /** The kind of rule that it is compared with. */
  readonly kind: 'uri' | 'dns' | 'email' | 'ip' | 'cn'
  /** The name. With `problem`, its bytes as Latin-1. */
  readonly value: string
  /** Why it matches no rule, if so. */
  readonly problem?: string
}

/** What an allowed list says about a client. */
export interface StatusAllowed {
  /** Path of the list. */
  readonly list: string
  /** Whether a rule allows the client; absent if the list cannot be used. */
  readonly isAllowed?: boolean
  /** The roles that its rules give the client. */
  readonly roles: readonly string[]
  /** The rules that match a name or a key of the certificate. */
  readonly rules: ReadonlyArray<CheckedRule & {
    /** Whether the rule applies: an authority of its `issuer`, if it has one, is in the path of the client. */
    readonly isForPath: boolean
  }>
}

/** What one endpoint, or one list, says about a certificate. */
export interface StatusVerdict {
  /** The endpoint string; absent with `--list`. */
  readonly endpoint?: string
  /** Path of the revocation list; absent if the endpoint has none. */
  readonly list?: string
  /** Present with `allowedFile`. */
  readonly allowed?: StatusAllowed
  /** `unknown`: CRLs are in use, and none that counts covers the certificate. */
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Whether the client is accepted, as far as is known. */
  readonly accepted: boolean
  /** Whether the whole list could be read. If not, its unreadable part may revoke what is `good` or `unknown` here. */
  readonly isWhole: boolean
  /** Whether a path leads to an authority; absent if there are no authorities. */
  readonly isTrusted?: boolean
  /** Whether the certificate, or one that its path needs, has expired or is not valid yet. */
  readonly isExpired: boolean
  /** Whether the extended key usage of the certificate, and of those that its path needs, allows clients (RFC 5280 section 4.2.1.12). */
  readonly isForClients: boolean
  /** Which certificate of the path the status is about, from 0, the client's own; absent for `good`. */
  readonly index?: number
  /** The subject of that certificate. */
  readonly subject?: string
  /** What the entry matches. Present for `revoked`, as are the following members if they are known. */
  readonly kind?: RevocationKind
  /** The line of the list, from 1. */
  readonly line?: number
  /** The file that holds the certificate or the CRL. */
  readonly file?: string
  /** The name of the source, if it is not a file. */
  readonly source?: string
  /** Why it was revoked. */
  readonly reason?: RevocationReason
  /** When it was revoked. */
  readonly revokedAt?: string
  /** The CRL that lists it. */
  readonly crl?: {
    /** The name of its issuer. */
    readonly issuer: string
    /** The CRL number in decimal. */
    readonly number?: string
  }
}
