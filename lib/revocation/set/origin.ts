/** Where a revocation is stated. */
import type { RevocationOrigin } from '../../../types/revocation.js'

/** The file or source of a revocation; empty for a line of the list. */
export function originPlace ({ file, source }: RevocationOrigin): string {
  return file ?? source ?? ''
}
