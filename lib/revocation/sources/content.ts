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
import { Slices } from '../../turns.js'

interface SourceKey {
  readonly kind: 'tbs' | 'serial' | 'spki'
  readonly value: string
}

export interface SourceRevocations extends FileRevocations {
  readonly keys: readonly SourceKey[]
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
  content: RevocationContent, what: string, isSignedOnly: boolean,
  { authorities, reader, limits, accepts = () => true }: ContentOptions, before?: SourceRevocations
): Promise<SourceRevocations> {
  const { bytes, keys = [], version, problems: reported = [] } = content
  // An empty list of keys is a valid answer.
  if (bytes === undefined && content.keys === undefined) {
    throw new errors.FST_ENDPOINT_SOURCE_FAILED(what, 'it returned neither bytes nor keys')
  }
  if (bytes !== undefined && bytes.length > limits.fileBytes) {
    throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'bytes', 'fileBytes', limits.fileBytes)
  }
  if (keys.length > limits.entries) throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'keys', 'entries', limits.entries)
  const found = bytes === undefined ? NOTHING : await reader.read({ bytes, what, location: {}, authorities, limit: limits.entries })
  if (isSignedOnly && (found.tbs.length > 0 || keys.length > 0)) throw new errors.FST_ENDPOINT_SOURCE_INSECURE(what)
  const { read, problems } = await readKeys(keys, what)
  const crls = found.crls.filter(accepts)
  const foreign = found.crls.find((crl) => !accepts(crl))
  const kept = problems.length === 0 ? read : joined(read, before?.keys ?? [])
  if (kept.length > limits.entries) throw new errors.FST_ENDPOINT_SOURCE_TOO_LARGE(what, 'keys', 'entries', limits.entries)
  if (foreign !== undefined) problems.push(new errors.FST_ENDPOINT_SOURCE_FOREIGN(what, visible(foreign.crl.issuerText)))
  return {
    ...found,
    crls,
    keys: kept,
    problems: [...found.problems, ...problems, ...reported],
    // Another CRL may make it count later.
    version: foreign === undefined ? version : undefined,
    authorities: found.crls.length + found.problems.length > 0 ? authorities.digest : undefined
  }
}

/** Each key once, so that they do not pile up while a problem lasts. */
function joined (read: readonly SourceKey[], before: readonly SourceKey[]): SourceKey[] {
  return [...new Map([...before, ...read].map((key) => [`${key.kind}:${key.value}`, key])).values()]
}

async function readKeys (keys: readonly string[], what: string): Promise<{ read: SourceKey[], problems: Error[] }> {
  const read: SourceKey[] = []
  let wrong = 0
  const slices = new Slices()
  for (const key of keys) {
    if (slices.over) await slices.next()
    const parsed = typeof key === 'string' ? parseKeyLine(key) : undefined
    if (parsed === undefined) wrong++
    else read.push(parsed)
  }
  return { read, problems: wrong === 0 ? [] : [new errors.FST_ENDPOINT_SOURCE_KEYS(what, wrong)] }
}
