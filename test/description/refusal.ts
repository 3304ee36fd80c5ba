/** The tests of descriptions check with this that an error is one of ours, and what it says. */
import type { Test } from 'tap'
import { argumentsOf, positionalNames, type TypeName } from '../../lib/description/argument-table.js'
import { parseEndpoint } from '../../lib/description/index.js'
import type { ErrorLocation } from '../../lib/errors.js'

export type Refusal = Error & ErrorLocation & { code: string }

/** The coded error that `call` throws; any other error, or none, fails the test. */
export function refusalOf (call: () => unknown): Refusal {
  let answer: unknown
  try {
    answer = call()
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('FST_ENDPOINT_')) return error as Refusal
    throw error
  }
  throw new Error(`nothing was refused: ${JSON.stringify(answer)}`)
}

/** The coded error with which an endpoint string is refused. */
export function refusal (text: string): Refusal {
  return refusalOf(() => parseEndpoint(text))
}

/**
 * Compares endpoint strings with the error that refuses them: the code without its prefix,
 * and the message without the part in parentheses that shows the place. The place is given as the string
 * up to the wrong character.
 */
export function refusesWith (t: Test, rows: Array<[text: string, code: string, message: string, upTo: string]>): void {
  for (const [text, code, message, upTo] of rows) {
    const error = refusal(text)
    t.equal(error.code, `FST_ENDPOINT_${code}`, JSON.stringify(text))
    t.equal(error.message.replace(/ \(character \d+ of .*\)$/, ''), message, error.message)
    t.equal(error.endpoint, text)
    t.equal(text.slice(0, error.index), upTo, `${JSON.stringify(text)} is wrong after ${JSON.stringify(upTo)}`)
  }
  t.end()
}

/** The arguments of a type in a message. each-type-names-its-arguments.test.ts alone asserts that they are right. */
export function takes (type: TypeName): string {
  const positional = positionalNames(type)
  const byName = [...argumentsOf(type).keys()].filter((name) => !positional.includes(name))
  const parts = [
    ...(positional.length > 0 ? [`${positional.join(', ')} by position or name`] : []),
    ...(byName.length > 0 ? [`${byName.join(', ')} by name`] : [])
  ]
  return `${type} takes ${parts.join(' and ') || 'no arguments'}`
}
