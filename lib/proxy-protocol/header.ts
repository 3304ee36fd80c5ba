/**
 * Parses a PROXY header of version 1 or 2 from the first bytes of a connection. Pure: it returns a header, the need for
 * more bytes, or what is wrong.
 *
 * The specification is HAProxy's doc/proxy-protocol.txt of 2020/03/05. The comments give its section
 * numbers.
 */
import { INCOMPLETE, wrong, type HeaderResult } from './result.js'
import { LINE_START, readLine } from './v1.js'
import { readBinary, SIGNATURE } from './v2.js'

/**
 * Reads the header that a connection must begin with, and nothing after it. It never throws.
 * @param bytes all bytes received so far
 */
export function readHeader (bytes: Buffer): HeaderResult {
  if (bytes.length === 0) return INCOMPLETE
  if (beginsLike(bytes, SIGNATURE)) return readBinary(bytes)
  if (beginsLike(bytes, LINE_START)) return readLine(bytes)
  return wrong('missing')
}

/** Whether the bytes received so far agree with `start`. */
function beginsLike (bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}
