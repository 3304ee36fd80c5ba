/**
 * The rules of an allowed list, indexed so that a few lookups match a client against all of them: one for each name,
 * and one for each part of a name that a wildcard rule could have before or after its wildcard.
 */
import { Slices } from '../turns.js'
import type { IdentifiedCertificate } from '../x509/identity.js'
import { spiffeIdOf } from '../x509/spiffe-id.js'
import type { SubjectName } from '../x509/subject-names.js'
import { addressBytes } from './address.js'
import { isPlainUri, type Rule } from './rule.js'

/** The parts of a client's own certificate that rules match. */
export type Applicant = Pick<IdentifiedCertificate, 'names' | 'tbs' | 'spki'>

/** The rules in force. */
export class AllowedSet {
  readonly rules: readonly Rule[]
  /** All roles that the rules assign. */
  readonly roles: ReadonlySet<string>
  readonly #byKey = new Map<string, Rule | Rule[]>()
  /** The lengths of URIs and networks in wildcard rules: only parts of these lengths are looked up. */
  readonly #uriLengths = new Set<number>()
  readonly #networkLengths = new Set<number>()
  #isTied = false

  private constructor (rules: readonly Rule[], roles: ReadonlySet<string>) {
    this.rules = rules
    this.roles = roles
  }

  /** Indexes a few rules. */
  static now (rules: readonly Rule[]): AllowedSet {
    const set = new AllowedSet(rules, new Set(rules.flatMap(({ roles }) => roles)))
    for (const rule of rules) set.#add(rule)
    return set
  }

  /** Indexes rules in slices, so that the event loop is not blocked. */
  static async of (rules: readonly Rule[]): Promise<AllowedSet> {
    const roles = new Set<string>()
    const set = new AllowedSet(rules, roles)
    const slices = new Slices()
    for (const rule of rules) {
      for (const role of rule.roles) roles.add(role)
      set.#add(rule)
      if (slices.over) await slices.next()
    }
    return set
  }

  #add (rule: Rule): void {
    const { kind, wildcard, value } = rule
    if (wildcard === 'segments') this.#uriLengths.add(value.length)
    if (typeof wildcard === 'number') this.#networkLengths.add(wildcard)
    if (rule.issuer !== undefined) this.#isTied = true
    const key = keyOf(kind, wildcard, typeof wildcard === 'number' ? networkKey(value, wildcard) : value)
    const there = this.#byKey.get(key)
    if (there === undefined) this.#byKey.set(key, rule)
    else if (Array.isArray(there)) there.push(rule)
    else this.#byKey.set(key, [there, rule])
  }

  /** Whether a rule has an issuer, so that the path of a client counts. */
  get isTied (): boolean {
    return this.#isTied
  }

  /**
   * The rules that a client matches, in the order of the list. Their issuers are not compared with its path here.
   */
  rulesFor ({ names, tbs, spki }: Applicant): Rule[] {
    const found = new Set<Rule>()
    this.#lookUp(found, 'tbs', 'none', tbs)
    this.#lookUp(found, 'spki', 'none', spki)
    if (names.problem === undefined) {
      const spiffeId = spiffeIdOf(names)
      for (const name of names.names) {
        if (name.problem === undefined) this.#lookForName(found, name, spiffeId)
      }
    }
    return [...found].sort((one, other) => one.line - other.line)
  }

  #lookForName (found: Set<Rule>, { kind, value }: SubjectName, spiffeId: string | undefined): void {
    switch (kind) {
      case 'cn': return this.#lookUp(found, 'cn', 'none', value)
      case 'dns': {
        this.#lookUp(found, 'dns', 'none', value)
        const dot = value.indexOf('.')
        if (dot > 0 && LABEL.test(value.slice(0, dot))) this.#lookUp(found, 'dns', 'label', value.slice(dot + 1))
        return
      }
      case 'email':
        this.#lookUp(found, 'email', 'none', value)
        return this.#lookUp(found, 'email', 'local', value.slice(value.indexOf('@') + 1))
      case 'ip': {
        const address = Buffer.from(addressBytes(value)).toString('hex')
        this.#lookUp(found, 'ip', 'none', address)
        for (const bits of this.#networkLengths) {
          if (bits < address.length * 4) this.#lookUp(found, 'ip', bits, networkKey(address, bits))
        }
        return
      }
      case 'uri':
        // By the rules of SPIFFE, a certificate with two URIs has no SPIFFE ID.
        if (/^spiffe:/i.test(value) && value !== spiffeId) return
        this.#lookUp(found, 'uri', 'none', value)
        if (this.#uriLengths.size === 0 || !isPlainUri(value)) return
        for (let slash = value.indexOf('/', value.indexOf('://') + 3); slash > 0; slash = value.indexOf('/', slash + 1)) {
          if (this.#uriLengths.has(slash)) this.#lookUp(found, 'uri', 'segments', value.slice(0, slash))
        }
    }
  }

  #lookUp (found: Set<Rule>, kind: Rule['kind'], wildcard: Rule['wildcard'], value: string): void {
    const rules = this.#byKey.get(keyOf(kind, wildcard, value))
    if (rules === undefined) return
    if (Array.isArray(rules)) for (const rule of rules) found.add(rule)
    else found.add(rules)
  }
}

/** A label that `*` matches. */
const LABEL = /^[a-z0-9_-]+$/

function keyOf (kind: Rule['kind'], wildcard: Rule['wildcard'], value: string): string {
  return `${kind} ${wildcard} ${value}`
}

/**
 * The key of the network with `bits` leading bits that contains an address. It begins with the length of the address,
 * which separates IPv4 from IPv6. It must be fast: a certificate may have a thousand addresses.
 *
 * @param address in hexadecimal
 */
function networkKey (address: string, bits: number): string {
  const digits = bits >> 2
  const left = bits & 3
  const whole = `${address.length}/${address.slice(0, digits)}`
  return left === 0 ? whole : whole + (Number.parseInt(address.charAt(digits), 16) & 0xf0 >> left).toString(16)
}
