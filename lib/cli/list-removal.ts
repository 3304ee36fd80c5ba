/** Removes lines of certificates from a revocation list, with the comments that `revoke` wrote above them. */
import { type KeyEntry, type ListEntry, parseList } from '../revocation/list/list-file.js'
import { REVOKED } from './list-comment.js'
import { refuseAllowedList } from './list-kind.js'
import type { Addition } from './list-addition.js'

/** The result for one certificate. */
export interface Removal {
  readonly addition: Addition
  /** The removed lines, with their numbers before the change. */
  readonly removed: readonly KeyEntry[]
  /** A line that still revokes the certificate, with its number after the change. */
  readonly remaining: KeyEntry | undefined
}

export interface ShortenedList {
  readonly bytes: Buffer
  /** One for each certificate, in their order. */
  readonly removals: readonly Removal[]
}

const KINDS = ['tbs', 'serial', 'spki'] as const
/** Written in place of an empty list, which a server would take for a list that is still being written. */
const EMPTY_LIST = '# none\n'

/**
 * Removes the lines of one kind that name a certificate. Lines of other kinds stay, since they may also revoke other
 * certificates.
 *
 * @param what names the list in messages
 * @throws FST_ENDPOINT_LIST_ENCODING if it is not UTF-8; see `refuseAllowedList`
 */
export function removeFromList (bytes: Buffer, additions: readonly Addition[], what: string): ShortenedList {
  const before = parseList(bytes, what)
  refuseAllowedList(bytes, before, what)
  const removed = additions.map((addition) => before.entries.filter((entry): entry is KeyEntry => isLineOf(entry, addition, addition.kind)))
  const numbers = new Set(removed.flat().map(({ line }) => line))
  const shortened = numbers.size === 0 ? bytes : without(bytes, numbers)
  const after = parseList(shortened, what)
  if (after.entries.length !== before.entries.length - numbers.size || after.problems.length !== before.problems.length) {
    throw new Error(`${what} would be invalid without the lines, so nothing was written`)
  }
  const removals = additions.map((addition, index) => ({
    addition,
    removed: removed[index] as KeyEntry[],
    remaining: after.entries.find((entry): entry is KeyEntry => KINDS.some((kind) => isLineOf(entry, addition, kind)))
  }))
  return { bytes: shortened, removals }
}

function isLineOf (entry: ListEntry, { keys }: Addition, kind: KeyEntry['kind']): boolean {
  return entry.kind === kind && entry.value === keys[kind]
}

function without (bytes: Buffer, numbers: ReadonlySet<number>): Buffer {
  // Split after the line ends, so that the other lines keep theirs.
  const lines = bytes.toString('utf8').match(/[^\r\n]*(?:\r\n|[\r\n])|[^\r\n]+$/g) ?? []
  const kept = lines.filter((line, index) => !numbers.has(index + 1) && !(numbers.has(index + 2) && REVOKED.test(line)))
  return Buffer.from(kept.join('') || EMPTY_LIST)
}
