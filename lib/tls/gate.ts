/**
 * The gate decides which clients are admitted after a TLS handshake, and which open connections must be closed.
 *
 * OpenSSL must accept a client first. The gate only refuses more, and chooses the alert. It judges every connection, resumed
 * or not, synchronously and before a byte of HTTP is read. It keeps the paths of the handshake, to judge again later. Any
 * exception in here is a refusal.
 *
 * An admission is valid until the next generation, and not beyond its deadline. A generation begins when revocations or
 * authorities change, or when the certificate of an open connection expires. So a later check compares two numbers and looks
 * at the clock.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { identifyCertificate, type IdentifiedCertificate } from '../x509/identity.js'
import { type AllowedSet, MOST_MATCHES } from '../allowed/allowed-set.js'
import type { Rule } from '../allowed/rule.js'
import type { RevocationSet } from '../revocation/set/revocation-set.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Authorities } from '../x509/authorities.js'
import { notAfterOf, PathFinder, type CertificatePath, type Intermediate } from './path.js'
import { type PeerCertificate, peerCertificateOf } from './peer-certificate.js'
import { reasonOfVerifyError, type RefusalReason } from './refusal-reason.js'
import { RememberedAdmissions } from './remembered-admissions.js'
import { type ChainBudget, SentIntermediates } from './sent-intermediates.js'
import { visible } from '../text/printable.js'
import { securityLevelOf } from '../x509/strength.js'
import { verifyErrorOf } from './undocumented.js'
import type { RevocationMatch, RevocationPolicy, RevocationStatus } from '../../types/revocation.js'
import type { Admission, Refusal, Verdict } from './verdict.js'

/** The revocations and the rules in force. */
export interface RulesInForce {
  readonly set: RevocationSet
  /** Undefined if every client with a certificate of the authorities is allowed. */
  readonly allowed?: AllowedSet | undefined
}

export interface GateOptions {
  readonly authorities: Authorities
  /** Holds the sets in force, which change in one step and are read for each verdict. */
  readonly revocations?: RulesInForce | undefined
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /**
   * How many clients are remembered (10,000); their next handshake is cheaper. A forgotten client that resumes a session is
   * admitted all the same. After a change of the rules, or if a rule with an issuer matches it, it must have a path that is
   * found without what it sent.
   */
  readonly remember?: number
  /** How many intermediates from clients are remembered (128). */
  readonly rememberIntermediates?: number
  /** Memory budget for the chains that clients send (the one of the process). */
  readonly budget?: ChainBudget
  /** Called for each client that is refused because the budget is used up. */
  readonly onExhausted?: () => void
  /** Called for each client that uses the budget once half of it is used. */
  readonly onRunningOut?: () => void
}

/** The gate of one TLS endpoint. */
export class Gate {
  readonly #verify: TlsEndpoint['verify']
  readonly #policy: RevocationPolicy
  readonly #revocations: RulesInForce | undefined
  readonly #now: () => number
  readonly #remembered: RememberedAdmissions
  readonly #intermediates: SentIntermediates
  readonly #onExhausted: () => void
  readonly #onRunningOut: () => void
  /** The sets at the last change of the rules. */
  #set: RevocationSet | undefined
  #allowed: AllowedSet | undefined
  #paths: PathFinder
  /** Number of the rules that brought the current authorities. */
  #pathsSince = 1
  /** Earlier authorities, newest first: a handshake may begin under one of them. */
  #earlier: ReadonlyArray<{ readonly paths: PathFinder, readonly since: number }> = []
  #generation = 1
  #rules = 1
  /** During the walk after an expiry: the time when the deadline was found to have passed. */
  #moment = -Infinity

  constructor (policy: Pick<TlsEndpoint, 'verify'> & Partial<Pick<TlsEndpoint, 'ciphers'>> & RevocationPolicy, options: GateOptions) {
    const { authorities, revocations, now = Date.now, remember = 10_000, rememberIntermediates, budget } = options
    const { onExhausted = () => {}, onRunningOut = () => {} } = options
    this.#verify = policy.verify
    this.#policy = policy
    this.#revocations = revocations
    this.#now = now
    this.#remembered = new RememberedAdmissions(remember)
    this.#intermediates = new SentIntermediates({ now, budget, remember: rememberIntermediates })
    this.#onExhausted = onExhausted
    this.#onRunningOut = onRunningOut
    this.#paths = new PathFinder(authorities, now, securityLevelOf(policy.ciphers))
    this.#set = revocations?.set
    this.#allowed = revocations?.allowed
  }

  /** The memory budget for chains that clients send. */
  get budget (): ChainBudget {
    return this.#intermediates.budget
  }

  /** An admission that was judged under this number is still valid. */
  get generation (): number {
    return this.#generation
  }

  /**
   * Revocations or authorities have changed: earlier admissions must be judged again. The caller must also invalidate earlier
   * session tickets.
   */
  changeRules (authorities?: Authorities): void {
    this.#beginRules()
    if (authorities === undefined || this.#paths.hasSameAuthorities(authorities)) return
    this.#earlier = [{ paths: this.#paths, since: this.#pathsSince }, ...this.#earlier].slice(0, MOST_EARLIER)
    this.#paths = this.#paths.under(authorities)
    this.#pathsSince = this.#rules
  }

  /** From now on, earlier admissions belong to other rules. */
  #beginRules (): void {
    this.#generation++
    this.#rules++
    this.#set = this.#revocations?.set
    this.#allowed = this.#revocations?.allowed
  }

  /** Whether the deadline of an admission has passed. */
  isPast (deadline: number): boolean {
    return deadline < this.#time
  }

  /**
   * A deadline has passed: earlier admissions must be judged again. Until `settle`, that time is the minimum, even if the clock
   * is set back during the walk over the connections.
   */
  advance (): void {
    this.#generation++
    this.#moment = this.#time
  }

  /** The walk has ended: the clock alone counts again. */
  settle (): void {
    this.#moment = -Infinity
  }

  get #time (): number {
    return Math.max(this.#now(), this.#moment)
  }

  /**
   * Judges the client of a handshake that OpenSSL has just finished. Never throws.
   * @param rules the value of `rules` when the handshake began
   */
  judge (socket: TLSSocket, rules: number): Verdict {
    let peer: PeerCertificate | undefined
    try {
      if (this.#verify === 'none') return this.#admitAnonymous()
      peer = peerCertificateOf(socket)
      if (peer === undefined) {
        return this.#verify === 'optional' ? this.#admitAnonymous() : refuse('certificate_required', 'the client sent no certificate')
      }
      const verifyError = verifyErrorOf(socket)
      if (verifyError !== undefined) return refuse(reasonOfVerifyError(verifyError), verifyError, peer)
      // The sets may have changed before `changeRules` was called.
      if (this.#revocations?.set !== this.#set || this.#revocations?.allowed !== this.#allowed) this.#beginRules()
      const remembered = this.#remembered.get(peer.key)
      // Apart from the time and OpenSSL's verdict on this handshake, a verdict depends on the rules alone.
      if (remembered?.rules === this.#rules && !this.isPast(remembered.deadline)) return remembered
      return socket.isSessionReused() ? this.#judgeResumed(peer, rules, remembered) : this.#judgeFull(peer, rules, remembered, socket)
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown', peer)
    }
  }

  /** The number of the rules in force, for `judge`. */
  get rules (): number {
    return this.#rules
  }

  /** Judges an earlier admission by the current rules. Never throws. */
  reconsider (admission: Admission): Verdict {
    const { certificate, paths, rules, deadline } = admission
    if (certificate === undefined) return admission
    try {
      if (paths !== undefined) {
        const valid = this.#paths.revalidate(paths, certificate)
        if (valid.length > 0) return this.#judgePaths(certificate, valid)
        return refuse('unknown_ca', 'no path to an authority any more', { x509: certificate })
      }
      if (rules !== this.#rules) return this.#judgeForgotten(certificate, rules)
      return this.isPast(deadline) ? refuse('certificate_expired', 'the certificate has expired', { x509: certificate }) : admission
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown', { x509: certificate })
    }
  }

  /**
   * OpenSSL has verified under the authorities that were in force when the handshake began, and the client decides how long it
   * lasts. So a path must be valid under those authorities, and under the current ones.
   *
   * @returns undefined if the authorities have changed too often since then
   */
  #search (
    x509: X509Certificate,
    leaf: IdentifiedCertificate,
    rules: number,
    intermediates: readonly Intermediate[],
    isAll: boolean
  ): readonly CertificatePath[] | undefined {
    if (rules >= this.#pathsSince) return this.#paths.find(x509, leaf, intermediates, isAll)
    const then = this.#earlier.find(({ since }) => since <= rules)
    return then === undefined ? undefined : this.#paths.revalidate(then.paths.find(x509, leaf, intermediates, isAll), x509)
  }

  /** @param earlier its admission under other rules, or one whose deadline has passed */
  #judgeFull (peer: PeerCertificate, rules: number, earlier: Admission | undefined, socket: TLSSocket): Verdict {
    const leaf = identifyCertificate(peer.der)
    // Checked before the search, which costs more: a revoked leaf is refused on every path.
    const match = this.#revocations?.set.find(leaf)
    if (match !== undefined) return refuse('certificate_revoked', 'the certificate is revoked', peer, match)
    const x509 = earlier?.certificate ?? peer.x509
    const sentEarlier = earlier?.paths?.flatMap(({ sentIntermediates }) => sentIntermediates) ?? []
    const paths = this.#search(x509, leaf, rules, [...sentEarlier, ...this.#intermediates.remembered], false)
    if (paths === undefined) return refuse('certificate_unknown', 'the authorities changed too often during the handshake', peer)
    let verdict = this.#judgePaths(x509, paths)
    this.#intermediates.remember(paths)
    if (!verdict.admitted && earlier !== undefined) {
      // OpenSSL has accepted the same certificate on those paths, which were verified with what was sent then.
      const reconsidered = this.reconsider(earlier)
      if (reconsidered.admitted) verdict = reconsidered
    }
    if (!verdict.admitted && !this.#isLeafRefused(verdict, x509, paths)) {
      const sent = this.#intermediates.look(socket, x509, leaf.tbs, this.#rules, paths.length > 0)
      if (sent === 'exhausted') {
        this.#onExhausted()
        return paths.length > 0 ? verdict : refuse('unknown_ca', WITHOUT_INTERMEDIATES, peer)
      }
      if (sent !== undefined && this.budget.isRunningOut) this.#onRunningOut()
      const others = this.#search(x509, leaf, rules, sent?.intermediates ?? [], sent?.isWhole ?? false) ?? []
      this.#intermediates.remember(others)
      if (others.length > 0) verdict = this.#judgePaths(x509, others)
      if (verdict.admitted) this.#intermediates.forgetLook(leaf.tbs)
    }
    if (verdict.admitted && rules >= this.#pathsSince) this.#remembered.set(peer.key, verdict)
    return verdict
  }

  /** Whether the leaf itself is the reason, so that no other path can help. */
  #isLeafRefused ({ matches }: Refusal, x509: X509Certificate, paths: readonly CertificatePath[]): boolean {
    if (this.isPast(notAfterOf(x509))) return true
    const [leaf] = paths[0]?.certificates ?? []
    // Rules are matched after revocations.
    if (isStranger(matches ?? (leaf === undefined ? undefined : this.#revocations?.allowed?.rulesFor(leaf).length))) return true
    return paths.some((path) => {
      const status = this.#revocations?.set.judge(path, this.#policy) ?? GOOD
      return status.status !== 'good' && status.index === 0
    })
  }

  /**
   * A resumed session shows only the leaf. Its ticket is accepted only under the rules of its full handshake, so the path was
   * good under them. If the rules have changed since the handshake began, the remembered admission is judged again.
   */
  #judgeResumed (peer: PeerCertificate, rules: number, earlier: Admission | undefined): Verdict {
    if (earlier !== undefined) {
      const verdict = this.reconsider(earlier)
      if (verdict.admitted) this.#remembered.set(peer.key, verdict)
      return verdict
    }
    const { der, x509 } = peer
    const leaf = identifyCertificate(der)
    // With an issuer, a rule depends on the path: without one the client could have fewer roles than after its full handshake.
    const isTied = this.#revocations?.allowed?.rulesFor(leaf).some(({ issuer }) => issuer !== undefined) === true
    if (rules !== this.#rules || isTied) return this.#judgeForgotten(x509, rules)
    const leafAlone = {
      certificates: [leaf], anchor: undefined, sentIntermediates: [], authorities: [], isSufficient: true, notAfter: notAfterOf(x509)
    }
    const verdict = this.#judgePaths(x509, [leafAlone])
    return verdict.admitted ? { ...verdict, paths: undefined } : verdict
  }

  /** The path of the client is forgotten, and the verdict depends on it: a path must be found without what the client sent. */
  #judgeForgotten (x509: X509Certificate, rules: number): Verdict {
    const paths = this.#search(x509, identifyCertificate(x509.raw), rules, this.#intermediates.remembered, false) ?? []
    if (paths.length > 0) return this.#judgePaths(x509, paths)
    return refuse('certificate_unknown', 'the path of a resumed session is not known', { x509 })
  }

  #judgePaths (certificate: X509Certificate, paths: readonly CertificatePath[]): Verdict {
    if (paths.length === 0) return refuse('unknown_ca', 'no path to an authority', { x509: certificate })
    const { admitting, refused } = judgePaths(paths, this.#revocations?.set, this.#policy)
    if (admitting.length === 0) return refuseFor(refused?.status, certificate)
    const { allowed, roles, matches } = allowPaths(admitting, this.#revocations?.allowed)
    if (allowed.length === 0) return refuseUnallowed(admitting[0]?.path.certificates[0], certificate, matches)
    const deadline = Math.max(...allowed.map(({ path, status }) => Math.min(path.notAfter, goodUntilOf(status))))
    if (this.isPast(deadline)) return refuse('certificate_expired', 'a certificate of the path has expired', { x509: certificate })
    return { admitted: true, certificate, paths, deadline, rules: this.#rules, roles }
  }

  #admitAnonymous (): Admission {
    return { admitted: true, certificate: undefined, paths: undefined, deadline: Infinity, rules: this.#rules, roles: [] }
  }
}

const WITHOUT_INTERMEDIATES = 'no path to an authority without the intermediates that the client sent: add them to authorities'

/** Earlier authorities that are kept for handshakes that began under them. */
const MOST_EARLIER = 3

const GOOD: RevocationStatus = { status: 'good' }

/** A path, and its status under the revocations in force. */
export interface PathStatus {
  readonly path: CertificatePath
  readonly status: RevocationStatus
}

/**
 * A client is admitted if it has a path without a revoked certificate, whose status is known if the policy requires that.
 *
 * @returns the paths that admit the client, and the status of a path that does not, if there is one
 * @throws as `RevocationSet.judge`
 */
export function judgePaths (
  paths: readonly CertificatePath[],
  set: RevocationSet | undefined,
  policy: RevocationPolicy
): { admitting: PathStatus[], refused: PathStatus | undefined } {
  const judged = paths.map((path) => ({ path, status: set?.judge(path, policy) ?? GOOD }))
  const refused = judged.find(({ status }) => status.status === 'revoked') ?? judged.find(({ status }) => status.status === 'unknown')
  const admitting = judged.filter(({ path, status }) => status.status === 'good' && (refused === undefined || path.isSufficient))
  return { admitting, refused }
}

function goodUntilOf (status: RevocationStatus): number {
  return status.status === 'good' ? status.goodUntil?.getTime() ?? Infinity : -Infinity
}

function refuseFor (status: RevocationStatus | undefined, x509: X509Certificate): Refusal {
  if (status?.status !== 'unknown') {
    const match = status?.status === 'revoked' ? status : undefined
    return refuse('certificate_revoked', 'every path contains a revoked certificate', { x509 }, match)
  }
  const detail = status.isExpired ? 'the CRL that covers a certificate of the path has expired' : 'no CRL covers a certificate of the path'
  return refuse('certificate_unknown', detail, { x509 })
}

/** The paths on which the rules of the allowed list let a client in, its roles, and the rules that match it. */
export interface AllowedPaths {
  readonly allowed: readonly PathStatus[]
  readonly roles: readonly string[]
  readonly rules: readonly Rule[]
  /** How many rules match it, whatever their issuers. */
  readonly matches: number
}

/**
 * Matches a client with the rules. A rule with an issuer counts only on paths with that key. If these are not all paths,
 * OpenSSL may have accepted another one, so they must stand alone.
 *
 * @param admitting the paths that are not revoked
 */
export function allowPaths (admitting: readonly PathStatus[], set: AllowedSet | undefined): AllowedPaths {
  const leaf = admitting[0]?.path.certificates[0]
  if (set === undefined || leaf === undefined) return { allowed: admitting, roles: [], rules: [], matches: 0 }
  const matching = set.rulesFor(leaf)
  if (isStranger(matching.length)) return { allowed: [], roles: [], rules: [], matches: matching.length }
  const roles = new Set<string>()
  const allowed = new Set<PathStatus>()
  const rules: Rule[] = []
  for (const rule of matching) {
    const { issuer } = rule
    const on = issuer === undefined ? admitting : admitting.filter(({ path }) => hasAuthorityKey(path, issuer))
    const counted = on.length === admitting.length ? on : on.filter(({ path }) => path.isSufficient)
    if (counted.length === 0) continue
    rules.push(rule)
    for (const one of counted) allowed.add(one)
    for (const role of rule.roles) roles.add(role)
  }
  return { allowed: [...allowed], roles: [...roles], rules, matches: matching.length }
}

/** Whether no path can help a client that so many rules match; undefined without rules. */
function isStranger (matches: number | undefined): boolean {
  return matches === 0 || (matches !== undefined && matches > MOST_MATCHES)
}

/** Whether an authority of the path has the key. */
function hasAuthorityKey ({ certificates: [, ...intermediates], anchor }: CertificatePath, spki: string): boolean {
  return anchor?.spki === spki || intermediates.some((certificate) => certificate.spki === spki)
}

/** At most so many names are logged. A client may have thousands. */
const MOST_NAMES = 10
const LONGEST_NAME = 200

function refuseUnallowed (leaf: IdentifiedCertificate | undefined, x509: X509Certificate, matches: number): Refusal {
  const { names = [], problem } = leaf?.names ?? {}
  const shown = names.slice(0, MOST_NAMES).map(({ kind, value }) => visible(`${kind}:${value}`).slice(0, LONGEST_NAME))
  return Object.assign(refuse('access_denied', detailOf(matches, problem), { x509 }), { names: shown, matches })
}

function detailOf (matches: number, problem: string | undefined): string {
  if (matches > MOST_MATCHES) return `the certificate matches more than ${MOST_MATCHES} rules of allowedFile, so none counts`
  if (matches > 0) return 'the rules of allowedFile that match the certificate have another issuer'
  return problem === undefined
    ? 'no rule of allowedFile matches the names of the certificate'
    : `the names of the certificate do not count: ${problem}`
}

/** @param peer the client's certificate; a stranger's is parsed on demand only */
function refuse (reason: RefusalReason, detail: string, peer?: Pick<PeerCertificate, 'x509'>, match?: RevocationMatch): Refusal {
  return {
    admitted: false,
    reason,
    detail,
    get certificate () {
      try {
        return peer?.x509
      } catch {
        return undefined
      }
    },
    ...(match !== undefined && { match })
  }
}
