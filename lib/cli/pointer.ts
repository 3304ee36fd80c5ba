/** An endpoint string with a mark below the character that is wrong. */
import { visible } from '../description/printable.js'

const BEFORE_THE_MARK = 0.6

/**
 * The two lines. Of a string that is longer than a line, what is around the character.
 * @param index offset in UTF-16 code units
 * @param width characters that a line may have
 */
export function pointAt (text: string, index: number, width = Infinity): [text: string, mark: string] {
  const before = visible(text.slice(0, index))
  const all = before + visible(text.slice(index))
  const from = all.length <= width ? 0 : Math.max(0, Math.min(before.length - Math.floor(width * BEFORE_THE_MARK), all.length - width))
  return [all.slice(from, from + width), `${' '.repeat(before.length - from)}^`]
}
