/**
 * The list: a text file with one revocation a line.
 *
 *     # devices that were stolen
 *     stolen/*.pem
 *     tbs:sha256//…
 *     serial:4a:01@sha256//…
 *     spki:sha256//…
 *     https://crl.example.org/clients.crl
 *     cdp:
 *
 * A line is a glob pattern relative to the folder of the list, or a word with a key or an address. Any other line is an
 * error: if it was skipped, nobody would notice that it revokes nobody. A message names the line but does not quote it,
 * since a path with one wrong letter may lead to a private key.
 */
import { isUtf8 } from 'node:buffer'
import { nearest } from '../../text/nearest.js'
import { type ErrorLocation, errors, located } from '../../errors.js'
import { decodeBase64 } from '../../x509/base64.js'
import { trimHex } from '../../x509/identity.js'
import { problemOfPattern } from './pattern-syntax.js'
import type { Slices } from '../../turns.js'

/** A line that revokes. */
export type ListEntry = PatternEntry | KeyEntry

/** A line that matches files. */
export interface PatternEntry {
  readonly kind: 'pattern'
  readonly value: string
  /** From 1; undefined for a pattern that is in no list. */
  readonly line?: number
}

/** A line with the key of what it revokes; `value` is in the form of `identifyCertificate`. */
export interface KeyEntry {
  readonly kind: 'tbs' | 'serial' | 'spki'
  readonly value: string
  /** From 1. */
  readonly line: number
}

/** A line with the address of a source. It may contain credentials. */
export interface SourceEntry {
  readonly kind: 'source'
  readonly value: string
  /** From 1. */
  readonly line: number
}

export interface ParsedList {
  entries: ListEntry[]
  sources: SourceEntry[]
  /** One for each invalid line. */
  problems: Error[]
  /** The last line, if it has content and no line break: it may be truncated. */
  lastLine: { readonly line: number, readonly content: string } | undefined
}

const LONGEST_LINE = 8192
const LINE_FEED = 0x0a

/**
 * Parses a list: UTF-8, with or without a byte order mark, with LF, CRLF or CR. White space at both ends of a line is
 * removed, since an invisible blank would make a pattern match nothing.
 *
 * @param what what the list is called in messages
 * @param location set on the errors, with the line
 * @param words the words before the colon of lines with a source, in lower case
 * @returns the good lines, and the problems of the others, so that a reload can use the good ones:
 *   FST_ENDPOINT_LIST_SYNTAX, FST_ENDPOINT_LIST_UNKNOWN_WORD, FST_ENDPOINT_LIST_PATTERN
 * @throws FST_ENDPOINT_LIST_ENCODING if it is not UTF-8
 */
export function parseList (bytes: Buffer, what: string, location: ErrorLocation = {}, words: ReadonlySet<string> = NO_WORDS): ParsedList {
  const steps = parse(bytes, what, location, words)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/**
 * Like `parseList`, in slices, so that a long list does not block the event loop.
 *
 * @throws as `parseList`
 */
export async function parseLongList (
  bytes: Buffer, what: string, location: ErrorLocation, words: ReadonlySet<string>, slices: Slices
): Promise<ParsedList> {
  const steps = parse(bytes, what, location, words)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    if (slices.over) await slices.next()
  }
}

/** Parses a list line by line. Between two steps the caller may wait. */
function * parse (bytes: Buffer, what: string, location: ErrorLocation, words: ReadonlySet<string>): Generator<undefined, ParsedList> {
  refuseOtherEncodings(bytes, what, location)
  const entries: ListEntry[] = []
  const sources: SourceEntry[] = []
  const problems: Error[] = []
  let lastLine: ParsedList['lastLine']
  let line = 0
  for (const raw of linesOf(bytes)) {
    line++
    yield
    // Set for each line, so that in the end it is that of the last one.
    lastLine = undefined
    const content = raw.trim()
    if (content === '' || content.startsWith('#')) continue
    lastLine = { line, content }
    try {
      const entry = parseLine(content, line, words)
      if (entry.kind === 'source') sources.push(entry)
      else entries.push(entry)
    } catch (thrown) {
      if (!(thrown instanceof LineProblem)) throw thrown
      problems.push(located(new errors[thrown.code](`${what} line ${line}`, thrown.message), { ...location, line }))
    }
  }
  return { entries, sources, problems, lastLine }
}

const NO_WORDS: ReadonlySet<string> = new Set()

/** Bytes that are decoded at once. */
const PIECE = 64 * 1024
const CARRIAGE_RETURN = 0x0d

/** All lines, without their ends. What follows the last line end is a line too, and may be empty. */
function * linesOf (bytes: Buffer): Generator<string> {
  let last = ''
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = endOfPiece(bytes, start)
    // The last one of a piece that ends with a line end is empty: the next piece begins there.
    const lines = bytes.toString('utf8', start, end).replace(start === 0 ? /^\ufeff/ : '', '').split(/\r\n|[\n\r]/)
    last = lines.pop() as string
    yield * lines
  }
  yield last
}

/** After a line end, so that no piece ends within a line, a character or a CRLF. */
function endOfPiece (bytes: Buffer, start: number): number {
  if (bytes.length - start <= PIECE) return bytes.length
  for (const lineEnd of [LINE_FEED, CARRIAGE_RETURN]) {
    const end = bytes.subarray(start, start + PIECE).lastIndexOf(lineEnd) + 1
    if (end > 0) return start + end + (lineEnd === CARRIAGE_RETURN && bytes[start + end] === LINE_FEED ? 1 : 0)
  }
  // A line longer than a piece is an error, but must be counted.
  const next = [LINE_FEED, CARRIAGE_RETURN].map((lineEnd) => bytes.indexOf(lineEnd, start + PIECE)).filter((at) => at >= 0)
  if (next.length === 0) return bytes.length
  const at = Math.min(...next)
  return at + (bytes[at] === CARRIAGE_RETURN && bytes[at + 1] === LINE_FEED ? 2 : 1)
}

/** The form of nearly all keys. The last character of 32 bytes in base64 has two unused bits. */
export const HASH_KEY = /^(tbs|spki):(sha256\/\/[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$/

/** Parses the line of a key; undefined if it is not one. */
export function parseKeyLine (content: string): Pick<KeyEntry, 'kind' | 'value'> | undefined {
  try {
    const { kind, value } = parseLine(content, 1, NO_WORDS)
    return kind === 'pattern' || kind === 'source' ? undefined : { kind, value }
  } catch {
    return undefined
  }
}

const OWN_WORDS = ['tbs', 'serial', 'spki']
const RULE_WORDS: ReadonlySet<string> = new Set(['uri', 'dns', 'email', 'ip', 'cn'])
const IS_RULE = 'this is a rule of an allowed list, which lets clients in: name its file with allowedFile, and another one with revokedFile'
const UNKNOWN_WORD = 'the word before the colon is neither tbs, serial or spki, nor the word of a source. ' +
  'If the line is a path with a colon, write ./ before it (./word:...)'

type LineCode = 'FST_ENDPOINT_LIST_SYNTAX' | 'FST_ENDPOINT_LIST_UNKNOWN_WORD' | 'FST_ENDPOINT_LIST_PATTERN'

class LineProblem extends Error {
  readonly code: LineCode

  constructor (code: LineCode, message: string) {
    super(message)
    this.code = code
  }
}

function parseLine (content: string, line: number, words: ReadonlySet<string>): ListEntry | SourceEntry {
  const [, key, hash] = HASH_KEY.exec(content) ?? []
  if (key !== undefined && hash !== undefined) return { kind: key as 'tbs' | 'spki', value: hash, line }
  if (content.length > LONGEST_LINE) throw syntax(`the line is longer than ${LONGEST_LINE} characters`)
  if (content.startsWith('-----')) throw syntax('this is PEM, but a list contains patterns of files: write the path of the PEM file')
  const word = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(content)?.[1]
  switch (word) {
    case undefined: return parsePattern(content, line)
    case 'tbs': case 'spki': return { kind: word, value: parseHash(content.slice(word.length + 1), `${word}:sha256//<base64>`), line }
    case 'serial': return { kind: word, value: parseSerial(content.slice(word.length + 1)), line }
    default:
      if (!words.has(word.toLowerCase())) break
      if (word.toLowerCase() !== 'cdp') return { kind: 'source', value: content, line }
      if (content.length > word.length + 1) throw syntax('write cdp: alone; the authorities name the distribution points')
      return { kind: 'source', value: content.toLowerCase(), line }
  }
  if (RULE_WORDS.has(word)) throw new LineProblem('FST_ENDPOINT_LIST_UNKNOWN_WORD', IS_RULE)
  const meant = nearest(word, [...OWN_WORDS, ...words])
  throw new LineProblem('FST_ENDPOINT_LIST_UNKNOWN_WORD', `${UNKNOWN_WORD}${meant === undefined ? '' : `; did you mean ${meant}:?`}`)
}

function parsePattern (content: string, line: number): PatternEntry {
  const problem = problemOfPattern(content)
  if (problem !== undefined) throw new LineProblem('FST_ENDPOINT_LIST_PATTERN', problem)
  return { kind: 'pattern', value: content, line }
}

const SERIAL_FORM = 'serial:<hexadecimal>@sha256//<base64>'

function parseSerial (text: string): string {
  const at = text.indexOf('@')
  const [, sign, digits] = /^(-?)([0-9a-f]+(?::[0-9a-f]+)*)$/i.exec(text.slice(0, at)) ?? []
  if (at < 0 || sign === undefined || digits === undefined) throw syntax(`write ${SERIAL_FORM}, with the hash of the issuer's name in DER`)
  const hex = trimHex(digits.replaceAll(':', '').toLowerCase())
  return `${hex === '0' ? '' : sign}${hex}@${parseHash(text.slice(at + 1), SERIAL_FORM)}`
}

function parseHash (text: string, form: string): string {
  const [, base64 = ''] = /^sha256\/\/(.*)$/.exec(text) ?? []
  if (decodeBase64(base64)?.length !== 32) {
    throw syntax(`write ${form}, the base64 of 32 bytes with its = at the end, and nothing after it`)
  }
  return text
}

function syntax (problem: string): LineProblem {
  return new LineProblem('FST_ENDPOINT_LIST_SYNTAX', problem)
}

function refuseOtherEncodings (bytes: Buffer, what: string, location: ErrorLocation): void {
  const [first, second] = bytes
  const hasMark = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  const isUtf16 = hasMark || (bytes.length > 1 && (first === 0) !== (second === 0))
  if (isUtf16) throw located(new errors.FST_ENDPOINT_LIST_ENCODING(what, 'it is UTF-16 text: save it as UTF-8'), location)
  if (isUtf8(bytes)) return
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const found = bytes.indexOf(LINE_FEED, start)
    const end = found < 0 ? bytes.length : found
    if (!isUtf8(bytes.subarray(start, end))) break
    start = end + 1
  }
  throw located(new errors.FST_ENDPOINT_LIST_ENCODING(`${what} line ${line}`, 'it is not UTF-8'), { ...location, line })
}
