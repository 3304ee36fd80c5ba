/**
 * The clients that were admitted, for those that come again: with a full handshake, where the search for their
 * paths would find what it found before, and with a session ticket, where nothing is known of what was sent with the
 * leaf. An admission says under which rules it was made. That of other rules is kept for those who are in a
 * handshake when the rules change: it has to be held against those in force.
 *
 * They are known by the whole certificate, signature included: who comes with the same one
 * has paths that were proved already, whatever else was sent this time.
 */
import type { Admission } from './verdict.js'

export class RememberedAdmissions {
  readonly #most: number
  readonly #admissions = new Map<string, Admission>()

  /** @param most how many clients; an entry takes 7 kB, and up to 2 kB for each intermediate */
  constructor (most: number) {
    this.#most = most
  }

  get (key: string): Admission | undefined {
    const admission = this.#admissions.get(key)
    // Who comes often stays, however many others come once.
    if (admission !== undefined) this.set(key, admission)
    return admission
  }

  set (key: string, admission: Admission): void {
    // Anew, so that the first of the map is who came least recently.
    this.#admissions.delete(key)
    this.#admissions.set(key, admission)
    if (this.#admissions.size > this.#most) this.#admissions.delete(this.#admissions.keys().next().value as string)
  }
}
