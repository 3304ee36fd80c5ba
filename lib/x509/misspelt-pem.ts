/**
 * Finds misspelt PEM blocks: base64 after a misspelt BEGIN, or without one. OpenSSL skips both, and a skipped certificate
 * or CRL would revoke nobody. Headings and sentences with the same words are text, because no base64 follows them.
 *
 * A line that begins with `#` is a comment, and so is base64 after a BEGIN in a comment. The time is linear: a file may
 * hold many megabytes of text beside its blocks.
 */
import { endOfLine, isBreak } from './lines.js'

/** A problem and its position; without a position it concerns the whole file. */
interface Misspelling {
  readonly position: number | undefined
  readonly problem: string
}

/** Labels (RFC 7468) that a misspelt boundary may have meant. With other words, BEGIN may be part of a heading. */
const LABELS = [
  'CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE', 'ATTRIBUTE CERTIFICATE', 'CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST',
  'X509 CRL', 'CRL', 'PKCS7', 'PKCS #7 SIGNED DATA', 'CMS', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY',
  'DSA PRIVATE KEY', 'PUBLIC KEY', 'RSA PUBLIC KEY', 'DH PARAMETERS', 'EC PARAMETERS', 'DSA PARAMETERS'
]
const MEANT: ReadonlyMap<string, string> = new Map(LABELS.map((label) => [squeeze(label), label]))

const WORD = /begin/gi
/** The start of a SEQUENCE of 128 bytes or more, alone on its line. */
const BASE64 = /^(?:ï»¿)?[ \t]*MI[A-P][A-Za-z0-9+/]{25,}=*[ \t]*$/gm
const BASE64_LINE = /^[ \t]*[A-Za-z0-9+/]{28,}=*[ \t]*$/
/** Characters from which one line alone is base64. Shorter ones need a second line, because they may be words. */
const LONG_LINE = 60
/** A field of RFC 1421 before the base64 of a block. */
const HEADER = /^[A-Za-z-]+: /
/** Lines between a BEGIN and its base64: fields, blank ones, comments. */
const MOST_BETWEEN = 8
/** Either of them in UTF-16 or UTF-32 text whose zero bytes were removed. */
const WIDE = /-(?:begin|end)|MI[A-P][A-Za-z0-9+/]{25}/i
/** Hyphens and dashes, the minus sign, and the soft hyphen. */
const DASHES = /[\p{Pd}\u2212\u00ad]/gu
/** Blanks of any width, zero included. */
const BLANKS = /[\s\u200b-\u200d\u2060\ufeff]+/gu

/** Bytes of the shortest boundary with a known label. */
const SHORTEST = '-beginCRL'.length
const CHUNK = 1024 * 1024
/** Bytes of a line on either side of BEGIN or END. */
const REACH = 128

/**
 * The first misspelling in the text beside the blocks of a file.
 *
 * @param from where that text begins
 * @param to where it ends
 */
export function findMisspelling (buffer: Buffer, from: number, to: number): Misspelling | undefined {
  // Between most blocks there is nothing but a line break.
  if (to - from < SHORTEST) return undefined
  for (let start = from; start < to; start += CHUNK) {
    // The overlap finds what crosses the end of a chunk.
    const text = buffer.toString('latin1', start, Math.min(start + CHUNK + REACH, to))
    if (text.includes('\0') && WIDE.test(text.replaceAll('\0', ''))) {
      return { position: undefined, problem: 'it is UTF-16 text: save it as UTF-8' }
    }
    const found = [...boundariesIn(buffer, text, start, to), ...base64In(buffer, text, start, from)]
    const [first] = found.toSorted((a, b) => a.position - b.position)
    if (first !== undefined) return first
  }
  return undefined
}

/** The first boundary that is misspelt, if there is one. */
function boundariesIn (buffer: Buffer, text: string, start: number, to: number): Array<Misspelling & { position: number }> {
  for (const { 0: word, index } of text.matchAll(WORD)) {
    // In most words a letter precedes the match.
    if (!/[-\s\x80-\xff]/.test(text.charAt(index - 1)) && index > 0) continue
    const position = start + index
    const before = plain(buffer.toString('utf8', lineStart(buffer, position, REACH) ?? position, position))
    if (!/^ *-[- ]*$/.test(before)) continue
    const after = plain(buffer.toString('utf8', position + word.length, endOfLine(buffer, position, Math.min(position + REACH, to))))
    const label = MEANT.get(squeeze(after))
    if (label === undefined && !(before.trim() === '-----' && after.startsWith(' '))) continue
    if (!isFollowedByBase64(buffer, position, to)) continue
    const boundary = `-----BEGIN ${label ?? '<label>'}-----`
    return [{ position, problem: `write BEGIN and END in capitals, with five hyphens and nothing else on the line: ${boundary}` }]
  }
  return []
}

/** Whether a line of base64 follows, with only such lines in between as a block may have. */
function isFollowedByBase64 (buffer: Buffer, position: number, to: number): boolean {
  let end = endOfLine(buffer, position, to)
  for (let lines = 0; lines < MOST_BETWEEN && end < to; lines++) {
    const start = end + 1
    end = endOfLine(buffer, start, Math.min(start + REACH, to))
    const line = buffer.toString('latin1', start, end)
    if (BASE64_LINE.test(line)) return true
    if (line.trim() !== '' && !HEADER.test(line)) return false
  }
  return false
}

/** The first base64 outside of any block. */
function base64In (buffer: Buffer, text: string, start: number, from: number): Array<Misspelling & { position: number }> {
  for (const { 0: line, index } of text.matchAll(BASE64)) {
    const position = start + index
    if (position > from && !isBreak(buffer[position - 1])) continue
    // Report only the first of several lines.
    if (BASE64_LINE.test(lineBefore(buffer, position)) || isInComment(buffer, position)) continue
    if (line.trim().length < LONG_LINE && !isFollowedByBase64(buffer, position, buffer.length)) continue
    return [{ position, problem: 'base64 outside of any block: put it between -----BEGIN <label>----- and -----END <label>-----' }]
  }
  return []
}

/** Whether the comment above it, blank lines skipped, contains a BEGIN. */
function isInComment (buffer: Buffer, position: number): boolean {
  let at = position
  for (let lines = 0; lines < MOST_BETWEEN && at > 0; lines++) {
    const line = lineBefore(buffer, at)
    if (/^[ \t]*#.*BEGIN/.test(line)) return true
    if (line.trim() !== '' && !/^[ \t]*#/.test(line)) return false
    at -= line.length + (buffer[at - 2] === 0x0d && buffer[at - 1] === 0x0a ? 2 : 1)
  }
  return false
}

/** In capitals, with one kind of dash and single blanks. */
function plain (text: string): string {
  return text.replace(DASHES, '-').replace(BLANKS, ' ').toUpperCase()
}

/** A label without separators. */
function squeeze (label: string): string {
  return label.replace(/[- _.#]/g, '')
}

/** @returns undefined if it is too far away */
function lineStart (buffer: Buffer, position: number, reach: number): number | undefined {
  let start = position
  while (start > 0 && !isBreak(buffer[start - 1])) if (position - --start > reach) return undefined
  return start
}

/** The line before the one that begins at a position; '' where it is too long for a block. */
function lineBefore (buffer: Buffer, position: number): string {
  const isPair = buffer[position - 2] === 0x0d && buffer[position - 1] === 0x0a
  const end = Math.max(position - (isPair ? 2 : 1), 0)
  return buffer.toString('latin1', lineStart(buffer, end, REACH) ?? end, end)
}
