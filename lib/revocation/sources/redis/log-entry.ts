/** One entry of the log of changes: see keys.ts. */
import { readNumber } from './keys.js'
import { LOGGED_BYTES } from './scripts.js'

export interface LogEntry {
  readonly id: string
  /** What it says; `whole` if the set must be read. */
  readonly kind: 'add' | 'remove' | 'accept' | 'whole'
  /** The members that were added or removed, in lines. They are split where they are used, one entry at a time. */
  readonly text: string
  /** The version before and after it; NaN if there was none. */
  readonly from: number
  readonly to: number
  /** Of the marker, and of the set, after it. */
  readonly count: number
  readonly size: number
  /** The digest of the members after it; empty if it is unknown. */
  readonly digest: string
}

const ID = /^(\d{1,20})-(\d{1,20})$/
/** The id before all others. */
export const FIRST_ID = '0-0'

/** Whether a text is an id of a stream. */
export function isId (text: unknown): text is string {
  return typeof text === 'string' && ID.test(text)
}

/** Whether an id comes after another one. Their parts have up to 64 bits. */
export function isAfter (id: string, other: string): boolean {
  const [one, two] = [id, other].map((text) => {
    const [, time = '', sequence = ''] = ID.exec(text) ?? []
    return time.padStart(20, '0') + sequence.padStart(20, '0')
  }) as [string, string]
  return one > two
}

/**
 * Reads the reply to XREAD for one stream.
 *
 * @param after the id after which entries were requested
 * @returns undefined if it is not such a reply: then the server is not Redis
 */
export function readEntries (reply: unknown, after: string): LogEntry[] | undefined {
  if (reply === null) return []
  const [stream, ...otherStreams] = Array.isArray(reply) ? reply as unknown[] : []
  if (!Array.isArray(stream) || stream.length !== 2 || otherStreams.length > 0 || !Array.isArray(stream[1])) return undefined
  const entries: LogEntry[] = []
  let last = after
  for (const one of stream[1] as unknown[]) {
    if (!Array.isArray(one) || one.length !== 2) return undefined
    const [id, fields] = one as [unknown, unknown]
    if (!isId(id) || !isAfter(id, last) || !Array.isArray(fields) || !fields.every((field) => typeof field === 'string')) return undefined
    last = id
    entries.push(readEntry(id, fields))
  }
  return entries
}

/** Characters of members that take a node more than a millisecond. */
const MANY = 32 * 1024

/** Whether entries have many members, as when thousands are added at once. */
export function areMany (entries: readonly LogEntry[]): boolean {
  return entries.reduce((sum, { text }) => sum + text.length, 0) >= MANY
}

export function membersOf ({ text }: LogEntry): string[] {
  return text === '' ? [] : text.split('\n')
}

/** Other programs, and later versions of the writer, may write entries of any form: for these, the set is read. */
function readEntry (id: string, fields: readonly string[]): LogEntry {
  const values = new Map<string, string>()
  for (let index = 0; index + 1 < fields.length; index += 2) values.set(fields[index] as string, fields[index + 1] as string)
  const number = (name: string): number => readNumber(values.get(name))
  const [kind = 'whole', text = ''] = fields.slice(-2)
  // Short members would take much more memory than their text.
  const isLong = text.length > LOGGED_BYTES
  return {
    id,
    kind: isLong || !(kind === 'add' || kind === 'remove' || kind === 'accept') ? 'whole' : kind,
    text: isLong ? '' : text,
    from: number('from'),
    to: number('to'),
    count: number('count'),
    size: number('size'),
    digest: values.get('digest') ?? ''
  }
}
