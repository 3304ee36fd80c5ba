/**
 * Finds rules by what they match: a hash table with open addressing, in flat arrays. It holds the number of each rule, not
 * the rule itself.
 *
 * With an object and a string for each of a hundred thousand rules, the garbage collector blocked the event loop for up to
 * 75 ms while a list was loaded. It does not scan these arrays.
 *
 * Others may choose the names in rules, so the hash is keyed: an attacker cannot prepare names that share one slot.
 */
import { randomFillSync } from 'node:crypto'
import { halfSipHash } from '../half-sip-hash.js'
import { RULE_KINDS, type Rule, type RuleKind } from './rule.js'

const FEWEST = 8
const WILDCARDS = ['none', 'label', 'local', 'segments']

export class RuleIndex {
  /** All roles that the rules assign. */
  readonly roles = new Set<string>()
  /** The lengths of URIs and networks in wildcard rules: only parts of these lengths are looked up. */
  readonly uriLengths = new Set<number>()
  readonly networkLengths = new Set<number>()
  readonly #key = randomFillSync(new Uint32Array(2))
  #size = 0
  /** The hash of each rule. */
  #hashes = new Int32Array(FEWEST)
  /** For each slot one more than the number of its rule; 0 where it is free. */
  #slots = new Uint32Array(0)
  /** The value being looked up, two characters in a word, with space for the longest of all rules. */
  #words = new Int32Array(FEWEST)

  /** The number of rules. */
  get size (): number {
    return this.#size
  }

  /** Adds a rule. Its number is the count of those before. */
  add (rule: Rule): void {
    const { kind, wildcard, value, roles } = rule
    if (wildcard === 'segments') this.uriLengths.add(value.length)
    if (typeof wildcard === 'number') this.networkLengths.add(wildcard)
    for (const role of roles) this.roles.add(role)
    const key = keyOf(rule)
    if (key.length > this.#words.length * 2) this.#words = new Int32Array(key.length)
    if (this.#size === this.#hashes.length) this.#hashes = doubled(this.#hashes)
    this.#hashes[this.#size++] = this.#hash(kind, wildcard, key)
  }

  /** Call when all rules were added: it provides a slot for each. `place` then puts them there, one by one. */
  makeSlots (): void {
    let slots = FEWEST
    // At least half of them stay free.
    while (slots < this.#size * 2) slots *= 2
    this.#slots = new Uint32Array(slots)
  }

  /** Puts a rule in a slot. @returns how many rules before it match the same */
  place (number: number): number {
    const slots = this.#slots
    const hash = this.#hashes[number] as number
    let same = 0
    let at = hash & slots.length - 1
    for (; slots[at] !== 0; at = at + 1 & slots.length - 1) {
      if (this.#hashes[(slots[at] as number) - 1] === hash) same++
    }
    slots[at] = number + 1
    return same
  }

  /**
   * Visits the rules that have a value, and perhaps others, in the order of their numbers.
   *
   * @param key see `keyOf`
   */
  find (kind: RuleKind, wildcard: Rule['wildcard'], key: string, visit: (number: number) => void): void {
    if (key.length > this.#words.length * 2) return
    const slots = this.#slots
    const hash = this.#hash(kind, wildcard, key)
    for (let at = hash & slots.length - 1; slots[at] !== 0; at = at + 1 & slots.length - 1) {
      const number = (slots[at] as number) - 1
      if (this.#hashes[number] === hash) visit(number)
    }
  }

  #hash (kind: RuleKind, wildcard: Rule['wildcard'], key: string): number {
    const words = this.#words
    const { length } = key
    let count = 0
    for (let at = 0; at < length; at += 2) words[count++] = key.charCodeAt(at) | (at + 1 < length ? key.charCodeAt(at + 1) << 16 : 0)
    const code = typeof wildcard === 'number' ? WILDCARDS.length + wildcard : WILDCARDS.indexOf(wildcard)
    return halfSipHash(this.#key, words, count, (code * RULE_KINDS.length + RULE_KINDS.indexOf(kind)) << 16 | length)
  }
}

function doubled (array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

/** What a rule is found by: its value, or the leading bits of its network. */
export function keyOf ({ wildcard, value }: Pick<Rule, 'wildcard' | 'value'>): string {
  return typeof wildcard === 'number' ? networkKey(value, wildcard) : value
}

/**
 * The key of the network with `bits` leading bits that contains an address. It begins with the length of the address,
 * which separates IPv4 from IPv6. It must be fast: a certificate may have a thousand addresses.
 *
 * @param address in hexadecimal
 */
export function networkKey (address: string, bits: number): string {
  const digits = bits >> 2
  const left = bits & 3
  const whole = `${address.length}/${address.slice(0, digits)}`
  return left === 0 ? whole : whole + (Number.parseInt(address.charAt(digits), 16) & 0xf0 >> left).toString(16)
}
