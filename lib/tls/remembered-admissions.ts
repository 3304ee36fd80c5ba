/**
 * Remembers admitted clients, for two cases. A full handshake would search for the same paths again. And a resumed session
 * does not show what was sent with the leaf. An admission names its rules. Earlier rules are kept for clients that are in a
 * handshake when the rules change: their admission is judged again.
 *
 * The key is the whole certificate with its signature. A client with the same certificate has paths that were verified,
 * whatever else it sends this time.
 */
import type { Admission } from './verdict.js'

export class RememberedAdmissions {
  readonly #limit: number
  readonly #admissions = new Map<string, Admission>()

  /** @param limit how many clients; each takes 7 kB, and up to 2 kB for each intermediate */
  constructor (limit: number) {
    this.#limit = limit
  }

  get (key: string): Admission | undefined {
    const admission = this.#admissions.get(key)
    // Frequent clients stay, however many others come once.
    if (admission !== undefined) this.set(key, admission)
    return admission
  }

  set (key: string, admission: Admission): void {
    // Deleted first, so that the map is in order of use.
    this.#admissions.delete(key)
    this.#admissions.set(key, admission)
    if (this.#admissions.size > this.#limit) this.#admissions.delete(this.#admissions.keys().next().value as string)
  }
}
