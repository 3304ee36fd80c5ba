/** What a PROXY header says: `request.proxyProtocol`. The format is HAProxy's doc/proxy-protocol.txt. */

/** One end of a connection, as the proxy saw it. */
export type ProxyAddress = ProxyIpAddress | ProxyUnixAddress

/** An IP address and a port. */
export interface ProxyIpAddress {
  /** The version of IP. */
  readonly family: 'IPv4' | 'IPv6'
  /** The address, in the form that Node.js uses. */
  readonly address: string
  /** 0 to 65535. */
  readonly port: number
}

/** The path of a unix socket. */
export interface ProxyUnixAddress {
  /** Always `unix`. */
  readonly family: 'unix'
  /** Path of the socket, or a name of the abstract namespace if it starts with NUL; `''` if it has none. */
  readonly path: string
}

/**
 * What the proxy says about TLS between the client and itself (PP2_TYPE_SSL). It is as true as the proxy is. Its texts
 * come from the client's certificate.
 */
export interface ProxySsl {
  /** Whether the client speaks TLS to the proxy. */
  readonly secure: boolean
  /** Whether the client sent a certificate on this connection. */
  readonly certificateOnConnection: boolean
  /** Whether the client sent a certificate at least once in the TLS session of this connection. */
  readonly certificateInSession: boolean
  /** The proxy's verification result: 0 if nothing was wrong. Some proxies also send 0 if there was no certificate. */
  readonly verify: number
  /** Whether the client sent a certificate and the proxy accepted it. */
  readonly verified: boolean
  /** The TLS version, for example `TLSv1.3`. */
  readonly version?: string
  /** The common name in the subject of the client's certificate. */
  readonly commonName?: string
  /** The cipher, for example `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher?: string
  /** How the proxy's own certificate is signed, for example `RSA-SHA256`. */
  readonly signatureAlgorithm?: string
  /** The key of the proxy's own certificate, for example `RSA2048`. */
  readonly keyAlgorithm?: string
  /** The group of the key exchange, for example `X25519`. */
  readonly group?: string
  /** How the proxy signed its handshake, for example `rsa_pss_rsae_sha256`. */
  readonly signatureScheme?: string
  /**
   * The client's certificate in DER, as the proxy sent it. This package does not verify it and looks up no revocation:
   * `verified` is only what the proxy says.
   */
  readonly clientCertificate?: Buffer
}

/**
 * A PROXY header. The client may have chosen the authority, the ALPN protocol and the names in `ssl`: escape them before
 * you show them. A text that is not UTF-8 is left out.
 */
export interface ProxyProtocol {
  /** The version of the header. */
  readonly version: 1 | 2
  /** `LOCAL`: the proxy connected on its own behalf, for a health check. */
  readonly command: 'LOCAL' | 'PROXY'
  /** How the client is connected to the proxy; absent if the proxy does not say. */
  readonly transport?: 'stream' | 'datagram'
  /** The client; absent if the proxy does not say (LOCAL, UNKNOWN, UNSPEC). */
  readonly source?: ProxyAddress
  /** Where the client connected to. Present if and only if `source` is. */
  readonly destination?: ProxyAddress
  /** The protocol that client and proxy negotiated, for example `h2`. */
  readonly alpn?: string
  /** The host name that the client asked for; over TLS its server name. */
  readonly authority?: string
  /** At most 128 bytes that identify the connection across proxies. */
  readonly uniqueId?: Buffer
  /** TLS between the client and the proxy. */
  readonly ssl?: ProxySsl
  /** The name of the network namespace. */
  readonly networkNamespace?: string
}
