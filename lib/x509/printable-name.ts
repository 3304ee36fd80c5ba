import { printable } from '../text/printable.js'

/**
 * A distinguished name as Node gives it, on one line and of bounded length: a client chooses what its certificate
 * request says. Node separates the parts with line feeds, and escapes those inside; it gives undefined for an empty name.
 */
export function printableName (name: string | undefined): string {
  return printable((name ?? '').split('\n').join(', '))
}
