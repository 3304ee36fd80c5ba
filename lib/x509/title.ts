/** What a person calls a certificate. */
import type { X509Certificate } from 'node:crypto'
import { visible } from '../text/printable.js'

/** Its subject, or what there is where that is empty, as public authorities leave it; fit for a message. */
export function titleOf ({ subject, subjectAltName, serialNumber }: X509Certificate): string {
  return visible(oneLineName(subject) || subjectAltName || `number ${serialNumber.toLowerCase()}`)
}

/** A name on one line. To Node an empty one is undefined. */
export function oneLineName (name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
