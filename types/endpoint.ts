/** What `parseEndpoint` returns: one shape for each type of endpoint, discriminated by `type`. */

/** The TLS versions that `sslmethod` can name. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/** The argument `sslmethod`, before its exclusions (`OP_NO_TLSv1_3`) are applied. */
export interface SslMethod {
  /** The versions that the METHOD names allow, in ascending order; TLS 1.2 and 1.3 if no METHOD is named. */
  versions: TlsVersion[]
  /** The options by their OpenSSL names, for example `SSL_OP_NO_TICKET`. */
  options: string[]
}

interface Described {
  /** The string that was parsed. */
  description: string
}

interface OwnPort {
  /** Address to bind, as in `listen()`; `''` (the default) means 0.0.0.0. */
  interface: string
  /** Length of the queue of connections that wait to be accepted (50). */
  backlog: number
}

/** `tcp:`, a port of IPv4, or of the address that is given. */
export interface TcpEndpoint extends Described, OwnPort {
  /** Always `tcp`. */
  type: 'tcp'
  /** 0 to 65535; 0 means any free port. */
  port: number
  /** Whether several processes may listen on the port (false). Needs Node.js 22.12. */
  reusePort: boolean
}

/** `tcp6:`, a port of IPv6. */
export interface Tcp6Endpoint extends Described {
  /** Always `tcp6`. */
  type: 'tcp6'
  /** 0 to 65535; 0 means any free port. */
  port: number
  /** Length of the queue of connections that wait to be accepted (50). */
  backlog: number
  /** Address to bind (`::`). */
  interface: string
  /** Whether IPv4 clients cannot connect (false). */
  ipv6Only: boolean
}

/** `unix:`, a socket in the file system. */
export interface UnixEndpoint extends Described {
  /** Always `unix`. */
  type: 'unix'
  /** Path of the socket, or a name of the abstract namespace if it starts with NUL. */
  address: string
  /** Permission bits of the socket (0o666). */
  mode: number
  /** Length of the queue of connections that wait to be accepted (50). */
  backlog: number
  /** Whether a lock file beside the socket prevents other processes from using the path (true). */
  lockfile: boolean
}

interface KeyFiles {
  /** Path of the private key in PEM. */
  privateKey: string
  /** Path of the certificate and its chain in PEM, the server's own first. */
  certKey: string
}

interface Credentials {
  /** Path of a file that holds the passphrase of the key. */
  privateKeyPassphraseFile?: string
  /** The further pairs, if `privateKey` and `certKey` name several files. */
  otherPairs?: ReadonlyArray<{
    /** Path of the private key in PEM. */
    readonly privateKey: string
    /** Path of the certificate and its chain in PEM. */
    readonly certKey: string
  }>
  /** The TLS versions and OpenSSL options. */
  sslmethod: SslMethod
  /** Path of further certificates of the chain in PEM. */
  extraCertChain?: string
  /** Path of the parameters for DHE ciphers in PEM; absent: no DHE. */
  dhParameters?: string
}

/** The arguments of `tls:` that begin with `acme`: how the server gets its certificates (RFC 8555). */
export interface AcmeArguments {
  /** The host names of the certificate, in lower case. */
  names: [string, ...string[]]
  /** The URL of the directory (the one of Let's Encrypt for production). */
  directory: string
  /** E-mail addresses for the account; may be empty. */
  contact: string[]
  /** Path of the folder for the account, keys, certificates and open orders. */
  store: string
  /** Path of the authorities, in PEM, that the directory's own certificate is verified against; absent: those of Node.js. */
  ca?: string
  /** Path of the external account binding (RFC 8555 section 7.3.4). */
  eab?: string
  /** The profile of certificates to ask for; absent: the directory decides. */
  profile?: string
  /** How to prove control of the names; absent: whichever the app can serve. */
  challenge?: 'tls-alpn-01' | 'http-01'
  /** Seconds that `listen()` waits for the first certificate (0: it does not wait). */
  wait: number
}

/** `ssl:`, TLS without client certificates. */
export interface SslEndpoint extends Described, KeyFiles, Credentials, OwnPort {
  /** Always `ssl`. */
  type: 'ssl'
  /** 0 to 65535; 0 means any free port. */
  port: number
}

/** `tls:`, TLS with client certificates, if authorities are given, and with their revocation. */
export interface TlsEndpoint extends Described, Partial<KeyFiles>, Credentials, OwnPort {
  /** Always `tls`. */
  type: 'tls'
  /** How the server gets its certificates by ACME. Exactly one of `acme`, `credentials` and `privateKey` is present. */
  acme?: AcmeArguments
  /** The name of the app's credential source that provides the key and the certificate. */
  credentials?: string
  /** 0 to 65535; 0 means any free port. Exactly one of `port` and `transport` is present. */
  port?: number
  /** Path of the certificates, in PEM, that client certificates are verified against. */
  authorities?: string
  /** Which certificates of `authorities` are trust anchors: the self-signed ones (the default), or any. */
  anchors: 'self-signed' | 'any'
  /** Path of the revocation list. */
  revokedFile?: string
  /** Path of the allowed list: a file with one rule a line. Requires `authorities`. */
  allowedFile?: string
  /** Whether clients must send a certificate; `none` if there are no authorities. */
  verify: 'none' | 'required' | 'optional'
  /** Whether every certificate of the chain is looked up (the default), or only that of the client. */
  revocationDepth: 'chain' | 'leaf'
  /** Whether a certificate that no CRL covers is accepted (`allow`, the default), if CRLs are in use. */
  unknownStatus: 'allow' | 'deny'
  /** Whether an expired CRL still proves that a certificate is good (`use`, the default). */
  expiredCrl: 'use' | 'deny'
  /** Path of the folder with the certificates by server name. */
  sni?: string
  /** A cipher list in OpenSSL's format; absent: Node's default. */
  ciphers?: string
  /** The protocols of ALPN (RFC 7301) in order of preference (`http/1.1`). */
  alpn: Array<'h2' | 'http/1.1'>
  /** Seconds from the connection to the end of the handshake (10). */
  handshakeTimeout: number
  /** What TLS runs over, instead of a port of its own. */
  transport?: SystemdEndpoint | FdEndpoint | UnixEndpoint | Tcp6Endpoint
}

/** `stdio:`, one connection on standard input and output. */
export interface StdioEndpoint extends Described {
  /** Always `stdio`. */
  type: 'stdio'
}

/** `systemd:`, a socket that systemd has opened: see sd_listen_fds(3). */
export interface SystemdEndpoint extends Described {
  /** Always `systemd`. */
  type: 'systemd'
  /** The address family of the socket. */
  domain: 'INET' | 'INET6' | 'UNIX'
  /** The position of the socket among those handed over, from 0. Exactly one of `index` and `name` is present. */
  index?: number
  /** The `FileDescriptorName=` of the socket. */
  name?: string
}

/** `fd:`, a descriptor that already listens. */
export interface FdEndpoint extends Described {
  /** Always `fd`. */
  type: 'fd'
  /** The number of the descriptor, from 0. */
  fileno: number
}

/** `haproxy:`, another endpoint whose connections begin with a header of the PROXY protocol. */
export interface HaproxyEndpoint extends Described {
  /** Always `haproxy`. */
  type: 'haproxy'
  /** Networks in CIDR notation that may send PROXY headers; absent: loopback and the private ranges. */
  proxyFrom?: string[]
  /** The endpoint behind the header. */
  wrapped: TcpEndpoint | Tcp6Endpoint | UnixEndpoint | SslEndpoint | TlsEndpoint | SystemdEndpoint | FdEndpoint
}

/** What an endpoint string says, discriminated by `type`. */
export type Endpoint = TcpEndpoint | Tcp6Endpoint | UnixEndpoint | SslEndpoint | TlsEndpoint
  | StdioEndpoint | SystemdEndpoint | FdEndpoint | HaproxyEndpoint
