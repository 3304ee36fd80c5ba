/**
 * Rejects an allowed list that is also the revocation list. Lines of `tbs:` and `spki:` are valid in both, so nothing else
 * would show that revoked clients are allowed.
 */
import { type ErrorLocation, errors, located } from '../errors.js'
import { quotePath } from '../text/printable.js'
import { look, type Observation, sameObservation } from '../watching/observation.js'
import { allowedName } from './load.js'

/** The paths of the lists that an endpoint has. */
export interface ListPaths {
  readonly revokedFile?: string | undefined
  readonly allowedFile?: string | undefined
}

/**
 * Looks at both files.
 *
 * @throws FST_ENDPOINT_ALLOWED_INVALID if they are the same file, also through a link
 */
export async function rejectSharedFile ({ revokedFile, allowedFile }: ListPaths): Promise<void> {
  if (revokedFile === undefined || allowedFile === undefined) return
  const problem = problemOfSharedFile(allowedFile, revokedFile, await look(allowedFile), await look(revokedFile))
  if (problem !== undefined) throw problem
}

/** The error if both paths were seen to be the same file. */
export function problemOfSharedFile (
  allowedFile: string, revokedFile: string, allowed: Observation | undefined, revoked: Observation | undefined
): Error & ErrorLocation | undefined {
  if (allowed === undefined || 'error' in allowed || !sameObservation(allowed, revoked)) return undefined
  const problem = `it is the same file as revokedFile ${quotePath(revokedFile)}: ` +
    'write the clients that may connect into a file of their own'
  return located(new errors.FST_ENDPOINT_ALLOWED_INVALID(allowedName(allowedFile), problem), { file: allowedFile, argument: 'allowedFile' })
}
