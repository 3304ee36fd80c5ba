/** What the tests of descriptions ask of an error: that it is one of ours, and what it says. */
import { parseEndpoint } from '../../lib/description/index.js'
import type { ErrorLocation } from '../../lib/errors.js'

export type Refusal = Error & ErrorLocation & { code: string }

/** The coded error that `call` throws; whatever else it throws, or if it throws nothing, fails the test. */
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

/** Its code without the prefix, and its message: the two that users see. */
export function told (text: string): [code: string, message: string] {
  const { code, message } = refusal(text)
  return [code.replace('FST_ENDPOINT_', ''), message]
}
