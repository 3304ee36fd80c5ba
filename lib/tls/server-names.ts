/**
 * Certificates by server name (SNI, RFC 6066 section 3): a folder with a PEM file for each name, which holds
 * the key and the chain.
 *
 *     example.org.pem
 *     example.org.pem.rsa   beside example.org.pem.ecdsa, or example.org.pem: one for each kind of key
 *     *.example.org.pem     any one label
 *     DEFAULT.pem           for clients that send no name, or another one
 *
 * All files are read and checked, and their contexts made (some 30 kB each), when the endpoint starts and
 * when they change: a handshake waits neither for the disk nor for that.
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
import { type KeyPair, readPrivateKey, refuseMismatch, refuseSameKinds, type SentPair } from './key-pair.js'

/** What a file of the folder holds. */
interface PairFile extends SentPair {
  /** Of blocks that nobody reads. */
  readonly warnings: readonly CheckWarning[]
  readonly signature: FileSignature
  /** See `ReadFile`. */
  readonly racy: boolean
}

/** What the files of one name hold: a pair for each kind of key. */
interface NamedPairs {
  readonly files: readonly PairFile[]
  /** Of all of them. */
  readonly context: SecureContext
  /** What the contexts of all names have in common, when this one was made. */
  readonly shared: string
}

export interface NamesFolder {
  /** By the name in lower case; `DEFAULT` for the default. */
  readonly pairs: ReadonlyMap<string, NamedPairs>
  /** What could not be taken; the last good state of it is among the pairs. */
  readonly problems: readonly Error[]
}

interface NamesOptions {
  readonly reader: Reader
  /** @throws for a pair that OpenSSL does not take */
  readonly makeContext: (pairs: readonly PairFile[]) => SecureContext
  /** @throws for a context with which no handshake can be made */
  readonly tryPairs: (context: SecureContext, pairs: readonly PairFile[]) => Promise<void>
  /** The same for two readings exactly if the contexts that they make of pairs are the same. */
  readonly shared: string
}

export const DEFAULT = 'DEFAULT'

/** The endings of several files of one name are HAProxy's. */
const FILE_NAME = /^(.*)\.pem(?:\.(?:rsa|ecdsa))?$/s
const MOST_NAMES = 100_000
const FILE_LIMIT = 1024 * 1024
const FILES_AT_A_TIME = 8
/** Labels of letters, digits, hyphens and underscores; names that are written otherwise are sent as A-labels (RFC 5890). */
const HOST_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * Reads the folder; files that have not changed are not read again. Never rejects; the problems are
 * FST_ENDPOINT_SNI_INVALID, FST_ENDPOINT_KEY_INVALID, FST_ENDPOINT_KEY_MISMATCH, FST_ENDPOINT_CERTIFICATE_INVALID,
 * FST_ENDPOINT_FILE_*, and what `makeContext` throws.
 *
 * @param previous what was good before
 */
export async function readNamesFolder (folder: string, reading: NamesOptions, previous?: NamesFolder): Promise<NamesFolder> {
  try {
    const files = filesOf(folder, await reading.reader.list(folder))
    const outcomes = await mapConcurrently([...files], FILES_AT_A_TIME, async ([name, files]) => ({ name, ...await readPairs(files, reading, previous?.pairs.get(name)) }))
    const problems = outcomes.flatMap(({ problem }) => problem ?? [])
    return { pairs: new Map(outcomes.flatMap(({ name, pairs }) => pairs === undefined ? [] : [[name, pairs]])), problems }
  } catch (thrown) {
    const problem = isSystemError(thrown) ? invalid(folder, systemReason(thrown), thrown) : thrown as Error
    return { pairs: new Map([...previous?.pairs ?? []].map(([name, pairs]) => [name, upToDate(pairs, reading)])), problems: [problem] }
  }
}

/** The context for a name as a client sends it; undefined for one that there is no file for. */
export function contextFor ({ pairs }: NamesFolder, servername: string): SecureContext | undefined {
  const name = servername.toLowerCase().replace(/\.$/, '')
  return (pairs.get(name) ?? pairs.get(`*${name.slice(name.indexOf('.'))}`))?.context
}

/**
 * Whether a name has other kinds of keys than the default has, or several. Then the context of a name must be chosen
 * before the TLSSocket is made: see `readAskedName`.
 *
 * @param own what the default sends
 */
export function mixKinds ({ pairs }: NamesFolder, own: readonly KeyPair[]): boolean {
  const [kind, ...others] = kindsOf(own)
  return others.length > 0 || [...pairs.values()].some(({ files }) => kindsOf(files).some((other) => other !== kind))
}

function kindsOf (pairs: readonly KeyPair[]): Array<string | undefined> {
  return pairs.map(({ key }) => key.asymmetricKeyType)
}

/** The same for two folders exactly if they hold the same certificates, in contexts that were made of the same. */
export function digestOfNames ({ pairs }: NamesFolder): string {
  const digest = createHash('sha256')
  for (const [name, { files, shared }] of [...pairs].sort(([a], [b]) => a < b ? -1 : 1)) {
    // Of the key nothing: the first certificate says which one it is.
    digest.update(`${name} ${shared} ${files.flatMap(({ chain }) => chain).map(({ fingerprint256 }) => fingerprint256).join(' ')}\n`)
  }
  return digest.digest('base64')
}

/** What can be wrong with a certificate for a name, though it works. */
export function warningsOf ({ pairs }: NamesFolder): CheckWarning[] {
  const warnings: CheckWarning[] = []
  const all = [...pairs].flatMap(([name, { files }]) => files.map((pair) => ({ name, ...pair })))
  for (const { name, file, chain: [leaf], warnings: own } of all) {
    warnings.push(...own)
    if (name === DEFAULT || leaf === undefined || leaf.checkHost(name.replace('*', 'any')) !== undefined) continue
    warnings.push({ kind: 'unfit', message: `the certificate in sni "${file}" is not for ${name}: clients will refuse it`, argument: 'sni', file })
  }
  return warnings
}

/** The files by the names that they are for. */
function filesOf (folder: string, entries: readonly string[]): Map<string, string[]> {
  const files = new Map<string, string[]>()
  for (const entry of entries) {
    // Also what a mounted Secret of Kubernetes has beside its files.
    const stem = entry.startsWith('.') ? undefined : FILE_NAME.exec(entry)?.[1]
    if (stem === undefined) continue
    const name = stem === DEFAULT ? DEFAULT : stem.toLowerCase()
    if (name !== DEFAULT && !HOST_NAME.test(name)) {
      throw invalid(folder, `${JSON.stringify(entry)} is not named after a host: write example.org.pem, *.example.org.pem or DEFAULT.pem, other letters than those of ASCII as they are sent (xn--…)`)
    }
    const ofName = files.get(name) ?? []
    if (entry.endsWith('.pem') && ofName.some((file) => file.endsWith('.pem'))) throw invalid(folder, `two files are for the name ${name}`)
    // In the order of their names, so that nothing seems to have changed where a folder gives another one.
    files.set(name, [...ofName, join(folder, entry)].sort())
  }
  if (files.size === 0) throw invalid(folder, 'it holds no file <host name>.pem, so it would do nothing')
  if (files.size > MOST_NAMES) throw invalid(folder, `it holds more than ${MOST_NAMES} names`)
  return files
}

/** A name keeps all of its pairs from before where one of its files is not good. */
async function readPairs (files: readonly string[], reading: NamesOptions, before: NamedPairs | undefined): Promise<{ pairs?: NamedPairs, problem?: Error }> {
  const { tryPairs } = reading
  let location = { argument: 'sni', file: files[0] as string }
  try {
    const pairs: PairFile[] = []
    for (const file of files) {
      location = { argument: 'sni', file }
      pairs.push(await readPair(file, reading, before?.files.find((pair) => pair.file === file)))
    }
    if (before !== undefined && pairs.length === before.files.length && pairs.every((pair) => before.files.includes(pair))) {
      return { pairs: upToDate(before, reading) }
    }
    refuseSameKinds(pairs, 'sni')
    const made = withContext(pairs, reading)
    await tryPairs(made.context, pairs)
    return { pairs: made }
  } catch (thrown) {
    return { ...(before !== undefined && { pairs: upToDate(before, reading) }), problem: located(thrown as Error, { ...location, ...thrown as Partial<typeof location> }) }
  }
}

/** The same value as before where the file has not changed. */
async function readPair (file: string, { reader }: NamesOptions, before: PairFile | undefined): Promise<PairFile> {
  const seen = await reader.look(file)
  if (before !== undefined && !before.racy && 'signature' in seen && sameSignature(before.signature, seen.signature)) return before
  const location = { argument: 'sni', file }
  return await reader.parse(file, { what: `sni "${file}"`, limit: FILE_LIMIT, location }, (read) => pairOf(file, read))
}

function pairOf (file: string, { bytes, signature, racy }: ReadFile): PairFile {
  const location = { argument: 'sni', file }
  const { chain, warnings } = readChain(bytes, 'sni', file, true)
  const key = readPrivateKey(bytes, location)
  refuseMismatch(chain, key, { ...location, keyName: 'the private key in the same file' })
  return { file, key, chain, warnings, signature, racy }
}

/** The pairs from before, under the authorities of now. */
function upToDate (pairs: NamedPairs, reading: NamesOptions): NamedPairs {
  return pairs.shared === reading.shared ? pairs : withContext(pairs.files, reading)
}

function withContext (files: readonly PairFile[], { makeContext, shared }: NamesOptions): NamedPairs {
  return { files, shared, context: makeContext(files) }
}

function invalid (folder: string, problem: string, cause?: unknown): Error {
  return located(new errors.FST_ENDPOINT_SNI_INVALID(folder, problem), { argument: 'sni', file: folder }, cause)
}
