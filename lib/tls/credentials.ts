/**
 * The files that a TLS endpoint names, read and checked together, as one immutable value.
 *
 * Everything that Node would accept silently and regret in a handshake is refused here: no
 * certificate in the file, a key that does not fit, authorities that trust nobody.
 */
import { createHash, createPrivateKey, randomBytes, type KeyObject, type X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { errors, located, reasonOf } from '../errors.js'
import { readBoundedFile } from '../files.js'
import { readPemBlocks } from '../pem.js'
import { observe, type Observation } from '../watching/observation.js'
import type { SslEndpoint, TlsEndpoint, TlsVersion } from '../../types/endpoint.js'
import { readAuthorities, readCertificates, type Authority } from './authorities.js'
import { versionOptions } from './versions.js'

/** No key, chain or bundle of authorities that anybody uses comes near this. */
const FILE_LIMIT = 4 * 1024 * 1024

/** Seconds for which a session can be resumed. Each endpoint of each process has random ticket keys of its own. */
const SESSION_TIMEOUT = 300

export interface Credentials {
  readonly context: SecureContext
  /** The server's own certificates, its own first, with the files that they stand in. */
  readonly chain: ReadonlyArray<{ readonly x509: X509Certificate, readonly file: string }>
  /** Empty where no client certificate is asked for. */
  readonly authorities: readonly Authority[]
  /** Versions in force that RFC 8996 forbids. */
  readonly deprecated: readonly TlsVersion[]
  /** The same for two credentials that were made of the same files. */
  readonly digest: string
}

/**
 * Reads and checks all that a TLS endpoint names, and makes the context of it.
 * @param observed what is looked at is put in here, as it was just before it was read
 * @throws FST_ENDPOINT_FILE_*, FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_KEY_MISMATCH,
 *   FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR, FST_ENDPOINT_DH_INVALID,
 *   FST_ENDPOINT_CIPHERS_INVALID, FST_ENDPOINT_TLS_INVALID
 */
export async function loadCredentials (endpoint: SslEndpoint | TlsEndpoint, observed = new Map<string, Observation>()): Promise<Credentials> {
  const read = reading(observed)
  const key = await readPrivateKey(endpoint, read)
  const chain = await readChain(endpoint, key, read)
  const authorities = endpoint.type === 'tls' && endpoint.authorities !== undefined
    ? readAuthorities(await read('authorities', endpoint.authorities), endpoint.authorities)
    : []
  const { deprecated, ...versions } = versionOptions(endpoint.sslmethod, endpoint.type === 'tls' ? endpoint.ciphers : undefined)
  const options: SecureContextOptions = {
    key: key.export({ type: 'pkcs8', format: 'pem' }),
    cert: chain.map(({ x509 }) => x509.toString()).join(''),
    // Left out, or an empty string, it would mean the public roots; an empty list means nobody.
    ca: authorities.map(({ x509 }) => x509.toString()),
    // OpenSSL refuses to resume a session with a client certificate that belongs to no context.
    sessionIdContext: randomBytes(16).toString('hex'),
    sessionTimeout: SESSION_TIMEOUT,
    ...versions
  }
  if (endpoint.dhParameters !== undefined) options.dhparam = await readDhParameters(endpoint.dhParameters, read)
  return { context: makeContext(options, endpoint), chain, authorities, deprecated, digest: digestOf(options) }
}

/** Of what was read; the session id context is random. */
function digestOf ({ key, cert, ca, dhparam }: SecureContextOptions): string {
  return createHash('sha256').update(JSON.stringify([key, cert, ca, dhparam])).digest('base64')
}

type Read = (argument: string, file: string) => Promise<Buffer>

function reading (observed: Map<string, Observation>): Read {
  return async (argument, file) => {
    await observe(file, observed)
    const { bytes } = await readBoundedFile(file, { what: `${argument} "${file}"`, limit: FILE_LIMIT, location: { argument, file } })
    return bytes
  }
}

async function readPrivateKey (endpoint: SslEndpoint | TlsEndpoint, read: Read): Promise<KeyObject> {
  const { privateKey: file, privateKeyPassphraseFile: passphraseFile } = endpoint
  const location = { argument: 'privateKey', file }
  const blocks = readPemBlocks(await read('privateKey', file), `privateKey "${file}"`, location)
  const block = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) {
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(file, 'it holds no PEM block with a private key: give a file with -----BEGIN PRIVATE KEY-----'), location)
  }
  const encrypted = block.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type:.*ENCRYPTED/m.test(block.text)
  if (encrypted && passphraseFile === undefined) {
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(file, 'it is protected by a passphrase: name the file that holds it with privateKeyPassphraseFile='), location)
  }
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile, read)
  try {
    return createPrivateKey(passphrase === undefined ? block.text : { key: block.text, passphrase })
  } catch (error) {
    const reason = encrypted ? `it cannot be decrypted with the passphrase in "${passphraseFile}"` : 'the private key cannot be parsed'
    // OpenSSL's own words may echo nothing of the key, but they tell nobody anything either: only its code is kept.
    throw located(new errors.FST_ENDPOINT_KEY_INVALID(file, `${reason} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`), location)
  }
}

async function readPassphrase (file: string, read: Read): Promise<string> {
  const text = (await read('privateKeyPassphraseFile', file)).toString('utf8')
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '') {
    throw located(new errors.FST_ENDPOINT_FILE_EMPTY(`privateKeyPassphraseFile "${file}"`), { argument: 'privateKeyPassphraseFile', file })
  }
  return passphrase
}

async function readChain (endpoint: SslEndpoint | TlsEndpoint, key: KeyObject, read: Read): Promise<Array<{ x509: X509Certificate, file: string }>> {
  const { certKey: file, extraCertChain } = endpoint
  const certificates = readCertificates(await read('certKey', file), 'certKey', file)
  const leaf = certificates[0] as X509Certificate
  if (!leaf.checkPrivateKey(key)) {
    const elsewhere = certificates.some((certificate) => certificate.checkPrivateKey(key))
    const advice = elsewhere
      ? 'one further down in the file does: put the server certificate first, then its chain'
      : 'give the certificate that was issued for this key'
    throw located(new errors.FST_ENDPOINT_KEY_MISMATCH(file, endpoint.privateKey, advice), { argument: 'certKey', file })
  }
  const chain = certificates.map((x509) => ({ x509, file }))
  if (extraCertChain === undefined) return chain
  const extra = readCertificates(await read('extraCertChain', extraCertChain), 'extraCertChain', extraCertChain)
  return [...chain, ...extra.map((x509) => ({ x509, file: extraCertChain }))]
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
