/** Lines of a file that is text, or may be: they end with LF, CRLF or CR. */

export function isBreak (byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d
}

/** Where the line of a position ends, before its break, or the limit. */
export function endOfLine (buffer: Buffer, position: number, limit: number): number {
  let end = position
  while (end < limit && !isBreak(buffer[end])) end++
  return end
}
