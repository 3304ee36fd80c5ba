/** Where a revocation is stated. */
import type { RevocationOrigin } from '../../../types/revocation.js'

/** The file, or the source, that something stands in. */
export function placeOf ({ file, source }: RevocationOrigin): string {
  return file ?? source ?? ''
}
