/**
 * The clients that were admitted under the rules in force, for those that come again: with a full
 * handshake, where the search for their paths would find what it found before, and with a session ticket,
 * where Node shows the leaf and nothing of what was sent with it.
 *
 * They are known by the whole certificate, signature included: who comes with the same one
 * has paths that were proved already, whatever else was sent this time.
 */
import type { TLSSocket } from 'node:tls'
import { DerCursor } from '../revocation/der.js'
import type { Admission } from './gate.js'

/** OpenSSL's SSL_SESSION in DER holds the peer's certificate under this tag, [3] EXPLICIT (ssl_asn1.c). */
const PEER = 0xa3

export class RememberedAdmissions {
  readonly #most: number
  readonly #admissions = new Map<string, Admission>()

  /** @param most how many clients; an entry takes 7 kB, and up to 2 kB for each intermediate */
  constructor (most: number) {
    this.#most = most
  }

  get size (): number {
    return this.#admissions.size
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

  clear (): void {
    this.#admissions.clear()
  }
}

/** What an admission is remembered under: all of the certificate, since a string of it takes less time to make than a hash. */
export function keyOf (bytes: Buffer, start = 0, end = bytes.length): string {
  return bytes.toString('latin1', start, end)
}

/**
 * The key of the certificate that the client of a finished handshake has shown.
 *
 * Read out of the session, which takes some 10 µs: where a client sends intermediates, `getPeerX509Certificate`
 * of Node copies each of them and OpenSSL 3 reads it anew, which takes 130 µs and more.
 * @returns undefined where there is none, or the session does not look as it should
 */
export function keyOfPeer (socket: TLSSocket): string | undefined {
  const session = socket.getSession()
  if (session === undefined) return undefined
  try {
    const element = new DerCursor().read(session, 0, session.length)
    const { end } = element
    for (let place = element.content; place < end; place = element.end) {
      if (element.read(session, place, end).tag === PEER) return keyOf(session, element.content, element.end)
    }
    return undefined
  } catch {
    return undefined
  } finally {
    // It holds the master secret.
    session.fill(0)
  }
}
