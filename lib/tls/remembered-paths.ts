/**
 * The paths of clients that were admitted with a full handshake, for those that come back with a session
 * ticket: of them Node shows the leaf, and nothing of what was sent with it.
 */
import type { CertificatePath } from './path.js'

export class RememberedPaths {
  readonly #most: number
  readonly #paths = new Map<string, readonly CertificatePath[]>()

  /** @param most how many clients; an entry takes 1 kB, and up to 2 kB for each intermediate */
  constructor (most: number) {
    this.#most = most
  }

  /** By the `tbs` of the leaf's identity. */
  get (leaf: string): readonly CertificatePath[] | undefined {
    return this.#paths.get(leaf)
  }

  set (leaf: string, paths: readonly CertificatePath[]): void {
    // Anew, so that the first of the map is who came least recently.
    this.#paths.delete(leaf)
    this.#paths.set(leaf, paths)
    if (this.#paths.size > this.#most) this.#paths.delete(this.#paths.keys().next().value as string)
  }

  clear (): void {
    this.#paths.clear()
  }
}
