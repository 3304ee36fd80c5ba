/** Who the client of a request is, by the names in its certificate. */
export interface ClientIdentity {
  /**
   * The commonName of the subject; undefined if there is none, or more than one. For old certificates: prefer a name of the
   * subjectAltName.
   */
  readonly commonName: string | undefined
  /** dNSName, in lower case. */
  readonly dns: readonly string[]
  /** uniformResourceIdentifier, byte for byte. */
  readonly uris: readonly string[]
  /** rfc822Name, the host in lower case. */
  readonly emails: readonly string[]
  /** iPAddress: `192.0.2.1`, or as RFC 5952 writes IPv6. */
  readonly ips: readonly string[]
  /** The SPIFFE ID, where the certificate is a valid X.509-SVID: exactly one URI name, and that a SPIFFE ID with a path; no CA. */
  readonly spiffeId: string | undefined
  /** The roles that the rules of `allowedFile` give, in force now. Empty where the endpoint names no such file. */
  readonly roles: readonly string[]
}
