/** Certificates that expire while a client uses them. */
import type { Site } from './mutual-tls.js'
import type { Issued } from './pki.js'

const SECOND = 1000
/** A machine that needs longer for a handshake and a request is of no use for any test. */
const LONGEST_LIFE = 32 * SECOND

/** A client certificate that ends at a whole second, as certificates do, after some time. */
export function endsIn (site: Site, milliseconds: number): Promise<Issued> {
  return site.ca.issue({ name: 'short-lived', usage: 'client', notAfter: new Date(Math.ceil((Date.now() + milliseconds) / SECOND) * SECOND) })
}

/**
 * Uses a certificate that ends soon, so that the test need not wait long. A loaded machine may be too slow for that: then it tries
 * again with one that lives twice as long.
 *
 * @param use gives undefined, or rejects, if the certificate may have ended too early
 * @throws what `use` threw in time, or with the longest life
 */
export async function whileItLives<T> (site: Site, use: (leaf: Issued, end: number) => Promise<T | undefined>): Promise<T> {
  for (let life = SECOND; ; life *= 2) {
    const leaf = await endsIn(site, life)
    const end = Date.parse(leaf.x509.validTo)
    try {
      const outcome = await use(leaf, end)
      if (outcome !== undefined) return outcome
      if (life >= LONGEST_LIFE) throw new Error(`it ended too early with a certificate of ${life} ms`)
    } catch (thrown) {
      if (life >= LONGEST_LIFE || Date.now() < end) throw thrown
    }
  }
}
