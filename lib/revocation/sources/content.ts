/**
 * Reads the content of a source: its bytes like a matched file, its keys like lines of a list.
 */
import { errors } from '../../errors.js'
import type { RevocationContent } from '../../../types/revocation-source.js'
import type { VerifiedCrl } from '../crl/series.js'
import type { Authorities } from '../../x509/authorities.js'
import { parseKeyLine } from '../list/list-file.js'
import type { ReaderThread } from '../thread/reader-thread.js'
import type { FileRevocations } from '../files/file-content.js'
import { visible } from '../../text/printable.js'
import { type Key, KeyTable, type KeyTableEdit } from '../set/key-table.js'
import { Slices } from '../../turns.js'

/**
 * A method of our own sources: the next `load` is for somebody who wants to know all, and not only what the source has
 * reported.
 */
export const ask = Symbol('ask')

/** The content of a source that keeps its keys in tables. They are not read again. */
export interface TabularContent extends Omit<RevocationContent, 'keys'> {
  readonly tables: readonly KeyTable[]
}

export function isTabular (content: RevocationContent | TabularContent): content is TabularContent {
  return 'tables' in content && Array.isArray(content.tables) && content.tables.every((table) => table instanceof KeyTable)
}

export interface SourceRevocations extends Omit<FileRevocations, 'tbs'> {
  /** Its keys and certificates. */
  readonly keys: readonly KeyTable[]
  readonly version: string | undefined
  /** The digest of the authorities that its CRLs were verified with; undefined if it holds none. */
  readonly authorities: string | undefined
}

export interface ContentOptions {
  readonly authorities: Authorities
  readonly reader: ReaderThread
  readonly limits: { readonly fileBytes: number, readonly entries: number }
  /** Which of its CRLs count (all). */
  readonly accepts?: ((crl: VerifiedCrl) => boolean) | undefined
}

const NOTHING: FileRevocations = { tbs: [], crls: [], problems: [], warnings: [] }

/**
 * Reads the content of a source. Wrong keys become problems, and then the previous keys stay too: breaking a key must not
 * admit a client. CRLs that do not count become problems as well.
 *
 * @param what what the source is called in messages
 * @param isSignedOnly whether anything but CRLs is an error
 * @throws as `readRevocationFile`; FST_ENDPOINT_SOURCE_TOO_LARGE, FST_ENDPOINT_SOURCE_INSECURE
 */
export async function readContent (
  content: RevocationContent | TabularContent, what: string, isSignedOnly: boolean,
  { authorities, reader, limits, accepts = () => true }: ContentOptions, before?: SourceRevocations
): Promise<SourceRevocations> {
  const { bytes, version, problems: reported = [] } = content
  const given = isTabular(content) ? content.tables : content.keys
  // An empty list of keys is a valid answer.
  if (bytes === undefined && given === undefined) {
    throw new errors.FST_ENDPOINT_SOURCE_FAILED(what, 'it returned neither bytes nor keys')
  }
  if (bytes !== undefined && bytes.length > limits.fileBytes) {
    throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'bytes', 'fileBytes', limits.fileBytes)
  }
  const count = isTabular(content) ? content.tables.reduce((sum, { size }) => sum + size, 0) : content.keys?.length ?? 0
  if (count > limits.entries) throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'keys', 'entries', limits.entries)
  const found = bytes === undefined ? NOTHING : await reader.read({ bytes, what, location: {}, authorities, limit: limits.entries })
  if (isSignedOnly && (found.tbs.length > 0 || count > 0)) throw new errors.FST_ENDPOINT_SOURCE_INSECURE(what)
  const [table = KeyTable.empty] = before?.keys ?? []
  const { keys, problems } = isTabular(content)
    ? { keys: content.tables, problems: [] as Error[] }
    : await readKeys(content.keys ?? [], found.tbs, what, table)
  const crls = found.crls.filter(accepts)
  const foreign = found.crls.find((crl) => !accepts(crl))
  if (keys.some(({ size }) => size > limits.entries)) {
    throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'keys', 'entries', limits.entries)
  }
  if (foreign !== undefined) problems.push(new errors.FST_ENDPOINT_SOURCE_FOREIGN(what, visible(foreign.crl.issuerText)))
  return {
    crls,
    warnings: found.warnings,
    keys,
    problems: [...found.problems, ...problems, ...reported],
    // Another CRL may make it count later.
    version: foreign === undefined ? version : undefined,
    authorities: found.crls.length + found.problems.length > 0 ? authorities.digest : undefined
  }
}

/** @param before the keys that stay if one is wrong, and with which the others share memory */
async function readKeys (
  lines: readonly string[], certificates: readonly string[], what: string, before: KeyTable
): Promise<{ keys: KeyTable[], problems: Error[] }> {
  const edit = KeyTable.empty.edit(lines.length + certificates.length)
  let wrong = 0
  await addAll(edit, function * () {
    for (const line of lines) {
      const parsed = typeof line === 'string' ? parseKeyLine(line) : undefined
      if (parsed === undefined) wrong++
      else yield parsed
    }
    for (const value of certificates) yield { kind: 'tbs', value }
  })
  // Each key once, so that they do not pile up while a problem lasts.
  if (wrong > 0) await addAll(edit, () => before.allKeys())
  const keys = await edit.finish().sharing(before)
  return { keys: [keys], problems: wrong === 0 ? [] : [new errors.FST_ENDPOINT_SOURCE_KEYS(what, wrong)] }
}

async function addAll (edit: KeyTableEdit, keys: () => Iterable<Key>): Promise<void> {
  const slices = new Slices()
  for (const key of keys()) {
    if (slices.over) await slices.next()
    edit.add(key)
  }
}
