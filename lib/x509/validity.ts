/** The time in which a certificate is valid. */
import type { X509Certificate } from 'node:crypto'
import { errors } from '../errors.js'

/** Milliseconds since 1970. */
export interface Validity {
  readonly begins: number
  readonly ends: number
}

/** @throws FST_ENDPOINT_DER_INVALID for an impossible time, such as 30 February, which OpenSSL accepts */
export function readValidity ({ validFrom, validTo }: X509Certificate): Validity {
  const validity = { begins: Date.parse(validFrom), ends: Date.parse(validTo) }
  if (Number.isNaN(validity.begins + validity.ends)) throw new errors.FST_ENDPOINT_DER_INVALID('its validity does not have two times')
  return validity
}
