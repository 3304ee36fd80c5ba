/**
 * The restriction of a route: `config: { endpoint: { clientCertificate: 'required' } }`, or
 * `{ allow: ['role:admin', 'uri:spiffe://example.org/ns/shop/*'] }`, where one pattern must match the client.
 *
 * A mistake in it is an error when the route is registered, and not when the first client sends a request.
 */
import type { X509Certificate } from 'node:crypto'
import { AllowedSet } from './allowed-set.js'
import { parseRule, ROLE, ROLE_FORM, type Rule, RuleProblem } from './rule.js'
import { errors } from '../errors.js'
import { nearest } from '../text/nearest.js'
import { printable } from '../text/printable.js'
import { identifyCertificate } from '../x509/identity.js'
import type { NameKind, SubjectNames } from '../x509/subject-names.js'
import type { ClientIdentity } from '../../types/client-identity.js'

/** The parts of a route that messages show. */
export interface RouteName {
  readonly method: string | string[]
  readonly url: string
}

/** The restriction of one route. */
export class RouteDemand {
  /** All roles that it names. */
  readonly roles: ReadonlySet<string>
  /** Undefined if every client with a certificate may pass. */
  readonly #rules: AllowedSet | undefined
  /** The identity of a connection stays the same object until the rules in force change. */
  readonly #admitted = new WeakMap<ClientIdentity, boolean>()

  private constructor (roles: ReadonlySet<string>, rules: AllowedSet | undefined) {
    this.roles = roles
    this.#rules = rules
  }

  /**
   * Parses `config.endpoint` of a route.
   *
   * @throws FST_ENDPOINT_INVALID_ROUTE
   */
  static of (demand: unknown, route: RouteName): RouteDemand {
    const invalid = (problem: string): Error => new errors.FST_ENDPOINT_INVALID_ROUTE(titleOf(route), problem)
    if (typeof demand !== 'object' || demand === null) throw invalid(`must be an object: write ${FORMS}`)
    const { clientCertificate, allow, ...others } = demand as { clientCertificate?: unknown, allow?: unknown }
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) {
      const meant = nearest(unknown, ['clientCertificate', 'allow'])
      throw invalid(`has a member ${printable(unknown)} that does not exist${meant === undefined ? '' : `; did you mean ${meant}?`}`)
    }
    if (clientCertificate === undefined && allow === undefined) throw invalid(`must not be empty: write ${FORMS}`)
    if (clientCertificate !== undefined && allow !== undefined) {
      throw invalid('must have clientCertificate or allow, not both: allow requires a certificate too')
    }
    if (clientCertificate !== undefined && clientCertificate !== 'required') {
      throw invalid('must have \'required\' as clientCertificate, or no clientCertificate')
    }
    if (allow === undefined) return new RouteDemand(new Set(), undefined)
    if (!Array.isArray(allow) || allow.length === 0 || !allow.every((pattern) => typeof pattern === 'string')) {
      throw invalid('must have a list of at least one string as allow: an empty list would admit no client')
    }
    const roles = new Set<string>()
    const rules: Rule[] = []
    for (const pattern of allow as string[]) {
      try {
        const role = /^role:(.*)$/s.exec(pattern)?.[1]
        if (role === undefined) rules.push(parsePattern(pattern))
        else if (ROLE.test(role)) roles.add(role)
        else throw new RuleProblem(ROLE_FORM)
      } catch (thrown) {
        throw thrown instanceof RuleProblem ? invalid(`has ${printable(pattern)} in allow: ${thrown.message}`) : thrown
      }
    }
    return new RouteDemand(roles, AllowedSet.of(rules))
  }

  /**
   * Whether a client may pass.
   *
   * @param request has its certificate, which is read only if the answer is not known yet
   */
  admits (identity: ClientIdentity, request: { readonly clientCertificate?: X509Certificate | undefined }): boolean {
    if (this.#rules === undefined) return true
    let admitted = this.#admitted.get(identity)
    if (admitted === undefined) {
      admitted = this.#matches(this.#rules, identity, request.clientCertificate)
      this.#admitted.set(identity, admitted)
    }
    return admitted
  }

  #matches (rules: AllowedSet, identity: ClientIdentity, certificate: X509Certificate | undefined): boolean {
    if (identity.roles.some((role) => this.roles.has(role))) return true
    if (rules.size === 0) return false
    const keys = certificate === undefined ? { tbs: '', spki: '' } : identifyCertificate(certificate.raw)
    return rules.rulesFor({ names: namesOf(identity), tbs: keys.tbs, spki: keys.spki }).length > 0
  }
}

/** The restrictions of the routes of an app, and the roles that they name. */
export class RouteDemands {
  #given: ReadonlySet<string> | undefined
  #onUnknown = (_role: string, _route: string): void => {}
  /** The roles that routes name, and the first route that names each. */
  readonly #named = new Map<string, string>()

  /**
   * Reads the restriction of a route. Hooks may replace it, so this may be called again for the same route.
   *
   * @throws FST_ENDPOINT_INVALID_ROUTE
   */
  read (value: unknown, route: RouteName): RouteDemand {
    const demand = RouteDemand.of(value, route)
    for (const role of demand.roles) {
      if (this.#named.has(role)) continue
      this.#named.set(role, titleOf(route))
      this.#check(role)
    }
    return demand
  }

  /**
   * Sets the roles that the rules give. Those of earlier routes are checked now.
   *
   * @param onUnknown called once for each role that no rule gives, with the first route that names it
   */
  know (roles: ReadonlySet<string>, onUnknown: (role: string, route: string) => void): void {
    this.#given = roles
    this.#onUnknown = onUnknown
    for (const role of this.#named.keys()) this.#check(role)
  }

  #check (role: string): void {
    if (this.#given?.has(role) === false) this.#onUnknown(role, this.#named.get(role) as string)
  }
}

function titleOf ({ method, url }: RouteName): string {
  return `${[method].flat().join(', ')} ${printable(url)}`
}

const FORMS = '{ clientCertificate: \'required\' } or { allow: [\'role:admin\'] }'

function parsePattern (pattern: string): Rule {
  if (/[ \t]/.test(pattern)) throw new RuleProblem('a pattern in a route has neither issuer= nor role=; write a space in it as %20')
  return parseRule(pattern, 0)
}

/** The names of an identity. A test of the app may have invented it. */
function namesOf ({ commonName, dns, uris, emails, ips, spiffeId }: ClientIdentity): SubjectNames {
  const of = (kind: NameKind, values: readonly string[]): SubjectNames['names'] => values.map((value) => ({ kind, value }))
  const cn = commonName === undefined ? [] : [commonName]
  return {
    names: [...of('cn', cn), ...of('dns', dns), ...of('uri', uris), ...of('email', emails), ...of('ip', ips)],
    // Without this no spiffe: rule matches.
    isLeaf: spiffeId !== undefined
  }
}
