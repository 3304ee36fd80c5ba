/** What `parseEndpoint` gives: one shape for each type of endpoint, told apart by `type`. */

/** The TLS versions that an `sslmethod` can name. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** What an `sslmethod` says, before exclusions are applied. */
export interface SslMethod {
  /** The versions that the METHOD names allow, ascending; the default set where no METHOD is named. */
  versions: TlsVersion[]
  /** The options as OpenSSL names them, for example `SSL_OP_NO_TICKET`. */
  options: string[]
}

interface Described {
  /** The string that this was parsed from. */
  description: string
}

/** `tcp:`, a port of IPv4, or of the interface that is given. */
export interface TcpEndpoint extends Described {
  type: 'tcp'
  /** 0 to 65535; 0 means any free port. */
  port: number
  /** Address to bind; `''` means 0.0.0.0. */
  interface: string
  /** Length of the queue of connections that wait to be accepted. */
  backlog: number
  reusePort: boolean
}

/** `tcp6:`, a port of IPv6. */
export interface Tcp6Endpoint extends Described {
  type: 'tcp6'
  port: number
  backlog: number
  interface: string
  ipv6Only: boolean
}

/** `unix:`, a socket in the file system. */
export interface UnixEndpoint extends Described {
  type: 'unix'
  /** Path of the socket, or a name of the abstract namespace if it starts with NUL. */
  address: string
  /** Permission bits of the socket, for example 0o666. */
  mode: number
  backlog: number
  lockfile: boolean
}

interface Credentials {
  privateKey: string
  privateKeyPassphraseFile?: string
  certKey: string
  /** Where `privateKey` and `certKey` name several files: all but the first. */
  otherPairs?: ReadonlyArray<{ readonly privateKey: string, readonly certKey: string }>
  sslmethod: SslMethod
  extraCertChain?: string
  dhParameters?: string
}

/** `ssl:`, TLS without client certificates. */
export interface SslEndpoint extends Described, Credentials {
  type: 'ssl'
  port: number
  interface: string
  backlog: number
}

/** `tls:`, TLS with client certificates, if authorities are given, and their revocation. */
export interface TlsEndpoint extends Described, Credentials {
  type: 'tls'
  /** Exactly one of port and transport is there. */
  port?: number
  interface: string
  backlog: number
  authorities?: string
  /** Which certificates of `authorities` a path may end at. */
  anchors: 'self-signed' | 'any'
  revokedFile?: string
  /** `none` where there are no authorities. */
  verify: 'none' | 'required' | 'optional'
  revocationDepth: 'chain' | 'leaf'
  unknownStatus: 'allow' | 'deny'
  expiredCrl: 'use' | 'deny'
  sni?: string
  /** A cipher list in OpenSSL's format. */
  ciphers?: string
  /** Protocols in order of preference. */
  alpn: Array<'h2' | 'http/1.1'>
  /** Seconds from the connection to the end of the handshake. */
  handshakeTimeout: number
  transport?: SystemdEndpoint | FdEndpoint | UnixEndpoint | Tcp6Endpoint
}

/** `stdio:`, one connection on standard input and output. */
export interface StdioEndpoint extends Described {
  type: 'stdio'
}

/** `systemd:`, a socket that systemd has opened: see sd_listen_fds(3). */
export interface SystemdEndpoint extends Described {
  type: 'systemd'
  domain: 'INET' | 'INET6' | 'UNIX'
  /** Exactly one of index and name is there. */
  index?: number
  name?: string
}

/** `fd:`, a descriptor that listens already. */
export interface FdEndpoint extends Described {
  type: 'fd'
  fileno: number
}

/** `haproxy:`, another endpoint behind the header of the PROXY protocol. */
export interface HaproxyEndpoint extends Described {
  type: 'haproxy'
  /** Networks in CIDR notation that may speak PROXY; absent: loopback and private ranges. */
  proxyFrom?: string[]
  wrapped: TcpEndpoint | Tcp6Endpoint | UnixEndpoint | SslEndpoint | TlsEndpoint | SystemdEndpoint | FdEndpoint
}

/** What an endpoint string says, told apart by `type`. */
export type Endpoint = TcpEndpoint | Tcp6Endpoint | UnixEndpoint | SslEndpoint | TlsEndpoint
  | StdioEndpoint | SystemdEndpoint | FdEndpoint | HaproxyEndpoint
