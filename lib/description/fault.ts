/**
 * Makes the errors of an endpoint string. Each points at a character of the string that the user wrote, also for a
 * mistake in a description that is quoted within that string.
 */
import { errors, located, type ErrorCode, type ErrorLocation } from '../errors.js'
import { excerpt, printable } from '../text/printable.js'

/** A text that is being parsed. */
export interface EndpointText {
  text: string
  /** The argument that holds the text, if it is a quoted inner description. */
  within?: {
    source: EndpointText
    /** Type and name of that argument. */
    type: string
    argument: string
    /** Where its value begins, in the text of `source`. */
    valueStart: number
  }
}

/**
 * Makes the error, to be thrown.
 *
 * @param at offset in `source.text`, in UTF-16 code units
 * @param argument name of the argument that is wrong, if it is one
 */
export function fault (
  source: EndpointText,
  code: ErrorCode,
  at: number,
  argument: string | undefined,
  message: string
): Error & ErrorLocation {
  const { within } = source
  if (within !== undefined) {
    const outer = offsetInQuoted(within.source.text, within.valueStart, at)
    return fault(within.source, code, outer, within.argument, `${within.type}: ${within.argument} ${printable(source.text)}: ${message}`)
  }
  const error = errors[code](`${message} (character ${at + 1} of ${excerpt(source.text, at)})`)
  return located(error, { endpoint: source.text, index: at, ...(argument !== undefined && { argument }) })
}

/**
 * The offset of the `count`-th code unit of a value that begins, with its escapes, at `start`. For an escaped
 * character it is the offset of the backslash.
 */
export function offsetInQuoted (text: string, start: number, count: number): number {
  let at = start
  for (let passed = 0; passed < count; passed++) at += text[at] === '\\' ? 2 : 1
  return at
}
