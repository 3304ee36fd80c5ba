/**
 * The digest of the members of a set: five sums of 32 bits, of the parts of the SHA-1 of each member.
 *
 * It changes by one member at a time, in any order, and Lua can compute it with its doubles. It finds accidents, and no
 * attackers: a client that may write the set can find members with the same sums.
 */
import { hash } from 'node:crypto'

const LANES = 5
const WRITTEN = /^\d{1,10}(?: \d{1,10}){4}$/

export class MembersDigest {
  readonly #sums = new Uint32Array(LANES)

  /** @param text as `toString` gives it; undefined if it is no digest */
  static parse (text: string): MembersDigest | undefined {
    if (!WRITTEN.test(text)) return undefined
    const digest = new MembersDigest()
    digest.#sums.set(text.split(' ').map(Number))
    return digest
  }

  add (member: string): void {
    this.#change(member, 1)
  }

  remove (member: string): void {
    this.#change(member, -1)
  }

  #change (member: string, sign: 1 | -1): void {
    const sums = this.#sums
    // A text of one character a byte takes a third of the time of a buffer.
    const bytes = hash('sha1', member, 'binary')
    for (let lane = 0, at = 0; lane < LANES; lane++, at += 4) {
      const word = bytes.charCodeAt(at) << 24 | bytes.charCodeAt(at + 1) << 16 | bytes.charCodeAt(at + 2) << 8 | bytes.charCodeAt(at + 3)
      sums[lane] = (sums[lane] as number) + sign * word
    }
  }

  /** What must be added to another digest to make this one, as text. */
  minus (other: MembersDigest): string {
    return this.#sums.map((sum, lane) => sum - (other.#sums[lane] as number)).join(' ')
  }

  copy (): MembersDigest {
    const copy = new MembersDigest()
    copy.#sums.set(this.#sums)
    return copy
  }

  /** As the writer's script writes it. */
  toString (): string {
    return this.#sums.join(' ')
  }
}
