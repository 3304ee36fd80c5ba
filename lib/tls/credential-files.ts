/**
 * Reads the files of a TLS endpoint, except those of `sni`. Each is read and checked whatever is wrong with the others, so
 * that all problems are reported at once.
 */
import { createSecureContext } from 'node:tls'
import type { KeyObject, X509Certificate } from 'node:crypto'
import { errors, located, reasonOf } from '../errors.js'
import { PEM_FILE_LIMIT } from '../files.js'
import { readPemBlocks } from '../x509/pem.js'
import type { Reader } from './file-reader.js'
import type { CheckWarning } from '../../types/command-line.js'
import { Authorities } from '../x509/authorities.js'
import { type AuthoritiesFile, readAuthorities, readChain } from '../x509/certificate-files.js'
import { checkPartialChains } from './undocumented.js'
import { readPrivateKey, checkPair, checkKinds } from './key-pair.js'
import type { SecuredEndpoint } from '../description/index.js'

/** A key of the server and its certificates, if they could be read. */
export interface PairFiles {
  /** The file of the key. */
  readonly privateKey: string
  /** The file of the certificates. */
  readonly certKey: string
  readonly key: KeyObject | undefined
  /** The certificates of `certKey`, the server's own first. */
  readonly chain: readonly X509Certificate[]
}

/** The contents of the files, without those in `problems`. */
export interface CredentialFiles {
  /** In the order of the endpoint string; none if a source gives key and certificate. */
  readonly pairs: readonly PairFiles[]
  /** Those of `extraCertChain`. */
  readonly extra: readonly X509Certificate[]
  /** Empty if no client certificate is requested. */
  readonly authorities: Authorities
  /** About authorities that are left out, and blocks that have no effect. */
  readonly warnings: readonly CheckWarning[]
  /** PEM. */
  readonly dhParameters: string | undefined
  readonly problems: readonly Error[]
}

/**
 * Reads the files. Never rejects; the problems are FST_ENDPOINT_FILE_*, FST_ENDPOINT_KEY_INVALID,
 * FST_ENDPOINT_KEY_MISMATCH, FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR and FST_ENDPOINT_DH_INVALID.
 */
export async function readCredentialFiles (endpoint: SecuredEndpoint, reader: Reader): Promise<CredentialFiles> {
  const { extraCertChain, dhParameters } = endpoint
  const problems: Error[] = []
  const read = readWith(reader)
  const attempt = async <T> (what: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await what()
    } catch (thrown) {
      problems.push(thrown as Error)
      return undefined
    }
  }
  const warnings: CheckWarning[] = []
  const certificatesOf = async (argument: string, file: string): Promise<X509Certificate[]> => {
    const result = await attempt(async () => readChain(await read(argument, file), argument, file, argument === 'certKey'))
    warnings.push(...result?.warnings ?? [])
    return result?.chain ?? []
  }
  const pairs: PairFiles[] = []
  for (const { privateKey, certKey } of pairPathsOf(endpoint)) {
    const key = await attempt(() => readKey(privateKey, endpoint, read))
    const chain = await certificatesOf('certKey', certKey)
    if (key !== undefined && chain.length > 0) {
      await attempt(() => checkPair(chain, key, { argument: 'certKey', file: certKey, keyName: `privateKey "${privateKey}"` }))
    }
    pairs.push({ privateKey, certKey, key, chain })
  }
  await attempt(() => checkKinds(pairs.map(({ certKey, chain }) => ({ file: certKey, chain })), 'certKey'))
  const extra = extraCertChain === undefined ? [] : await certificatesOf('extraCertChain', extraCertChain)
  const { authorities, warnings: others } = await attempt(() => authoritiesOf(endpoint, read)) ?? NO_AUTHORITIES
  return {
    pairs,
    extra,
    authorities,
    warnings: [...warnings, ...others],
    dhParameters: dhParameters === undefined ? undefined : await attempt(() => readDhParameters(dhParameters, read)),
    problems
  }
}

/** The paths of each key and its certificate; none if a source gives them. */
export function pairPathsOf (
  { privateKey, certKey, otherPairs = [] }: SecuredEndpoint
): ReadonlyArray<{ privateKey: string, certKey: string }> {
  return privateKey === undefined || certKey === undefined ? [] : [{ privateKey, certKey }, ...otherPairs]
}

const NO_AUTHORITIES: AuthoritiesFile = { authorities: Authorities.none, warnings: [] }

type Read = (argument: string, file: string) => Promise<Buffer>

function readWith (reader: Reader): Read {
  return async (argument, file) => {
    const { bytes } = await reader.read(file, { what: `${argument} "${file}"`, limit: PEM_FILE_LIMIT, location: { argument, file } })
    return bytes
  }
}

async function readKey (privateKey: string, { privateKeyPassphraseFile: passphraseFile }: SecuredEndpoint, read: Read): Promise<KeyObject> {
  const bytes = await read('privateKey', privateKey)
  const protection = passphraseFile === undefined ? {} : { passphraseFile, passphrase: await readPassphrase(passphraseFile, read) }
  return readPrivateKey(bytes, { argument: 'privateKey', file: privateKey, ...protection })
}

async function readPassphrase (file: string, read: Read): Promise<string> {
  const text = (await read('privateKeyPassphraseFile', file)).toString('utf8')
  // Some Windows editors begin the file with a byte order mark.
  const passphrase = text.replace(/^\ufeff/, '').replace(/\r?\n$/, '')
  if (passphrase === '') {
    const argument = 'privateKeyPassphraseFile'
    throw located(new errors.FST_ENDPOINT_FILE_EMPTY(`${argument} "${file}"`, 'write the passphrase into it'), { argument, file })
  }
  return passphrase
}

async function authoritiesOf (endpoint: SecuredEndpoint, read: Read): Promise<AuthoritiesFile> {
  if (endpoint.type === 'ssl' || endpoint.authorities === undefined) return NO_AUTHORITIES
  const file = endpoint.authorities
  if (endpoint.anchors === 'any') checkPartialChains()
  return readAuthorities(await read('authorities', file), file, endpoint.anchors)
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
