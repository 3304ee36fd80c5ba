/**
 * The gate: who may go on after a TLS handshake, and who of those that are in must leave.
 *
 * OpenSSL's verdict is necessary; the gate only refuses more, and picks the alert. It decides
 * synchronously, before a byte of HTTP is read, on every connection, resumed or not, and keeps what it
 * needs to decide again: the paths that were found in the handshake. Whatever throws in here refuses.
 *
 * An admission holds until the next generation, and not beyond its deadline. A generation begins when a
 * set of revoked certificates or other authorities are put in force, or when the certificate of an open
 * connection expires; so who wants to know whether an admission still holds compares two numbers, and
 * looks at the clock.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { identifyCertificate, type IdentifiedCertificate } from '../x509/identity.js'
import type { RevocationSet } from '../revocation/set/revocation-set.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Authorities } from '../x509/authorities.js'
import { notAfterOf, PathFinder, type CertificatePath, type Intermediate } from './path.js'
import { type PeerCertificate, peerCertificateOf } from './peer-certificate.js'
import { reasonOfVerifyError, type RefusalReason } from './refusal-reason.js'
import { RememberedAdmissions } from './remembered-admissions.js'
import { type ChainBudget, SentIntermediates } from './sent-intermediates.js'
import { securityLevelOf } from '../x509/strength.js'
import { verifyErrorOf } from './undocumented.js'
import type { RevocationMatch, RevocationPolicy, RevocationStatus } from '../../types/revocation.js'
import type { Admission, Refusal, Verdict } from './verdict.js'

export interface GateOptions {
  readonly authorities: Authorities
  /** Where the set in force is: one reference, read anew for each decision. */
  readonly revocations?: { readonly set: RevocationSet } | undefined
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /**
   * How many clients are remembered (10,000): their next handshake costs less. Who is forgotten and resumes
   * a session is admitted all the same. When the rules change it stays if its path is found without what it sent.
   */
  readonly remember?: number
  /** How many of the intermediates are remembered that clients have sent (128). */
  readonly rememberIntermediates?: number
  /** What may be lost for chains that clients send; that of the process, unless another one is given. */
  readonly budget?: ChainBudget
  /** Called for each client that is refused because nothing may be lost any more. */
  readonly onExhausted?: () => void
  /** Called for each client for which something is lost when half of what may be is. */
  readonly onRunningOut?: () => void
}

/** The gate of one TLS endpoint. */
export class Gate {
  readonly #verify: TlsEndpoint['verify']
  readonly #policy: RevocationPolicy
  readonly #revocations: { readonly set: RevocationSet } | undefined
  readonly #now: () => number
  readonly #remembered: RememberedAdmissions
  readonly #intermediates: SentIntermediates
  readonly #onExhausted: () => void
  readonly #onRunningOut: () => void
  /** The set that the rules began with. */
  #set: RevocationSet | undefined
  #paths: PathFinder
  /** The rules since which the authorities are those in force. */
  #pathsSince = 1
  /** Those before them, the newest first, and since when they were: a handshake may last longer than they are in force. */
  #before: ReadonlyArray<{ readonly paths: PathFinder, readonly since: number }> = []
  #generation = 1
  #rules = 1
  /** When a deadline was found to have passed, while all whom it concerns are looked at. */
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
  }

  /** What may be lost for chains that clients send, and what was. */
  get budget (): ChainBudget {
    return this.#intermediates.budget
  }

  /** An admission that was last held against this number needs no second look. */
  get generation (): number {
    return this.#generation
  }

  /**
   * A set of revoked certificates, or other authorities, are in force: what was admitted before must be
   * looked at again. Session tickets from before must not be taken any more: that is the caller's job.
   */
  changeRules (authorities?: Authorities): void {
    this.#begin()
    if (authorities === undefined || this.#paths.hasSameAuthorities(authorities)) return
    this.#before = [{ paths: this.#paths, since: this.#pathsSince }, ...this.#before].slice(0, MOST_BEFORE)
    this.#paths = this.#paths.under(authorities)
    this.#pathsSince = this.#rules
  }

  /** Those whom it remembers were admitted under other rules from now on. */
  #begin (): void {
    this.#generation++
    this.#rules++
    this.#set = this.#revocations?.set
  }

  /** Whether the deadline of an admission has passed. */
  isPast (deadline: number): boolean {
    return deadline < this.#time
  }

  /**
   * A deadline has passed: what was admitted before must be looked at again. Until `settle` it has passed for all of
   * that time, also if the clock is set back before the last one was looked at.
   */
  advance (): void {
    this.#generation++
    this.#moment = this.#time
  }

  /** All were looked at: what counts is the clock. */
  settle (): void {
    this.#moment = -Infinity
  }

  get #time (): number {
    return Math.max(this.#now(), this.#moment)
  }

  /**
   * Judges the client of a handshake that OpenSSL has just finished. Never throws.
   * @param rules what `rules` was when the handshake began
   */
  judge (socket: TLSSocket, rules: number): Verdict {
    let shown: PeerCertificate | undefined
    try {
      if (this.#verify === 'none') return this.#admitAnonymous()
      shown = peerCertificateOf(socket)
      if (shown === undefined) {
        return this.#verify === 'optional' ? this.#admitAnonymous() : refuse('certificate_required', 'the client sent no certificate')
      }
      const verifyError = verifyErrorOf(socket)
      if (verifyError !== undefined) return refuse(reasonOfVerifyError(verifyError), verifyError, shown)
      // Also if nobody has told of the change.
      if (this.#revocations?.set !== this.#set) this.#begin()
      const known = this.#remembered.get(shown.key)
      // The rules are all that it depends on, but for the time and OpenSSL's verdict on this handshake.
      if (known?.rules === this.#rules && !this.isPast(known.deadline)) return known
      return socket.isSessionReused() ? this.#judgeResumed(shown, rules, known) : this.#judgeFull(shown, rules, known, socket)
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown', shown)
    }
  }

  /** The number of the rules in force, for `judge`. */
  get rules (): number {
    return this.#rules
  }

  /** What is in force says of an earlier admission. Never throws. */
  reconsider (admission: Admission): Verdict {
    const { certificate, paths, rules, deadline } = admission
    if (certificate === undefined) return admission
    try {
      if (paths !== undefined) {
        const held = this.#paths.revalidate(paths, certificate)
        return held.length === 0 ? refuse('unknown_ca', 'no path to an authority any more', { x509: certificate }) : this.#judgePaths(certificate, held)
      }
      if (rules !== this.#rules) return this.#judgeForgotten(certificate, rules)
      return this.isPast(deadline) ? refuse('certificate_expired', 'the certificate has expired', { x509: certificate }) : admission
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown', { x509: certificate })
    }
  }

  /**
   * OpenSSL has verified under the authorities that were in force when the handshake began, for as long as the client
   * makes it last. So only a path that was one under those counts, and that holds under those of now.
   *
   * @returns undefined where the authorities have changed too often since then
   */
  #search (x509: X509Certificate, leaf: IdentifiedCertificate, rules: number, intermediates: readonly Intermediate[], isAll: boolean): readonly CertificatePath[] | undefined {
    if (rules >= this.#pathsSince) return this.#paths.find(x509, leaf, intermediates, isAll)
    const then = this.#before.find(({ since }) => since <= rules)
    return then === undefined ? undefined : this.#paths.revalidate(then.paths.find(x509, leaf, intermediates, isAll), x509)
  }

  /** @param known what it was admitted as under other rules, or until a moment that has passed */
  #judgeFull (shown: PeerCertificate, rules: number, known: Admission | undefined, socket: TLSSocket): Verdict {
    const leaf = identifyCertificate(shown.der)
    // Before the search, which costs more: a revoked leaf spoils every path.
    const match = this.#revocations?.set.find(leaf)
    if (match !== undefined) return refuse('certificate_revoked', 'the certificate is revoked', shown, match)
    const x509 = known?.certificate ?? shown.x509
    const sentBefore = known?.paths?.flatMap(({ sent }) => sent) ?? []
    const paths = this.#search(x509, leaf, rules, [...sentBefore, ...this.#intermediates.known], false)
    if (paths === undefined) return refuse('certificate_unknown', 'the authorities changed too often during the handshake', shown)
    let verdict = this.#judgePaths(x509, paths)
    this.#intermediates.remember(paths)
    if (!verdict.admitted && known !== undefined) {
      // OpenSSL has accepted the same certificate by those paths, which were proved with all that was sent then.
      const held = this.reconsider(known)
      if (held.admitted) verdict = held
    }
    if (!verdict.admitted && !this.#isLeafRefused(x509, paths)) {
      const sent = this.#intermediates.look(socket, x509, leaf.tbs, this.#rules, paths.length > 0)
      if (sent === 'exhausted') {
        this.#onExhausted()
        return paths.length > 0 ? verdict : refuse('unknown_ca', 'no path to an authority without the intermediates that the client sent: put them into authorities', shown)
      }
      if (sent !== undefined && this.budget.isRunningOut) this.#onRunningOut()
      const others = this.#search(x509, leaf, rules, sent?.intermediates ?? [], sent?.isWhole ?? false) ?? []
      this.#intermediates.remember(others)
      if (others.length > 0) verdict = this.#judgePaths(x509, others)
      if (verdict.admitted) this.#intermediates.forgetLook(leaf.tbs)
    }
    if (verdict.admitted && rules >= this.#pathsSince) this.#remembered.set(shown.key, verdict)
    return verdict
  }

  /** Whether no other path could help. */
  #isLeafRefused (x509: X509Certificate, paths: readonly CertificatePath[]): boolean {
    if (this.isPast(notAfterOf(x509))) return true
    return paths.some((path) => {
      const status = this.#revocations?.set.judge(path, this.#policy) ?? GOOD
      return status.status !== 'good' && status.index === 0
    })
  }

  /**
   * Of a resumed session only the leaf is known. Its ticket was made under the rules that were in force when it was
   * taken, and so its path was good under them when the full handshake was judged. Where others are in force by now,
   * what is remembered of that handshake is held against them.
   */
  #judgeResumed (shown: PeerCertificate, rules: number, known: Admission | undefined): Verdict {
    if (known !== undefined) {
      const verdict = this.reconsider(known)
      if (verdict.admitted) this.#remembered.set(shown.key, verdict)
      return verdict
    }
    const { der, x509 } = shown
    if (rules !== this.#rules) return this.#judgeForgotten(x509, rules)
    const alone = { certificates: [identifyCertificate(der)], anchor: undefined, sent: [], authorities: [], standsAlone: true, notAfter: notAfterOf(x509) }
    const verdict = this.#judgePaths(x509, [alone])
    return verdict.admitted ? { ...verdict, paths: undefined } : verdict
  }

  /** A client whose path is forgotten, and the rules are not those of its session: it needs a path without what it has sent. */
  #judgeForgotten (x509: X509Certificate, rules: number): Verdict {
    const paths = this.#search(x509, identifyCertificate(x509.raw), rules, this.#intermediates.known, false) ?? []
    return paths.length === 0 ? refuse('certificate_unknown', 'the path of a resumed session is not known', { x509 }) : this.#judgePaths(x509, paths)
  }

  #judgePaths (certificate: X509Certificate, paths: readonly CertificatePath[]): Verdict {
    if (paths.length === 0) return refuse('unknown_ca', 'no path to an authority', { x509: certificate })
    const { left, refused } = judgePaths(paths, this.#revocations?.set, this.#policy)
    if (left.length === 0) return refuseFor(refused?.status, certificate)
    const deadline = Math.max(...left.map(({ path, status }) => Math.min(path.notAfter, goodUntilOf(status))))
    if (this.isPast(deadline)) return refuse('certificate_expired', 'a certificate of the path has expired', { x509: certificate })
    return { admitted: true, certificate, paths, deadline, rules: this.#rules }
  }

  #admitAnonymous (): Admission {
    return { admitted: true, certificate: undefined, paths: undefined, deadline: Infinity, rules: this.#rules }
  }
}

/** Authorities from before that are kept for the handshakes that began under them. */
const MOST_BEFORE = 3

const GOOD: RevocationStatus = { status: 'good' }

/** A path, and what is in force of revocations says of it. */
export interface PathStatus {
  readonly path: CertificatePath
  readonly status: RevocationStatus
}

/**
 * Good is who has a path without a revoked certificate, and of known status if the policy asks for that.
 *
 * @returns the paths that let a client in, and, if not all do, why the others don't
 * @throws as `RevocationSet.judge`
 */
export function judgePaths (paths: readonly CertificatePath[], set: RevocationSet | undefined, policy: RevocationPolicy): { left: PathStatus[], refused: PathStatus | undefined } {
  const judged = paths.map((path) => ({ path, status: set?.judge(path, policy) ?? GOOD }))
  const refused = judged.find(({ status }) => status.status === 'revoked') ?? judged.find(({ status }) => status.status === 'unknown')
  return { left: judged.filter(({ path, status }) => status.status === 'good' && (refused === undefined || path.standsAlone)), refused }
}

function goodUntilOf (status: RevocationStatus): number {
  return status.status === 'good' ? status.goodUntil?.getTime() ?? Infinity : -Infinity
}

function refuseFor (status: RevocationStatus | undefined, x509: X509Certificate): Refusal {
  if (status?.status !== 'unknown') return refuse('certificate_revoked', 'every path holds a revoked certificate', { x509 }, status?.status === 'revoked' ? status : undefined)
  const detail = status.isExpired ? 'the CRL that covers a certificate of the path has expired' : 'no CRL covers a certificate of the path'
  return refuse('certificate_unknown', detail, { x509 })
}

/** @param shown whose certificate it is: a stranger's is parsed only if somebody asks for it */
function refuse (reason: RefusalReason, detail: string, shown?: Pick<PeerCertificate, 'x509'>, match?: RevocationMatch): Refusal {
  return {
    admitted: false,
    reason,
    detail,
    get certificate () {
      try {
        return shown?.x509
      } catch {
        return undefined
      }
    },
    ...(match !== undefined && { match })
  }
}
