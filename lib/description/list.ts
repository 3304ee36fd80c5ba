/** Several endpoint strings in one text: one a line, or a JSON array where a value cannot have line breaks. */
import { errors, reasonOf } from '../errors.js'
import { visible } from '../text/printable.js'

/**
 * The strings of an environment variable. Blank lines do not count.
 * @param name that of the variable, for messages
 * @throws FST_ENDPOINT_ARRAY
 */
export function stringsOf (value: string | undefined, name: string): string[] {
  const text = value ?? ''
  // No endpoint type begins with [.
  if (text.trimStart().startsWith('[')) return stringsOfArray(text, name)
  return text.split(/\r?\n/).filter((line) => line.trim() !== '')
}

function stringsOfArray (text: string, name: string): string[] {
  let array: unknown
  try {
    array = JSON.parse(text)
  } catch (thrown) {
    throw invalid(name, `it is not valid JSON (${visible(reasonOf(thrown))})`)
  }
  const isGood = Array.isArray(array) && array.length > 0 && array.every((string) => typeof string === 'string' && string.trim() !== '')
  if (!isGood) throw invalid(name, 'it is not an array of endpoint strings, or is empty')
  return array as string[]
}

function invalid (name: string, problem: string): Error {
  return new errors.FST_ENDPOINT_ARRAY(name, problem)
}
