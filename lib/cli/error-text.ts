/** Describes an error, and the errors in its `errors`, for people. */
import { type ErrorLocation, reasonOf } from '../errors.js'
import { pointAt } from './pointer.js'
import type { Style } from './style.js'

/** The lines for an error. For a mistake in an endpoint string, a mark below the wrong character comes first. */
export function * describeError (thrown: unknown, style: Style): Generator<string> {
  const { code, endpoint, index, errors = [] } = thrown as ErrorLocation & { code?: string, errors?: readonly unknown[] }
  if (endpoint !== undefined && index !== undefined) yield * mark(endpoint, index, style)
  yield style.render([{ colour: 'red', text: 'error: ' }, code === undefined ? '' : `${code}: `, index === undefined
    ? reasonOf(thrown)
    : withoutPlace(reasonOf(thrown))])
  for (const other of errors) yield * describeError(other, style)
}

/** A string, and a mark below one of its characters. */
export function * mark (text: string, index: number, style: Style): Generator<string> {
  const [line, below] = pointAt(text, index, style.width)
  yield style.render({ colour: 'bold', text: line })
  yield style.render({ colour: 'red', text: below })
}

/** The message without the position at its end, which the mark already shows. */
export function withoutPlace (message: string): string {
  return message.replace(/ \(character \d+ of .*\)$/s, '')
}
