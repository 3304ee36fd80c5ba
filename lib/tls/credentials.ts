/**
 * Reads and checks all files that a TLS endpoint names, and makes one immutable value of them.
 *
 * Node accepts much that fails only in a handshake: a file without a certificate, a key that does not match, authorities that
 * trust nobody. All of that is an error here.
 */
import { createHash, KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { errors, firstWithOthers, located, reasonOf } from '../errors.js'
import { type Reader, FileReader } from './file-reader.js'
import type { CheckWarning } from '../../types/command-line.js'
import type { TlsVersion } from '../../types/endpoint.js'
import type { Authorities } from '../x509/authorities.js'
import { type CredentialFiles, readCredentialFiles } from './credential-files.js'
import { checkPair, type KeyPair, type SentPair } from './key-pair.js'
import { HandshakeTrials } from './handshake-trials.js'
import { weakAuthorities, weakestOf } from './security-level.js'
import { DEFAULT, digestOfNames, mixKinds, type NamesFolder, readNamesFolder, warningsOf } from './server-names.js'
import { sourcedOf } from './sourced-credentials.js'
import { versionOptions } from './versions.js'
import type { SecuredEndpoint } from '../description/index.js'
import type { CredentialSource, SourcedCredentials } from '../../types/credential-source.js'

/** Seconds for which a session can be resumed. Each endpoint of each process has its own random ticket keys. */
const SESSION_TIMEOUT = 300

export interface Credentials {
  /** For clients that send no name of `names`. */
  readonly context: SecureContext
  /** Undefined without `sni`. */
  readonly names: NamesFolder | undefined
  /** See `mixKinds`. */
  readonly areKindsMixed: boolean
  /** The server's own certificates, with their argument and file. */
  readonly certificates: ReadonlyArray<{ readonly x509: X509Certificate, readonly argument: string, readonly file: string }>
  /** Empty if no client certificate is requested. */
  readonly authorities: Authorities
  /** Warnings about authorities that are left out. */
  readonly authorityWarnings: readonly CheckWarning[]
  /** Versions in force that RFC 8996 forbids. */
  readonly deprecated: readonly TlsVersion[]
  /**
   * The context of `certKey` (a file DEFAULT.pem of `sni` replaces it) or of a source, with the digest of what it was made of.
   * Without pairs while a source has no certificate yet.
   */
  readonly own: {
    readonly context: SecureContext
    readonly pairs: readonly SentPair[]
    readonly digest: string
    readonly warnings: readonly CheckWarning[]
  }
  /** Distinguishes the sessions of this endpoint from those of others. */
  readonly sessionIdContext: string
  /** Equal for credentials that were made from the same files. */
  readonly digest: string
}

/**
 * Reads and checks all files of a TLS endpoint, and makes its contexts.
 * @param reader records what was looked at
 * @param previous the last good credentials; files of `sni` that are no longer good keep their last good content
 * @param source gives key and certificate in place of files
 * @throws the first problem, with the others in its property `errors`; see `readCredentials`
 */
export async function loadCredentials (
  endpoint: SecuredEndpoint,
  reader = new FileReader().reader(),
  previous?: Credentials,
  source?: CredentialSource
): Promise<Credentials> {
  const { credentials, problems } = await readCredentials(endpoint, reader, previous, source)
  if (credentials !== undefined) return credentials
  throw firstWithOthers(problems)
}

/** The contents of the files, and the credentials if there are no problems. */
interface CredentialsResult {
  readonly files: CredentialFiles
  /** Undefined without `sni`. */
  readonly names: NamesFolder | undefined
  readonly credentials: Credentials | undefined
  readonly problems: readonly Error[]
}

/**
 * Does the same, but also returns what could be read if there are problems. Never rejects.
 *
 * The problems are those of `readCredentialFiles` and `readNamesFolder`, FST_ENDPOINT_CIPHERS_INVALID,
 * FST_ENDPOINT_TLS_INVALID and FST_ENDPOINT_HANDSHAKE_IMPOSSIBLE.
 */
export async function readCredentials (
  endpoint: SecuredEndpoint, reader: Reader, previous?: Credentials, source?: CredentialSource
): Promise<CredentialsResult> {
  const files = await readCredentialFiles(endpoint, reader)
  const problems = [...files.problems]
  const failed = { files, names: undefined, credentials: undefined, problems }
  // The credentials in force stay as a whole.
  if (previous !== undefined && problems.length > 0) return failed
  const { deprecated, ...versions } = versionOptions(endpoint.sslmethod, endpoint.type === 'tls' ? endpoint.ciphers : undefined)
  // Without it, OpenSSL does not resume sessions with a client certificate. All contexts share it, since a ticket from one of
  // them may be opened by another.
  const sessionIdContext = previous?.sessionIdContext ?? randomBytes(16).toString('hex')
  const common: SecureContextOptions = {
    // An empty list trusts nobody. Undefined, or an empty string, would trust the public roots.
    ca: files.authorities.all.map(({ x509 }) => x509.toString()),
    ...endpoint.type === 'tls' && endpoint.anchors === 'any' && { allowPartialTrustChain: true },
    sessionIdContext,
    sessionTimeout: SESSION_TIMEOUT,
    ...versions
  }
  if (files.dhParameters !== undefined) common.dhparam = files.dhParameters
  let pairs: readonly SentPair[]
  try {
    pairs = source === undefined ? ownPairsOf(files) : sourcedPairOf(source, endpoint, previous)
  } catch (thrown) {
    problems.push(thrown as Error)
    return failed
  }
  const ownArgument = argumentOfSource(endpoint)
  const contextOf = (pairs: readonly SentPair[], argument: string): SecureContext => {
    return makeContext({ ...common, ...pemOf(pairs) }, { endpoint, pairs, argument })
  }
  let names: NamesFolder | undefined
  try {
    const shared = digestOf(common.ca, common.dhparam)
    const trials = new HandshakeTrials(endpoint, files.authorities)
    // First, even if there are problems: a problem of all contexts is reported once.
    const own = await ownOf(digestOf(shared, pemOf(pairs)))
    if (endpoint.type === 'tls' && endpoint.sni !== undefined) {
      // If no handshake is possible at all, the trials of the names would only repeat that.
      const mayTry = problems.length === 0
      names = await readNamesFolder(endpoint.sni, {
        reader,
        shared,
        makeContext: (pairs) => contextOf(pairs, 'sni'),
        tryPairs: async (context, pairs) => { if (mayTry) await trials.demand(context, pairs, 'sni') }
      }, previous?.names)
      if (previous === undefined) problems.push(...names.problems)
    }
    const [sourced] = source === undefined ? [] : pairs
    if (names !== undefined && sourced !== undefined) names = { ...names, sourced: byNames(sourced, own.context) }
    if (problems.length > 0) return { ...failed, names }
    const digest = digestOf(own.digest, names === undefined ? '' : digestOfNames(names))
    // If the files have not changed, the contexts stay, and their session tickets remain valid.
    if (previous?.digest === digest) {
      return { files, names, credentials: { ...previous, names, authorityWarnings: files.warnings }, problems }
    }
    const fallback = names?.pairs.get(DEFAULT)
    const context = fallback?.context ?? own.context
    // A file DEFAULT.pem replaces those of certKey, but not the certificate of a source, which is for names of its own.
    const areKindsMixed = names !== undefined && mixKinds(names, source === undefined ? fallback?.files ?? pairs : pairs)
    const certificates = certificatesOf(ownArgument, pairs, names)
    const { authorities, warnings: authorityWarnings } = files
    const credentials = {
      context, names, areKindsMixed, certificates, authorities, authorityWarnings, deprecated, sessionIdContext, digest, own
    }
    return { files, names, credentials, problems }

    // A context that is already in force needs no trial.
    async function ownOf (digest: string): Promise<Credentials['own']> {
      if (previous?.own.digest === digest) return previous.own
      const context = contextOf(pairs, ownArgument)
      const [first] = pairs
      if (first === undefined) return { context, pairs, digest, warnings: [] }
      const { problem, warnings } = await trials.of(context, pairs, ownArgument)
      if (problem !== undefined) problems.push(problem)
      const options = { ...pemOf([first]), ...common.ciphers !== undefined && { ciphers: common.ciphers } }
      const weak = weakAuthorities(files.authorities, first.chain[0] as X509Certificate, options)
      return { context, pairs, digest, warnings: [...warnings, ...weak] }
    }
  } catch (thrown) {
    problems.push(thrown as Error)
    return { ...failed, names }
  }
}

/** Warnings about what works, but probably not as intended. */
export function warningsOfCredentials ({ names, own, authorityWarnings }: Credentials): CheckWarning[] {
  return [...authorityWarnings, ...own.warnings, ...names === undefined ? [] : warningsOf(names)]
}

/** Empty if there are problems. */
function ownPairsOf ({ pairs, extra, problems }: CredentialFiles): SentPair[] {
  if (problems.length > 0) return []
  return pairs.map(({ key, chain, certKey }) => ({ key: key as KeyObject, chain: [...chain, ...extra], file: certKey }))
}

/** The argument that gives the key and the certificate, for messages about the certificate. */
function argumentOfSource (endpoint: SecuredEndpoint): string {
  if (endpoint.type === 'ssl') return 'certKey'
  return endpoint.acme !== undefined ? 'acme' : endpoint.credentials !== undefined ? 'credentials' : 'certKey'
}

/** FST_ENDPOINT_CREDENTIALS_SOURCE: what a source of the app does wrong. */
export function sourceFault (endpoint: SecuredEndpoint, { name }: CredentialSource, problem: string, cause?: unknown): Error {
  const fault = new errors.FST_ENDPOINT_CREDENTIALS_SOURCE(endpoint.description, `the credential source ${name} ${problem}`)
  return located(fault, { argument: argumentOfSource(endpoint) }, cause)
}

/**
 * Empty while the source has none. A source that loses its certificate does not take it out of force.
 * @throws FST_ENDPOINT_CREDENTIALS_SOURCE, FST_ENDPOINT_KEY_MISMATCH, FST_ENDPOINT_CERTIFICATE_INVALID
 */
function sourcedPairOf (source: CredentialSource, endpoint: SecuredEndpoint, previous: Credentials | undefined): readonly SentPair[] {
  const argument = argumentOfSource(endpoint)
  const { name } = source
  const invalid = (problem: string, cause?: unknown): Error => sourceFault(endpoint, source, problem, cause)
  let current: Partial<SourcedCredentials> | undefined
  try {
    const given = source.current()
    // The properties of a foreign object may be accessors.
    if (given !== undefined) current = { key: given.key, chain: given.chain }
  } catch (thrown) {
    throw invalid(`has failed: ${reasonOf(thrown)}`, thrown)
  }
  if (current === undefined) return previous?.own.pairs ?? []
  const { key, chain } = current
  const isWhole = key instanceof KeyObject && key.type === 'private' && Array.isArray(chain) && chain.length > 0 &&
    chain.every((certificate) => certificate instanceof X509Certificate)
  if (!isWhole) throw invalid('must give a private KeyObject and a list of X509Certificate. Make them with parseCredentials')
  const location = { argument, file: name }
  checkPair(chain, key, { ...location, keyName: 'its private key' })
  return [{ key, chain, file: name }]
}

function byNames (pair: KeyPair, context: SecureContext): Map<string, SecureContext> {
  return new Map(sourcedOf(pair).names.map((name) => [name.toLowerCase(), context]))
}

function certificatesOf (argument: string, pairs: readonly SentPair[], names: NamesFolder | undefined): Credentials['certificates'] {
  const listed = (pairs: readonly SentPair[], argument: string): Credentials['certificates'] => {
    return pairs.flatMap(({ chain, file }) => chain.map((x509) => ({ x509, argument, file })))
  }
  return [...listed(pairs, argument), ...[...names?.pairs.values() ?? []].flatMap(({ files }) => listed(files, 'sni'))]
}

function pemOf (pairs: readonly KeyPair[]): { key: string[], cert: string[] } {
  return {
    key: pairs.map(({ key }) => key.export({ type: 'pkcs8', format: 'pem' }) as string),
    cert: pairs.map(({ chain }) => chain.map((x509) => x509.toString()).join(''))
  }
}

function digestOf (...parts: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

interface ContextOrigin {
  readonly endpoint: SecuredEndpoint
  readonly pairs: readonly SentPair[]
  readonly argument: string
}

function makeContext (options: SecureContextOptions, { endpoint, pairs, argument }: ContextOrigin): SecureContext {
  try {
    return createSecureContext(options)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_SSL_NO_CIPHER_MATCH' || code === 'ERR_TLS_INVALID_PROTOCOL_METHOD') {
      throw located(new errors.FST_ENDPOINT_CIPHERS_INVALID(options.ciphers ?? ''), { argument: 'ciphers' }, error)
    }
    for (const { key, chain, file } of pairs) {
      const weakest = weakestOf(chain, { ...options, ...pemOf([{ key, chain }]) }, code)
      if (weakest === undefined) continue
      const advice = 'Have it issued for a key of EC P-256 or RSA 2048, signed with SHA-256'
      const problem = `OpenSSL's security level rejects it, because ${weakest}. ${advice}`
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, problem), { argument, file }, error)
    }
    throw located(new errors.FST_ENDPOINT_TLS_INVALID(endpoint.description, reasonOf(error)), { endpoint: endpoint.description }, error)
  }
}
