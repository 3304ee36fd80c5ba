/**
 * The files that a TLS endpoint names, read and checked together, as one immutable value.
 *
 * Everything that Node would accept silently and regret in a handshake is refused here: no
 * certificate in the file, a key that does not fit, authorities that trust nobody.
 */
import { createHash, randomBytes, type X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { errors, located, reasonOf } from '../errors.js'
import { readBoundedFile } from '../files.js'
import { readPemBlocks } from '../pem.js'
import { readSigners } from '../revocation/crl/signers.js'
import { observe, type Observation } from '../watching/observation.js'
import type { SslEndpoint, TlsEndpoint, TlsVersion } from '../../types/endpoint.js'
import { readAuthorities, readCertificates, type Authority } from './authorities.js'
import { type KeyPair, readPrivateKey, refuseMismatch } from './key-pair.js'
import { DEFAULT, digestOfNames, type NamesFolder, readNamesFolder, warningsOf } from './server-names.js'
import { versionOptions } from './versions.js'

/** No key, chain or bundle of authorities that anybody uses comes near this. */
const FILE_LIMIT = 4 * 1024 * 1024

/** Seconds for which a session can be resumed. Each endpoint of each process has random ticket keys of its own. */
const SESSION_TIMEOUT = 300

export interface Credentials {
  /** For clients that send no name of `names`. */
  readonly context: SecureContext
  /** Undefined without `sni`. */
  readonly names: NamesFolder | undefined
  /** The server's own certificates, with the argument and the file that they stand in. */
  readonly certificates: ReadonlyArray<{ readonly x509: X509Certificate, readonly argument: string, readonly file: string }>
  /** Empty where no client certificate is asked for. */
  readonly authorities: readonly Authority[]
  /** Versions in force that RFC 8996 forbids. */
  readonly deprecated: readonly TlsVersion[]
  /** What the contexts are told apart from those of other endpoints by. */
  readonly sessionIdContext: string
  /** The same for two credentials that were made of the same files. */
  readonly digest: string
}

/**
 * Reads and checks all that a TLS endpoint names, and makes the contexts of it.
 * @param observed what is looked at is put in here, as it was just before it was read
 * @param previous what was good before; files of `sni` that are not good any more stay as they were
 * @throws FST_ENDPOINT_FILE_*, FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_KEY_MISMATCH,
 *   FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR, FST_ENDPOINT_DH_INVALID,
 *   FST_ENDPOINT_CIPHERS_INVALID, FST_ENDPOINT_TLS_INVALID, FST_ENDPOINT_SNI_INVALID
 */
export async function loadCredentials (endpoint: SslEndpoint | TlsEndpoint, observed = new Map<string, Observation>(), previous?: Credentials): Promise<Credentials> {
  const read = reading(observed)
  const own = await readOwnPair(endpoint, read)
  const authorities = endpoint.type === 'tls' && endpoint.authorities !== undefined
    ? readAuthorities(await read('authorities', endpoint.authorities), endpoint.authorities)
    : []
  if (endpoint.type === 'tls' && endpoint.revokedFile !== undefined && endpoint.authorities !== undefined) refuseUnfitSigners(authorities, endpoint.authorities)
  const { deprecated, ...versions } = versionOptions(endpoint.sslmethod, endpoint.type === 'tls' ? endpoint.ciphers : undefined)
  // OpenSSL refuses to resume a session with a client certificate that belongs to no context. One for all
  // contexts: the ticket that one of them has sealed is opened by another.
  const sessionIdContext = previous?.sessionIdContext ?? randomBytes(16).toString('hex')
  const common: SecureContextOptions = {
    // Left out, or an empty string, it would mean the public roots; an empty list means nobody.
    ca: authorities.map(({ x509 }) => x509.toString()),
    sessionIdContext,
    sessionTimeout: SESSION_TIMEOUT,
    ...versions
  }
  if (endpoint.dhParameters !== undefined) common.dhparam = await readDhParameters(endpoint.dhParameters, read)
  const shared = digestOf(common.ca, common.dhparam)
  const contextOf = (pair: KeyPair): SecureContext => makeContext({ ...common, ...pemOf(pair) }, endpoint)
  const names = endpoint.type === 'tls' && endpoint.sni !== undefined
    ? await readNamesFolder(endpoint.sni, { observed, shared, makeContext: contextOf }, previous?.names)
    : undefined
  const digest = digestOf(shared, pemOf(own), names === undefined ? '' : digestOfNames(names))
  // Of files that say the same the contexts from before are kept, with their session tickets.
  if (previous?.digest === digest) return { ...previous, names }
  return {
    context: names?.pairs.get(DEFAULT)?.context ?? contextOf(own),
    names,
    certificates: certificatesOf(own, endpoint.certKey, names),
    authorities,
    deprecated,
    sessionIdContext,
    digest
  }
}

/** What works, but not as it seems to be meant. */
export function warningsOfCredentials ({ names }: Credentials): string[] {
  return names === undefined ? [] : warningsOf(names)
}

/** What speaks against them as signers of CRLs is told of here, before anything is put in force. */
function refuseUnfitSigners (authorities: readonly Authority[], file: string): void {
  try {
    readSigners(authorities.map(({ x509 }) => x509))
  } catch (thrown) {
    const problem = `one of its certificates cannot be taken for a signer of CRLs, which revokedFile needs (${reasonOf(thrown)}): leave it out, or have it issued anew`
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID('authorities', file, problem), { argument: 'authorities', file }, thrown)
  }
}

function certificatesOf ({ chain }: KeyPair, file: string, names: NamesFolder | undefined): Credentials['certificates'] {
  return [
    ...chain.map((x509) => ({ x509, argument: 'certKey', file })),
    ...[...names?.pairs.values() ?? []].flatMap(({ file, chain }) => chain.map((x509) => ({ x509, argument: 'sni', file })))
  ]
}

function pemOf ({ key, chain }: KeyPair): { key: string, cert: string } {
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, cert: chain.map((x509) => x509.toString()).join('') }
}

function digestOf (...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

type Read = (argument: string, file: string) => Promise<Buffer>

function reading (observed: Map<string, Observation>): Read {
  return async (argument, file) => {
    await observe(file, observed)
    const { bytes } = await readBoundedFile(file, { what: `${argument} "${file}"`, limit: FILE_LIMIT, location: { argument, file } })
    return bytes
  }
}

async function readOwnPair (endpoint: SslEndpoint | TlsEndpoint, read: Read): Promise<KeyPair> {
  const { privateKey, privateKeyPassphraseFile: passphraseFile, certKey, extraCertChain } = endpoint
  const bytes = await read('privateKey', privateKey)
  const protection = passphraseFile === undefined ? {} : { passphraseFile, passphrase: await readPassphrase(passphraseFile, read) }
  const key = readPrivateKey(bytes, { argument: 'privateKey', file: privateKey, ...protection })
  const chain = readCertificates(await read('certKey', certKey), 'certKey', certKey)
  refuseMismatch(chain, key, { argument: 'certKey', file: certKey, keyName: `privateKey "${privateKey}"` })
  if (extraCertChain === undefined) return { key, chain }
  return { key, chain: [...chain, ...readCertificates(await read('extraCertChain', extraCertChain), 'extraCertChain', extraCertChain)] }
}

async function readPassphrase (file: string, read: Read): Promise<string> {
  const text = (await read('privateKeyPassphraseFile', file)).toString('utf8')
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '') {
    throw located(new errors.FST_ENDPOINT_FILE_EMPTY(`privateKeyPassphraseFile "${file}"`), { argument: 'privateKeyPassphraseFile', file })
  }
  return passphrase
}

async function readDhParameters (file: string, read: Read): Promise<string> {
  const location = { argument: 'dhParameters', file }
  const blocks = readPemBlocks(await read('dhParameters', file), `dhParameters "${file}"`, location)
  const block = blocks.find(({ label }) => label === 'DH PARAMETERS' || label === 'X9.42 DH PARAMETERS')
  if (block === undefined) {
    throw located(new errors.FST_ENDPOINT_DH_INVALID(file, 'it holds no block -----BEGIN DH PARAMETERS-----'), location)
  }
  try {
    createSecureContext({ dhparam: block.text })
  } catch (error) {
    throw located(new errors.FST_ENDPOINT_DH_INVALID(file, reasonOf(error)), location, error)
  }
  return block.text
}

function makeContext (options: SecureContextOptions, endpoint: SslEndpoint | TlsEndpoint): SecureContext {
  try {
    return createSecureContext(options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_SSL_NO_CIPHER_MATCH' || code === 'ERR_TLS_INVALID_PROTOCOL_METHOD') {
      throw located(new errors.FST_ENDPOINT_CIPHERS_INVALID(options.ciphers ?? ''), { argument: 'ciphers' }, error)
    }
    throw located(new errors.FST_ENDPOINT_TLS_INVALID(endpoint.description, reasonOf(error)), { endpoint: endpoint.description }, error)
  }
}
