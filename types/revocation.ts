/** What revokes a certificate, how much must be proved, and the bounds of a list. */

/**
 * The three keys under which a certificate can be revoked, as a line of the list has them behind its
 * word: `tbs:` + tbs revokes one certificate.
 */
export interface CertificateIdentity {
  /** `sha256//<base64>` of the TBSCertificate: this certificate, whoever signs it again with whatever signature. */
  readonly tbs: string
  /**
   * `<hex>@sha256//<base64>`: the serial number, in lower case, without leading zeros, with `-` if it
   * is negative, and the hash of the issuer's Name in DER.
   */
  readonly serial: string
  /** `sha256//<base64>` of the SubjectPublicKeyInfo: every certificate of that public key, as long as it is encoded in the same way. */
  readonly spki: string
}

/** What says that a certificate is revoked. */
export interface RevocationOrigin {
  /** The list, if there is one. */
  readonly list?: string
  /** The line of the list, from 1. */
  readonly line?: number
  /** The file that holds the certificate or the CRL, if the line names files. */
  readonly file?: string
  /** The name of the source that the line names, if it names one: a URL without credentials, say. */
  readonly source?: string
}

/** What an entry of the list names: a part of a certificate, or, in a CRL, its issuer and serial number. */
export type RevocationKind = keyof CertificateIdentity | 'crl'

/** The reasons of RFC 5280 section 5.3.1, as they are called there. */
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
  readonly kind: RevocationKind
  readonly source: RevocationOrigin
  /** Why, if a CRL says so. */
  readonly reason?: RevocationReason
  /** When it was revoked, if a CRL says so. */
  readonly revokedAt?: Date
}

/** What a set says of a certificate and its chain. */
export type RevocationStatus =
  | {
    readonly status: 'good'
    /** Until when the CRLs say so; only under `expiredCrl: 'deny'`, where it ends then. */
    readonly goodUntil?: Date
  }
  | RevocationMatch & {
    readonly status: 'revoked'
    /** Which certificate of the chain it is, from 0, the client's own. */
    readonly index: number
  }
  | {
    /** No CRL that counts under the policy says whether it is revoked. */
    readonly status: 'unknown'
    /** Which certificate of the chain it is, from 0, the client's own. */
    readonly index: number
    /** Whether there was such a CRL, and it has expired. */
    readonly isExpired: boolean
  }

/** How much must be proved: the arguments of the same names of a `tls:` endpoint. */
export interface RevocationPolicy {
  /** Whether every certificate of the chain counts (`chain`, the default) or the client's own only (`leaf`). */
  readonly revocationDepth?: 'chain' | 'leaf'
  /**
   * Where CRLs are in use, and none covers a certificate: whether it is taken for good (`allow`, the
   * default) or for unknown (`deny`). No effect where the list names no CRL.
   */
  readonly unknownStatus?: 'allow' | 'deny'
  /**
   * Whether a CRL proves that a certificate is good after its nextUpdate too (`use`, the default) or not
   * (`deny`): what only such CRLs cover is unknown then, whatever `unknownStatus` says. What they revoke
   * stays revoked either way. No effect where the list names no CRL.
   */
  readonly expiredCrl?: 'use' | 'deny'
}

/** Bounds on what a list may name. Each is an error of its own that says which limit it is. */
export interface RevocationLimits {
  /** Bytes of one file that a pattern names, and of what one source says (256 MiB). */
  fileBytes?: number
  /** Files that one pattern may match (200,000). */
  files?: number
  /** Certificates, and keys of them, in all (10,000,000). */
  entries?: number
  /** Bytes of the list itself (64 MiB). */
  listBytes?: number
}
