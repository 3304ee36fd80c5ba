/** The identity of the client of a request: the names in its certificate, and its roles. */
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
  /** The SPIFFE ID if the certificate is a valid X.509-SVID: not a CA, with exactly one URI name, which is a SPIFFE ID with a path. */
  readonly spiffeId: string | undefined
  /** The roles that the rules of `allowedFile` in force now give the client. Empty if the endpoint names no such file. */
  readonly roles: readonly string[]
}
