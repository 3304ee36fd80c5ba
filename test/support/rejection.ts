/** What was thrown, for tests that look at more than one property of it. */
import type { ErrorLocation } from '../../lib/errors.js'

export type CodedError = Error & ErrorLocation & { code: string, errors?: CodedError[] }

/** The error that `act` throws, or rejects with. */
export async function errorOf (act: () => unknown): Promise<CodedError> {
  try {
    await act()
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return thrown as CodedError
    throw thrown
  }
  throw new Error('nothing was thrown')
}
