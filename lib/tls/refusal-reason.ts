/** The reasons of refusals, and the alert of each. */

/** Named as the alerts of RFC 8446 section 6.2. */
export type RefusalReason = keyof typeof ALERT_DESCRIPTIONS

/** AlertDescription of RFC 8446 section 6.2. */
export const ALERT_DESCRIPTIONS = {
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  unknown_ca: 48,
  access_denied: 49,
  internal_error: 80,
  certificate_required: 116
} as const

/**
 * Maps OpenSSL's verify results (man page X509_STORE_CTX_get_error), by Node's names. Results without a name in Node, for
 * example a violated name constraint, become certificate_unknown, as in OpenSSL.
 */
export function reasonOfVerifyError (code: string): RefusalReason {
  return REASONS.get(code) ?? 'certificate_unknown'
}

const REASONS: ReadonlyMap<string, RefusalReason> = new Map([
  ['CERT_HAS_EXPIRED', 'certificate_expired'],
  ['CERT_NOT_YET_VALID', 'certificate_expired'],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', 'bad_certificate'],
  ['ERROR_IN_CERT_NOT_BEFORE_FIELD', 'bad_certificate'],
  ['CERT_SIGNATURE_FAILURE', 'bad_certificate'],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'bad_certificate'],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'bad_certificate'],
  ['CERT_REJECTED', 'bad_certificate'],
  ['CERT_UNTRUSTED', 'bad_certificate'],
  ['INVALID_PURPOSE', 'unsupported_certificate'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown_ca'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_ca'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_ca'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown_ca'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unknown_ca'],
  ['CERT_CHAIN_TOO_LONG', 'unknown_ca'],
  ['PATH_LENGTH_EXCEEDED', 'unknown_ca'],
  ['INVALID_CA', 'unknown_ca']
])
