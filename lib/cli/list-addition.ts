/** Appends lines to a revocation list. */
import { type KeyEntry, type ListEntry, parseList } from '../revocation/list/list-file.js'
import { commentOf } from './list-comment.js'
import { refuseAllowedList } from './list-kind.js'

/** A certificate, serial number or key to revoke. */
export interface Addition {
  readonly kind: KeyEntry['kind']
  /** As `identifyCertificate` writes it. */
  readonly value: string
  /** The keys of the same certificate, by which an existing line may revoke it. */
  readonly keys: Readonly<Record<KeyEntry['kind'], string>>
  /** The name for the comment, and for messages. */
  readonly name: string
  /** The day of the revocation, as `2026-11-23`. */
  readonly date: string
}

/** The line that revokes an addition: a new one, or one that the list had before. */
export interface AdditionLine {
  readonly addition: Addition
  /** From 1. */
  readonly line: number
  /** The content of the line. */
  readonly text: string
  readonly isNew: boolean
}

interface AmendedList {
  readonly bytes: Buffer
  /** One for each addition, in their order. */
  readonly placed: readonly AdditionLine[]
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Adds a line for each certificate that the list does not name yet, with a comment above it, in the line endings of the
 * list. Invalid lines of the list stay, and do not prevent the change.
 *
 * @param what names the list in messages
 * @throws FST_ENDPOINT_LIST_ENCODING if it is not UTF-8; see `refuseAllowedList`
 */
export function addToList (bytes: Buffer, additions: readonly Addition[], what: string): AmendedList {
  const before = parseList(bytes, what)
  refuseAllowedList(bytes, before, what)
  const lineBreak = /\r\n|[\n\r]/.exec(bytes.toString('latin1'))?.[0] ?? '\n'
  let added = bytes.length === 0 || bytes.at(-1) === LINE_FEED || bytes.at(-1) === CARRIAGE_RETURN ? '' : lineBreak
  const fresh: Addition[] = []
  for (const addition of additions) {
    if (before.entries.some((entry) => names(entry, addition)) || fresh.some((other) => names(other, addition))) continue
    fresh.push(addition)
    added += `${commentOf(addition, 'revoked')}${lineBreak}${addition.kind}:${addition.value}${lineBreak}`
  }
  const amended = fresh.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from(added)])
  // Check the new list before any server reads it.
  const after = parseList(amended, what)
  const isAsMeant = after.entries.length === before.entries.length + fresh.length && after.problems.length === before.problems.length
  const placed = additions.map((addition) => {
    const entry = after.entries.find((entry): entry is KeyEntry => names(entry, addition))
    if (entry === undefined || !isAsMeant) throw new Error(`${what} would be invalid with the new lines, so nothing was written`)
    return { addition, line: entry.line, text: `${entry.kind}:${entry.value}`, isNew: fresh.includes(addition) }
  })
  return { bytes: amended, placed }
}

/** Whether a line revokes the addition. Any of its keys revokes a certificate; a serial number or key must be the same. */
function names (entry: Pick<ListEntry, 'kind' | 'value'>, { kind, keys }: Addition): boolean {
  if (entry.kind === 'pattern' || (kind !== 'tbs' && entry.kind !== kind)) return false
  return entry.value === keys[entry.kind]
}
