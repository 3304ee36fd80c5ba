/**
 * Certificates by server name (SNI, RFC 6066 section 3): a folder with one PEM file per name, which holds the key and the
 * chain.
 *
 *     example.org.pem
 *     example.org.pem.rsa   beside example.org.pem.ecdsa, or example.org.pem: one for each kind of key
 *     *.example.org.pem     any single label
 *     DEFAULT.pem           for clients that send no name, or an unknown one
 *
 * All files are read and checked, and their contexts created (about 30 kB each), at the start and when they change. So a
 * handshake never waits for them.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { SecureContext } from 'node:tls'
import { mapConcurrently } from '../turns.js'
import { errors, located } from '../errors.js'
import { type FileSignature, isSystemError, sameSignature, systemReason } from '../files.js'
import type { ReadFile, Reader } from './file-reader.js'
import type { CheckWarning } from '../../types/command-line.js'
import { readChain } from '../x509/certificate-files.js'
import { type KeyPair, readPrivateKey, checkPair, checkKinds, type SentPair } from './key-pair.js'

/** The content of a file in the folder. */
interface PairFile extends SentPair {
  /** About PEM blocks that have no effect. */
  readonly warnings: readonly CheckWarning[]
  readonly signature: FileSignature
  /** See `ReadFile`. */
  readonly racy: boolean
}

/** The files of one name: a pair for each kind of key. */
interface NamedPairs {
  readonly files: readonly PairFile[]
  /** The context, which has all of the pairs. */
  readonly context: SecureContext
  /** Digest of the options that all contexts shared when this one was made. */
  readonly shared: string
}

export interface NamesFolder {
  /** By the name in lower case; `DEFAULT` for the default. */
  readonly pairs: ReadonlyMap<string, NamedPairs>
  /** Files that cannot be used; `pairs` has their last good content. */
  readonly problems: readonly Error[]
  /** The context of a certificate from a source, by the names that it is for. A file for one of them only serves until there is one. */
  readonly sourced?: ReadonlyMap<string, SecureContext>
}

interface NamesOptions {
  readonly reader: Reader
  /** @throws for a pair that OpenSSL rejects */
  readonly makeContext: (pairs: readonly PairFile[]) => SecureContext
  /** @throws for a context that allows no handshake */
  readonly tryPairs: (context: SecureContext, pairs: readonly PairFile[]) => Promise<void>
  /** Digest of the options that all contexts share. */
  readonly shared: string
}

export const DEFAULT = 'DEFAULT'

/** HAProxy uses the same endings for several files of one name. */
const FILE_NAME = /^(.*)\.pem(?:\.(?:rsa|ecdsa))?$/s
const FILE_NAMES = 'write example.org.pem, *.example.org.pem or DEFAULT.pem, with other letters than those of ASCII in the form xn--…'
const MOST_NAMES = 100_000
const FILE_LIMIT = 1024 * 1024
const FILES_AT_A_TIME = 8
/** Labels of letters, digits, hyphens and underscores. Clients send all other names as A-labels (RFC 5890). */
const HOST_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * Reads the folder; files that have not changed are not read again. Never rejects; the problems are
 * FST_ENDPOINT_SNI_INVALID, FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_KEY_MISMATCH, FST_ENDPOINT_CERTIFICATE_INVALID,
 * FST_ENDPOINT_FILE_*, and what `makeContext` throws.
 *
 * @param previous the last good content
 */
export async function readNamesFolder (folder: string, options: NamesOptions, previous?: NamesFolder): Promise<NamesFolder> {
  try {
    const files = filesOf(folder, await options.reader.list(folder))
    const results = await mapConcurrently([...files], FILES_AT_A_TIME, async ([name, files]) => {
      return { name, ...await readPairs(files, options, previous?.pairs.get(name)) }
    })
    const problems = results.flatMap(({ problem }) => problem ?? [])
    return { pairs: new Map(results.flatMap(({ name, pairs }) => pairs === undefined ? [] : [[name, pairs]])), problems }
  } catch (thrown) {
    const problem = isSystemError(thrown) ? invalid(folder, systemReason(thrown), thrown) : thrown as Error
    return { pairs: new Map([...previous?.pairs ?? []].map(([name, pairs]) => [name, upToDate(pairs, options)])), problems: [problem] }
  }
}

/** The context for a name as a client sends it; undefined if neither a file nor a source has a certificate for it. */
export function contextFor ({ pairs, sourced }: NamesFolder, servername: string): SecureContext | undefined {
  const name = servername.toLowerCase().replace(/\.$/, '')
  const wildcard = `*${name.slice(name.indexOf('.'))}`
  return sourced?.get(name) ?? pairs.get(name)?.context ?? sourced?.get(wildcard) ?? pairs.get(wildcard)?.context
}

/**
 * Whether any name has several kinds of keys, or another kind than the default. If so, the context of a name must be chosen
 * before the TLSSocket is made: see `readAskedName`.
 *
 * @param own the pairs of the default
 */
export function mixKinds ({ pairs }: NamesFolder, own: readonly KeyPair[]): boolean {
  const [kind, ...others] = kindsOf(own)
  return others.length > 0 || [...pairs.values()].some(({ files }) => kindsOf(files).some((other) => other !== kind))
}

function kindsOf (pairs: readonly KeyPair[]): Array<string | undefined> {
  return pairs.map(({ key }) => key.asymmetricKeyType)
}

/** Equal for two folders with the same certificates, and the same shared options. */
export function digestOfNames ({ pairs }: NamesFolder): string {
  const digest = createHash('sha256')
  for (const [name, { files, shared }] of [...pairs].sort(([a], [b]) => a < b ? -1 : 1)) {
    // Without the key, which the first certificate identifies.
    digest.update(`${name} ${shared} ${files.flatMap(({ chain }) => chain).map(({ fingerprint256 }) => fingerprint256).join(' ')}\n`)
  }
  return digest.digest('base64')
}

/** Warnings about certificates that work, but not for their name. */
export function warningsOf ({ pairs }: NamesFolder): CheckWarning[] {
  const warnings: CheckWarning[] = []
  const all = [...pairs].flatMap(([name, { files }]) => files.map((pair) => ({ name, ...pair })))
  for (const { name, file, chain: [leaf], warnings: own } of all) {
    warnings.push(...own)
    if (name === DEFAULT || leaf === undefined || leaf.checkHost(name.replace('*', 'any')) !== undefined) continue
    const message = `the certificate in sni "${file}" is not for ${name}: clients will reject it`
    warnings.push({ kind: 'unfit', message, argument: 'sni', file })
  }
  return warnings
}

/** Groups the files by host name. */
function filesOf (folder: string, entries: readonly string[]): Map<string, string[]> {
  const files = new Map<string, string[]>()
  for (const entry of entries) {
    // Hidden files are skipped, such as ..data in a mounted Secret of Kubernetes.
    const stem = entry.startsWith('.') ? undefined : FILE_NAME.exec(entry)?.[1]
    if (stem === undefined) continue
    const name = stem === DEFAULT ? DEFAULT : stem.toLowerCase()
    if (name !== DEFAULT && !HOST_NAME.test(name)) {
      throw invalid(folder, `${JSON.stringify(entry)} is not named after a host: ${FILE_NAMES}`)
    }
    const ofName = files.get(name) ?? []
    if (entry.endsWith('.pem') && ofName.some((file) => file.endsWith('.pem'))) throw invalid(folder, `two files are for one name, ${name}`)
    // Sorted, so that another order in the folder does not look like a change.
    files.set(name, [...ofName, join(folder, entry)].sort())
  }
  if (files.size === 0) throw invalid(folder, 'it holds no file <host name>.pem, so it has no effect')
  if (files.size > MOST_NAMES) throw invalid(folder, `it holds more than ${MOST_NAMES} names`)
  return files
}

/** If one file of a name is not good, the name keeps all of its previous pairs. */
async function readPairs (
  files: readonly string[],
  options: NamesOptions,
  previous: NamedPairs | undefined
): Promise<{ pairs?: NamedPairs, problem?: Error }> {
  const { tryPairs } = options
  let location = { argument: 'sni', file: files[0] as string }
  try {
    const pairs: PairFile[] = []
    for (const file of files) {
      location = { argument: 'sni', file }
      pairs.push(await readPair(file, options, previous?.files.find((pair) => pair.file === file)))
    }
    if (previous !== undefined && pairs.length === previous.files.length && pairs.every((pair) => previous.files.includes(pair))) {
      return { pairs: upToDate(previous, options) }
    }
    checkKinds(pairs, 'sni')
    const named = withContext(pairs, options)
    await tryPairs(named.context, pairs)
    return { pairs: named }
  } catch (thrown) {
    const problem = located(thrown as Error, { ...location, ...thrown as Partial<typeof location> })
    return { ...(previous !== undefined && { pairs: upToDate(previous, options) }), problem }
  }
}

/** Returns the previous value if the file has not changed. */
async function readPair (file: string, { reader }: NamesOptions, previous: PairFile | undefined): Promise<PairFile> {
  const seen = await reader.look(file)
  const isSame = previous !== undefined && !previous.racy && 'signature' in seen && sameSignature(previous.signature, seen.signature)
  if (isSame) return previous
  const location = { argument: 'sni', file }
  return await reader.parse(file, { what: `sni "${file}"`, limit: FILE_LIMIT, location }, (read) => pairOf(file, read))
}

function pairOf (file: string, { bytes, signature, racy }: ReadFile): PairFile {
  const location = { argument: 'sni', file }
  const { chain, warnings } = readChain(bytes, 'sni', file, true)
  const key = readPrivateKey(bytes, location)
  checkPair(chain, key, { ...location, keyName: 'the private key in the same file' })
  return { file, key, chain, warnings, signature, racy }
}

/** Previous pairs, with a context for the current options. */
function upToDate (pairs: NamedPairs, options: NamesOptions): NamedPairs {
  return pairs.shared === options.shared ? pairs : withContext(pairs.files, options)
}

function withContext (files: readonly PairFile[], { makeContext, shared }: NamesOptions): NamedPairs {
  return { files, shared, context: makeContext(files) }
}

function invalid (folder: string, problem: string, cause?: unknown): Error {
  return located(new errors.FST_ENDPOINT_SNI_INVALID(folder, problem), { argument: 'sni', file: folder }, cause)
}
