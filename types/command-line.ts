/**
 * What the command line prints with `--json`. `version` grows when a member goes or means something else; members
 * may be added. Times are ISO 8601 in UTC. Texts are as they stand in certificates and files: whoever shows them
 * escapes what a terminal or a page acts upon.
 */
import type { ErrorCode } from '../lib/errors.js'
import type { RevocationKind, RevocationReason } from './revocation.js'
import type { Endpoint, TlsVersion } from './endpoint.js'

/** What `fastify-endpoint check --json` prints. */
export interface CheckReport {
  readonly version: 1
  /** Whether an app would start with all of the strings. */
  readonly ok: boolean
  readonly endpoints: readonly CheckedEndpoint[]
}

/** One string, and what comes of it. */
export interface CheckedEndpoint {
  readonly endpoint: string
  readonly ok: boolean
  /** Absent where the string cannot be understood. */
  readonly transport?: CheckedTransport
  /** Who may speak the PROXY protocol: networks, or undefined where the mode of a unix socket decides. There under `haproxy:`. */
  readonly proxyProtocol?: { readonly from?: readonly string[] }
  /** There where the endpoint speaks TLS. */
  readonly tls?: CheckedTls
  readonly problems: readonly CheckProblem[]
  readonly warnings: readonly CheckWarning[]
}

/** Where an endpoint would listen. */
export interface CheckedTransport {
  readonly type: Exclude<Endpoint['type'], 'ssl' | 'tls' | 'haproxy'>
  /** Where it will listen: `0.0.0.0:8443`, a path, the name of a descriptor. */
  readonly address: string
  readonly backlog?: number
  /** Permissions of a unix socket in octal, for example `660`. */
  readonly mode?: string
}

/** Why an app would not start. */
export interface CheckProblem {
  /** Absent for what is not one of the package's own errors. */
  readonly code?: ErrorCode
  readonly message: string
  /** The argument of the string. */
  readonly argument?: string
  /** Offset of the wrong character in the string, in UTF-16 code units, from 0. */
  readonly index?: number
  readonly file?: string
  /** From 1. */
  readonly line?: number
}

/** What works, but perhaps not as it is meant, or not for long. */
export interface CheckWarning {
  /**
   * `expiry`: something has ended, ends soon, or has not begun. `weak`: it can be forged or broken. `exposed`: others may read or change
   * a file, or come in without a certificate. `no-effect`: it does nothing. `unfit`: clients will not take it, or not all. `revocation`: a CRL is of
   * less use than it seems.
   */
  readonly kind: 'expiry' | 'weak' | 'exposed' | 'no-effect' | 'unfit' | 'revocation'
  /** What it is, and what to do. */
  readonly message: string
  readonly argument?: string
  readonly file?: string
  readonly line?: number
}

/** What a client would meet in the handshake, and who is asked for a certificate. */
export interface CheckedTls {
  /** What a client can negotiate, found out by handshakes in memory; absent where something is wrong with the files. */
  readonly versions?: ReadonlyArray<{ readonly version: TlsVersion, readonly ciphers: readonly string[] }>
  readonly alpn: readonly string[]
  /** Seconds. */
  readonly handshakeTimeout: number
  readonly clientCertificates: 'none' | 'optional' | 'required'
  /** Absent where the key cannot be read. */
  readonly privateKey?: CheckedKey
  /** There where the string names several keys: all but the first that can be read. */
  readonly otherKeys?: readonly CheckedKey[]
  /** Those of certKey and extraCertChain, in the order in which they are sent. */
  readonly certificates: readonly CheckedCertificate[]
  /** Absent where there is no certificate. */
  readonly chain?: CheckedChain
  /** The certificates by server name. There with `sni`. */
  readonly names?: ReadonlyArray<{ readonly name: string, readonly file: string, readonly certificates: readonly CheckedCertificate[], readonly chain: CheckedChain }>
  /** Whom client certificates must come from. */
  readonly authorities: readonly CheckedCertificate[]
  /** There with `revokedFile`. */
  readonly revocation?: CheckedRevocation
}

/** A private key; nothing of it but its kind. */
export interface CheckedKey {
  readonly file: string
  /** For example `EC P-256` or `RSA 2048`. */
  readonly type: string
  /** Whether the first certificate was issued for it; absent where there is none. */
  readonly fits?: boolean
}

/** One certificate: the server's own, one of its chain, or an authority. */
export interface CheckedCertificate {
  readonly file: string
  readonly subject: string
  /** The names that it is for, for example `DNS:example.org`. */
  readonly names: readonly string[]
  readonly issuer: string
  /** Hexadecimal. */
  readonly serial: string
  readonly keyType: string
  readonly notBefore: string
  readonly notAfter: string
  /** Whole days until notAfter; negative if it has passed. */
  readonly daysLeft: number
  readonly isSelfSigned: boolean
}

/** Whether the certificates that a server sends lead somewhere. */
export interface CheckedChain {
  /** Whether each is issued by the next one. */
  readonly isOrdered: boolean
  /** Whether they end at a self-signed certificate, or below one that Node or the endpoint itself knows. */
  readonly isWhole: boolean
  /** Whom the last one is issued by: clients must know it. Absent where that one is self-signed. */
  readonly issuer?: string
}

/** The list of an endpoint, its policies, and what each of its lines has come to. */
export interface CheckedRevocation {
  readonly list: string
  /** What is revoked, in all. */
  readonly size: number
  readonly revocationDepth: 'chain' | 'leaf'
  readonly unknownStatus: 'allow' | 'deny'
  readonly expiredCrl: 'use' | 'deny'
  /** The lines that say something, in their order. */
  readonly lines: readonly CheckedLine[]
}

/** One line of a list, and what it names. */
export interface CheckedLine {
  /** From 1. */
  readonly line: number
  readonly kind: 'pattern' | 'tbs' | 'serial' | 'spki' | 'source' | 'cdp'
  /** The pattern, or the key; of a source its name, which has no credentials; of `cdp` nothing. */
  readonly value: string
  /** Files that the pattern matches. There for a pattern. */
  readonly files?: number
  /** Certificates in them. There for a pattern. */
  readonly certificates?: number
  /** Those whose signature holds; one that does not count is a problem. There for a pattern. */
  readonly crls?: readonly CheckedCrl[]
  /** What a line names that is no file: one source, or each distribution point that is followed. There for `source` and `cdp`. */
  readonly sources?: readonly CheckedSource[]
}

/** One source that a line names, or one distribution point, and what it has said. */
export interface CheckedSource {
  /** Without credentials. */
  readonly name: string
  /** Whether it has said anything that can be used; what is wrong otherwise is a problem. */
  readonly isHeard: boolean
  /** Certificates and keys in what it says. */
  readonly entries: number
  readonly crls: ReadonlyArray<Omit<CheckedCrl, 'file'>>
}

/** One CRL of a file that a line matches. */
export interface CheckedCrl {
  readonly file: string
  readonly issuer: string
  /** Decimal. Absent where it has none. */
  readonly number?: string
  /** The number of the complete CRL that it changes. There for a delta CRL. */
  readonly baseNumber?: string
  /** Absent where it cannot be read. */
  readonly thisUpdate?: string
  readonly nextUpdate?: string
  readonly entries: number
  /** The subject of the authority whose signature it has. */
  readonly signer: string
  /** Whether it counts, and no newer one has taken its place. */
  readonly isInForce: boolean
  /** Why it proves of no certificate that it is good. */
  readonly defect?: string
}

/** What `fastify-endpoint status --json` prints. */
export interface StatusReport {
  readonly version: 1
  /** Whether the client is let in under all of the lists and policies that were asked. */
  readonly accepted: boolean
  /** Of the file, the client's own first. */
  readonly certificates: readonly CheckedCertificate[]
  /** Lines for a list, which revoke the first certificate. */
  readonly lines: {
    /** This certificate. */
    readonly tbs: string
    /** Its issuer's certificate of this number. */
    readonly serial: string
    /** Every certificate of its public key. */
    readonly spki: string
  }
  readonly verdicts: readonly StatusVerdict[]
  /** Of authorities that are left out, because this Node.js cannot read them. */
  readonly warnings: readonly CheckWarning[]
}

/** What one endpoint, or one list, says of a certificate. */
export interface StatusVerdict {
  /** Absent where `--list` was given. */
  readonly endpoint?: string
  readonly list: string
  /** `unknown`: CRLs are in use, and none that counts covers it. */
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Whether the client is let in, as far as is known. */
  readonly accepted: boolean
  /** Whether all of the list could be read: otherwise something that could not may revoke what is `good` or `unknown`. */
  readonly isWhole: boolean
  /** Whether a path leads to an authority; absent where there are none. */
  readonly isTrusted?: boolean
  /** Whether the certificate, or one that its path needs, is out of its time. */
  readonly isExpired: boolean
  /** Whether its extended key usage, and that of those that its path needs, allows clients (RFC 5280 section 4.2.1.12). */
  readonly isForClients: boolean
  /** Which certificate of the path the status is about, from 0, the client's own; absent for `good`. */
  readonly index?: number
  /** Its subject. */
  readonly subject?: string
  /** What revokes it. There for `revoked`, with what is known of it. */
  readonly kind?: RevocationKind
  readonly line?: number
  readonly file?: string
  /** The name of the source that says so, if it is no file. */
  readonly source?: string
  readonly reason?: RevocationReason
  readonly revokedAt?: string
  /** The CRL that lists it. */
  readonly crl?: { readonly issuer: string, readonly number?: string }
}
