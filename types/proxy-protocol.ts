/** What a PROXY header tells: `request.proxyProtocol`. */

/** One end of a connection, as the proxy saw it. */
export type ProxyAddress = ProxyIpAddress | ProxyUnixAddress

/** An address of IP, and a port. */
export interface ProxyIpAddress {
  readonly family: 'IPv4' | 'IPv6'
  /** In the form that Node itself gives addresses. */
  readonly address: string
  readonly port: number
}

/** The path of a unix socket. */
export interface ProxyUnixAddress {
  readonly family: 'unix'
  /** Path of the socket, or a name of the abstract namespace if it starts with NUL; `''` where it has none. */
  readonly path: string
}

/**
 * What the proxy says of TLS between the client and itself. It is as true as the proxy is, and the texts
 * were chosen by whoever made the client's certificate.
 */
export interface ProxySsl {
  /** Whether the client speaks TLS to the proxy. */
  readonly secure: boolean
  /** Whether the client presented a certificate on this connection. */
  readonly certificateOnConnection: boolean
  /** Whether the client presented a certificate at least once in the TLS session of this connection. */
  readonly certificateInSession: boolean
  /** The proxy's own number: 0 where nothing was wrong, which some proxies also say where there was no certificate. */
  readonly verify: number
  /** Whether the client presented a certificate and the proxy found it good. */
  readonly verified: boolean
  /** For example `TLSv1.3`. */
  readonly version?: string
  /** The common name in the subject of the client's certificate. */
  readonly commonName?: string
  readonly cipher?: string
  /** How the certificate that the proxy presented was signed, for example `RSA-SHA256`. */
  readonly signatureAlgorithm?: string
  /** The key of the certificate that the proxy presented, for example `RSA2048`. */
  readonly keyAlgorithm?: string
  /** The group of the key exchange, for example `X25519`. */
  readonly group?: string
  /** How the proxy signed its handshake, for example `rsa_pss_rsae_sha256`. */
  readonly signatureScheme?: string
  /**
   * The client's certificate in DER, as the proxy sends it: nobody has looked at it here, and no revocation. Whether it is
   * good, `verified` says, by the proxy's word.
   */
  readonly clientCertificate?: Buffer
}

/**
 * A PROXY header. All that the client could choose (authority, alpn, names in `ssl`) is outside input:
 * escape it before you show it. A text that is not UTF-8 is left out.
 */
export interface ProxyProtocol {
  readonly version: 1 | 2
  /** `LOCAL`: the proxy connected on its own behalf, for a health check. */
  readonly command: 'LOCAL' | 'PROXY'
  /** How the client is connected to the proxy; absent where the proxy does not say. */
  readonly transport?: 'stream' | 'datagram'
  /** The client; absent where the proxy does not say (LOCAL, UNKNOWN, UNSPEC). */
  readonly source?: ProxyAddress
  /** Where the client connected to; there if and only if `source` is. */
  readonly destination?: ProxyAddress
  /** The protocol that client and proxy negotiated, for example `h2`. */
  readonly alpn?: string
  /** The name of the host that the client asked for, over TLS its server name. */
  readonly authority?: string
  /** At most 128 bytes that identify the connection across proxies. */
  readonly uniqueId?: Buffer
  readonly ssl?: ProxySsl
  /** The name of the network namespace. */
  readonly networkNamespace?: string
}
