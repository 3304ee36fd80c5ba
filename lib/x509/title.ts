/** Names of certificates for messages. */
import type { X509Certificate } from 'node:crypto'
import { visible } from '../text/printable.js'

/** The subject, or the alternative name or serial number where it is empty (public CAs leave it empty); printable. */
export function titleOf ({ subject, subjectAltName, serialNumber }: X509Certificate): string {
  return visible(oneLineName(subject) || subjectAltName || `number ${serialNumber.toLowerCase()}`)
}

/** A name on one line. Node gives undefined for an empty one. */
export function oneLineName (name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
