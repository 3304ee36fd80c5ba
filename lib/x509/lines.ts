/** Line breaks of text files: LF, CRLF or CR. */

export function isBreak (byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d
}

/** The end of the line at a position, before its break; at most `limit`. */
export function endOfLine (buffer: Buffer, position: number, limit: number): number {
  let end = position
  while (end < limit && !isBreak(buffer[end])) end++
  return end
}
