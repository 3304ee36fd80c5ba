/** What revokes a certificate, the policies of an endpoint, and the limits of a list. */

/**
 * The three keys by which a list can revoke a certificate. A line of the list is the word, a colon and the key: `tbs:` +
 * `tbs` revokes this certificate.
 */
export interface CertificateIdentity {
  /** `sha256//<base64>` of the TBSCertificate (RFC 5280 section 4.1.2): this certificate, whatever its signature. */
  readonly tbs: string
  /**
   * `<hex>@sha256//<base64>`: the serial number in lower case without leading zeros, `-` before it if it is negative, and
   * the hash of the issuer's Name in DER.
   */
  readonly serial: string
  /** `sha256//<base64>` of the SubjectPublicKeyInfo: every certificate that encodes this public key in the same way. */
  readonly spki: string
}

/** Where a revocation is stated. */
export interface RevocationOrigin {
  /** The path of the list, if there is one. */
  readonly list?: string
  /** The line of the list, from 1. */
  readonly line?: number
  /** The file that holds the certificate or the CRL, if the line names files. */
  readonly file?: string
  /** The name of the source, if the line names one, for example a URL without credentials. */
  readonly source?: string
}

/** What an entry matches: a part of the certificate, or, in a CRL, its issuer and serial number. */
export type RevocationKind = keyof CertificateIdentity | 'crl'

/** The reasons of RFC 5280 section 5.3.1, by their names there. */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'unused'
  | 'removeFromCRL'
  | 'privilegeWithdrawn'
  | 'aACompromise'

/** What revokes a certificate. */
export interface RevocationMatch {
  /** What the entry matches. */
  readonly kind: RevocationKind
  /** Where it is stated; the first place, if there are several. */
  readonly source: RevocationOrigin
  /** Why, if a CRL says so. */
  readonly reason?: RevocationReason
  /** When it was revoked, if a CRL says so. */
  readonly revokedAt?: Date
}

/** What a set says about a certificate and its chain. */
export type RevocationStatus =
  | {
    /** Nothing revokes the chain. */
    readonly status: 'good'
    /** When the CRLs that say so expire. Present only under `expiredCrl: 'deny'`. */
    readonly goodUntil?: Date
  }
  | RevocationMatch & {
    /** A certificate of the chain is revoked. */
    readonly status: 'revoked'
    /** Its position in the chain, from 0, the client's own. */
    readonly index: number
  }
  | {
    /** No CRL that counts under the policy covers a certificate of the chain. */
    readonly status: 'unknown'
    /** Its position in the chain, from 0, the client's own. */
    readonly index: number
    /** Whether there is such a CRL, and it has expired. */
    readonly isExpired: boolean
  }

/** How much must be proved. The members are the arguments of the same names of a `tls:` endpoint. */
export interface RevocationPolicy {
  /** Whether every certificate of the chain counts (`chain`, the default), or only the client's own (`leaf`). */
  readonly revocationDepth?: 'chain' | 'leaf'
  /**
   * What a certificate is that no CRL covers, if CRLs are in use: good (`allow`, the default) or unknown (`deny`). It has
   * no effect if the list names no CRL.
   */
  readonly unknownStatus?: 'allow' | 'deny'
  /**
   * Whether a CRL still proves after its nextUpdate that a certificate is good (`use`, the default) or not (`deny`). Under
   * `deny`, a certificate that only expired CRLs cover is unknown, whatever `unknownStatus` says. What an expired CRL
   * revokes stays revoked under both. It has no effect if the list names no CRL.
   */
  readonly expiredCrl?: 'use' | 'deny'
}

/** Limits on what a list may name. Each has an error of its own that names the limit. */
export interface RevocationLimits {
  /** Bytes of one file that a pattern names, and of the content of one source (256 MiB). */
  fileBytes?: number
  /** Files that one pattern may match (200,000). */
  files?: number
  /** Revoked certificates and keys, in total (10,000,000). */
  entries?: number
  /** Bytes of the list itself (64 MiB). */
  listBytes?: number
}
