/**
 * The blocks of a PEM file (RFC 7468): keys, certificates, CRLs.
 *
 * OpenSSL skips what it does not understand. For revoked certificates that is unsafe: a client whose block is skipped is
 * let in. So text between blocks is fine, but anything that looks like a block and is not a whole one is an error with
 * its line. Of the file's content messages contain only labels of blocks.
 *
 * A file may hold a CRL of many megabytes: the time is linear, and only the decoded bytes are copied.
 */
import { constants } from 'node:buffer'
import { decodeBase64Lines } from './base64.js'
import { type ErrorLocation, errors, located } from '../errors.js'
import { endOfLine, isBreak } from './lines.js'
import { findMisspelling } from './misspelt-pem.js'

export interface PemBlock {
  /** The text between `-----BEGIN ` and `-----`, for example `CERTIFICATE`. */
  readonly label: string
  /** The decoded base64; the ciphertext in an encrypted block with headers. */
  readonly der: Buffer
  /** Whether the block has RFC 1421 headers (`Proc-Type: 4,ENCRYPTED`), as OpenSSL's old encrypted keys do. */
  readonly hasHeaders: boolean
  /**
   * The block as PEM for OpenSSL, rewritten in lines of 64 characters: OpenSSL does not read indented lines, for example.
   * A block with headers is left as it is in the file.
   */
  readonly text: string
  /** The line of its BEGIN, from 1. */
  readonly line: number
}

const BEGIN = '-----BEGIN'
const END = '-----END'
const HYPHEN = 0x2d
const LONGEST_LABEL = 64
const BYTE_ORDER_MARK = Buffer.from('\ufeff')
// Without its last byte it matches UTF-16 of either byte order: those differ only in the side of the NUL bytes.
const UTF_16_MARKS = [Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff)]
const BEGIN_IN_UTF_16 = Buffer.from(BEGIN, 'utf16le').subarray(0, -1)

/**
 * Reads the blocks of a file, in their order.
 *
 * It follows the lax parser of RFC 7468 section 3: any white space in and around base64, LF, CRLF or
 * CR, a UTF-8 byte order mark, text between the blocks, lines that begin with `#`. The base64 itself is strict: alphabet,
 * padding, and no bits left over.
 *
 * @param what the name of the file in messages, for example `authorities "ca.pem"`
 * @param location put on the errors, with the line
 * @param misspelt collects misspelt blocks beside good ones, instead of an exception
 * @throws FST_ENDPOINT_FILE_INVALID for a BEGIN without its END, the other way round, for another label in END, for a
 *   boundary that shares its line with something else or is misspelt, for bad base64, for base64 outside of any block,
 *   and for UTF-16
 */
export function readPemBlocks (bytes: Uint8Array, what: string, location: ErrorLocation = {}, misspelt?: Error[]): PemBlock[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const source: Source = { buffer, what, location, counted: { position: 0, line: 1 } }
  if (buffer.length > constants.MAX_STRING_LENGTH) throw invalid(source, undefined, 'it is too large for PEM')
  if (buffer.includes(BEGIN_IN_UTF_16) || UTF_16_MARKS.some((mark) => buffer.subarray(0, 2).equals(mark))) {
    throw invalid(source, undefined, 'it is UTF-16 text: save it as UTF-8')
  }

  const blocks: PemBlock[] = []
  let position = afterMark(buffer)
  let begin = findBoundary(buffer, BEGIN, position)
  while (true) {
    const end = findBoundary(buffer, END, position)
    const problem = problemOfText(source, position, Math.min(...[begin, end, buffer.length].filter((place) => place >= 0)))
    if (problem !== undefined && misspelt === undefined) throw problem
    if (problem !== undefined) misspelt?.push(problem)
    if (begin < 0 && end < 0) {
      if (blocks.length === 0 && misspelt?.[0] !== undefined) throw misspelt[0]
      return blocks
    }
    if (begin < 0 || (end >= 0 && end < begin)) {
      if (problem === undefined) throw invalid(source, end, 'an END without its BEGIN')
      // This END belongs to the misspelt block.
      position = endOfLine(buffer, end, buffer.length)
      continue
    }
    const opening = readBoundary(source, BEGIN, begin, position)
    const nextBegin = findBoundary(buffer, BEGIN, opening.end)
    if (end < 0 || (nextBegin >= 0 && nextBegin < end)) {
      throw invalid(source, begin, `BEGIN ${opening.label} without its END`)
    }
    const closing = readBoundary(source, END, end, opening.end)
    if (closing.label !== opening.label) {
      throw invalid(source, end, `END ${closing.label} closes BEGIN ${opening.label}`)
    }
    blocks.push(readBlock(source, opening, begin, end, closing.end))
    position = closing.end
    begin = nextBegin
  }
}

/** A misspelt block in the text before a boundary or after the last one. */
function problemOfText (source: Source, from: number, to: number): Error | undefined {
  const misspelling = findMisspelling(source.buffer, from, to)
  return misspelling === undefined ? undefined : invalid(source, misspelling.position, misspelling.problem)
}

interface Source {
  buffer: Buffer
  what: string
  location: ErrorLocation
  /** Up to where lines have been counted, so that no byte is read twice. */
  counted: { position: number, line: number }
}

interface Boundary {
  label: string
  /** Where its line ends, before the line break. */
  end: number
}

/**
 * The next BEGIN or END. A line that begins with `#` is a comment, which OpenSSL does not read either. Reporting it as
 * misplaced would make people uncomment it.
 */
function findBoundary (buffer: Buffer, word: string, from: number): number {
  let position = buffer.indexOf(word, from)
  while (position >= 0 && isCommentedOut(buffer, position)) {
    // Skip the whole line, so that a line with many of them is read once.
    position = buffer.indexOf(word, endOfLine(buffer, position, buffer.length))
  }
  return position
}

/** The start of the text, after a UTF-8 byte order mark. */
function afterMark (buffer: Buffer): number {
  return buffer.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
}

function isCommentedOut (buffer: Buffer, position: number): boolean {
  let start = position
  while (start > 0 && !isBreak(buffer[start - 1])) start--
  if (start === 0) start = afterMark(buffer)
  while (isBlank(buffer[start])) start++
  return buffer[start] === 0x23
}

/** Reads the line of a BEGIN or an END. `from` is where the line may begin at the earliest. */
function readBoundary (source: Source, word: string, position: number, from: number): Boundary {
  const { buffer } = source
  let start = position
  while (start > from && isBlank(buffer[start - 1])) start--
  // Only the start of the file needs no line break before it.
  if (start > from && buffer[start - 1] === HYPHEN) {
    throw invalid(source, position, `write five hyphens before ${word.slice(5)}, and no more`)
  }
  if (start > from && !isBreak(buffer[start - 1])) {
    throw invalid(source, position, `${word.slice(5)} must be at the start of its line: put a line break before it`)
  }
  const end = endOfLine(buffer, position, buffer.length)
  let stop = end
  while (isBlank(buffer[stop - 1])) stop--
  const labelStart = position + word.length + 1
  const labelEnd = stop - 5
  const isWhole = buffer[labelStart - 1] === 0x20 && labelEnd > labelStart &&
    labelEnd - labelStart <= LONGEST_LABEL && buffer.toString('latin1', labelEnd, stop) === '-----'
  const label = isWhole ? buffer.toString('latin1', labelStart, labelEnd) : ''
  if (!isLabel(label)) {
    throw invalid(source, position, `its ${word.slice(5)} line is not -----${word.slice(5)} <label>-----, and nothing else`)
  }
  return { label, end }
}

/** RFC 7468 section 3: words of printable characters, with one space or hyphen between. */
function isLabel (label: string): boolean {
  return /^[!-,.-~]+(?:[ -][!-,.-~]+)*$/.test(label)
}

function readBlock (source: Source, { label, end: start }: Boundary, begin: number, end: number, last: number): PemBlock {
  const { buffer } = source
  const line = lineAt(source, begin)
  const payload = skipHeaders(source, start, end, begin)
  const der = decodeBody(source, payload ?? start, end, begin)
  const raw = buffer.subarray(begin, last)
  return {
    label,
    der,
    hasHeaders: payload !== undefined,
    line,
    get text () {
      return payload === undefined ? encodeBlock(label, der) : `${raw.toString('latin1')}\n`
    }
  }
}

function encodeBlock (label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** RFC 1421 section 4.4: fields with a colon, which base64 does not contain, up to the first empty line. */
function skipHeaders (source: Source, start: number, end: number, begin: number): number | undefined {
  const { buffer } = source
  let position = afterBreak(buffer, start)
  let lineEnd = endOfLine(buffer, position, end)
  if (!buffer.subarray(position, lineEnd).includes(':')) return undefined
  while (lineEnd < end) {
    position = afterBreak(buffer, lineEnd)
    lineEnd = endOfLine(buffer, position, end)
    let first = position
    while (first < lineEnd && isBlank(buffer[first])) first++
    if (first === lineEnd && lineEnd < end) return lineEnd
  }
  throw invalid(source, begin, 'the headers of its block are not followed by an empty line')
}

function decodeBody (source: Source, start: number, end: number, begin: number): Buffer {
  const body = source.buffer.subarray(start, end)
  const der = decodeBase64Lines(body)
  if (der !== undefined && der.length > 0) return der
  const wrong = body.toString('latin1').search(/[^A-Za-z0-9+/=\t-\r ]/)
  if (wrong >= 0) throw invalid(source, start + wrong, 'a character that is not base64')
  const isEmpty = body.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))
  throw invalid(source, begin, isEmpty ? 'its block is empty' : 'the base64 of its block is cut short or wrongly padded')
}

function isBlank (byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09
}

/** The start of the next line, from the end of one. */
function afterBreak (buffer: Buffer, end: number): number {
  return buffer[end] === 0x0d && buffer[end + 1] === 0x0a ? end + 2 : end + 1
}

/** The line of a position, which must not be before that of the last call. */
function lineAt ({ buffer, counted }: Source, position: number): number {
  for (; counted.position < position; counted.position++) {
    const byte = buffer[counted.position]
    if (byte === 0x0a || (byte === 0x0d && buffer[counted.position + 1] !== 0x0a)) counted.line++
  }
  return counted.line
}

function invalid (source: Source, position: number | undefined, problem: string): Error {
  const { what, location } = source
  if (position === undefined) return located(new errors.FST_ENDPOINT_FILE_INVALID(what, problem), location)
  const line = lineAt(source, position)
  return located(new errors.FST_ENDPOINT_FILE_INVALID(what, `line ${line}: ${problem}`), { ...location, line })
}
