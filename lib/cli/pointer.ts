/** Shows an endpoint string with a mark below the wrong character. */
import { visible } from '../text/printable.js'
import { columnsOf } from './columns.js'

const BEFORE_THE_MARK = 0.6

/**
 * The two lines. A string longer than a line is shortened to the part around the character.
 * @param index offset in UTF-16 code units
 * @param width columns of a line
 */
export function pointAt (text: string, index: number, width = Infinity): [text: string, mark: string] {
  const before = [...visible(text.slice(0, index))]
  const behind = [...visible(text.slice(index))]
  let ahead = widthOf(before)
  const all = ahead + widthOf(behind)
  if (all > width) {
    const most = Math.max(Math.floor(width * BEFORE_THE_MARK), width - (all - ahead))
    while (ahead > most) ahead -= columnsOf(before.shift() as string)
  }
  let line = before.join('')
  let taken = ahead
  for (const character of behind) {
    taken += columnsOf(character)
    if (taken > width) break
    line += character
  }
  return [line, `${' '.repeat(ahead)}^`]
}

function widthOf (characters: readonly string[]): number {
  return characters.reduce((sum, character) => sum + columnsOf(character), 0)
}
