/**
 * The rules of an allowed list, indexed so that a few lookups match a client against all of them: one for each name,
 * and one for each part of a name that a wildcard rule could have before or after its wildcard.
 */
import type { IdentifiedCertificate } from '../x509/identity.js'
import { spiffeIdOf } from '../x509/spiffe-id.js'
import type { SubjectName } from '../x509/subject-names.js'
import { addressBytes } from './address.js'
import { isPlainUri, type Rule, type RuleKind } from './rule.js'
import { keyOf, networkKey, RuleIndex } from './rule-index.js'

/** The parts of a client's own certificate that rules match. */
export type Applicant = Pick<IdentifiedCertificate, 'names' | 'tbs' | 'spki'>

/** If more rules match one client, that is a mistake or an attempt to waste our time. */
export const MOST_MATCHES = 1000

/** The rules in force. */
export class AllowedSet {
  readonly #index: RuleIndex
  readonly #ruleAt: (number: number) => Rule

  /**
   * @param index of all rules, each in its slot
   * @param ruleAt gives the rule of a number
   */
  constructor (index: RuleIndex, ruleAt: (number: number) => Rule) {
    this.#index = index
    this.#ruleAt = ruleAt
  }

  /** Indexes a few rules. A list is read by `parseAllowedList`, in slices. */
  static of (rules: readonly Rule[]): AllowedSet {
    const index = new RuleIndex()
    for (const rule of rules) index.add(rule)
    index.makeSlots()
    for (const number of rules.keys()) index.place(number)
    return new AllowedSet(index, (number) => rules[number] as Rule)
  }

  /** The number of rules. */
  get size (): number {
    return this.#index.size
  }

  /** All roles that the rules assign. */
  get roles (): ReadonlySet<string> {
    return this.#index.roles
  }

  /** All rules, in the order of the list. They are read again, so this is for reports. */
  get rules (): Rule[] {
    return Array.from({ length: this.size }, (_, number) => this.#ruleAt(number))
  }

  /**
   * The rules that a client matches, in the order of the list. This does not compare their issuers with its path. If more
   * than `MOST_MATCHES` match, it returns only some of them, but more than `MOST_MATCHES`.
   */
  rulesFor ({ names, tbs, spki }: Applicant): Rule[] {
    const found = new Map<number, Rule>()
    this.#lookUp(found, 'tbs', 'none', tbs)
    this.#lookUp(found, 'spki', 'none', spki)
    if (names.problem === undefined) {
      const spiffeId = spiffeIdOf(names)
      for (const name of names.names) {
        if (name.problem === undefined) this.#lookForName(found, name, spiffeId)
      }
    }
    return [...found].sort(([one], [other]) => one - other).map(([, rule]) => rule)
  }

  #lookForName (found: Map<number, Rule>, { kind, value }: SubjectName, spiffeId: string | undefined): void {
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
        for (const bits of this.#index.networkLengths) {
          if (bits < address.length * 4) this.#lookUp(found, 'ip', bits, networkKey(address, bits))
        }
        return
      }
      case 'uri':
        // By the rules of SPIFFE, a certificate with two URIs has no SPIFFE ID.
        if (/^spiffe:/i.test(value) && value !== spiffeId) return
        this.#lookUp(found, 'uri', 'none', value)
        if (this.#index.uriLengths.size === 0 || !isPlainUri(value)) return
        for (let slash = value.indexOf('/', value.indexOf('://') + 3); slash > 0; slash = value.indexOf('/', slash + 1)) {
          if (this.#index.uriLengths.has(slash)) this.#lookUp(found, 'uri', 'segments', value.slice(0, slash))
        }
    }
  }

  #lookUp (found: Map<number, Rule>, kind: RuleKind, wildcard: Rule['wildcard'], key: string): void {
    this.#index.find(kind, wildcard, key, (number) => {
      if (found.size > MOST_MATCHES || found.has(number)) return
      const rule = this.#ruleAt(number)
      if (rule.kind === kind && rule.wildcard === wildcard && keyOf(rule) === key) found.set(number, rule)
    })
  }
}

/** A label that `*` matches. */
const LABEL = /^[a-z0-9_-]+$/
