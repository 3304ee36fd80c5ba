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
import { TLSSocket } from 'node:tls'
import { identifyCertificate } from '../revocation/identity.js'
import type { RevocationMatch, RevocationPolicy, RevocationSet, RevocationStatus } from '../revocation/revocation-set.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Authority } from './authorities.js'
import { notAfterOf, PathFinder, type CertificatePath, type Intermediate } from './path.js'
import { type PeerCertificate, peerCertificateOf } from './peer-certificate.js'
import { reasonOfVerifyError, type RefusalReason } from './refusal-reason.js'
import { RememberedAdmissions } from './remembered-admissions.js'
import { verifyErrorOf } from './undocumented.js'

export interface Refusal {
  readonly admitted: false
  readonly reason: RefusalReason
  /** What OpenSSL, or the gate itself, said. Never sent to the client. */
  readonly detail: string
  /** Parsed when it is first asked for; undefined where there is none, or none that can be parsed. */
  readonly certificate: X509Certificate | undefined
  /** What revokes the certificate, or one of its path. */
  readonly match?: RevocationMatch
}

export interface Admission {
  readonly admitted: true
  /** The certificate that was judged; undefined where none was asked for or, under verify=optional, none was sent. */
  readonly certificate: X509Certificate | undefined
  /**
   * The certificate's paths. Undefined where a session was resumed whose full handshake is forgotten:
   * only the leaf is known then, and the admission ends with the rules that it was made under.
   */
  readonly paths: readonly CertificatePath[] | undefined
  /** When it ends by itself, in milliseconds since 1970. */
  readonly deadline: number
  /** The rules that it was made under; see `Gate.changeRules`. */
  readonly rules: number
}

export type Verdict = Admission | Refusal

export interface GateOptions {
  readonly authorities: readonly Authority[]
  /** Where the set in force is: one reference, read anew for each decision. */
  readonly revocations?: { readonly set: RevocationSet } | undefined
  /** The clock, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /**
   * How many clients are remembered (10,000): their next handshake costs less. Who is forgotten and resumes
   * a session is admitted all the same, and cut when the rules change.
   */
  readonly remember?: number
}

/** The gate of one TLS endpoint. */
export class Gate {
  readonly #verify: TlsEndpoint['verify']
  readonly #policy: RevocationPolicy
  readonly #revocations: { readonly set: RevocationSet } | undefined
  readonly #now: () => number
  readonly #remembered: RememberedAdmissions
  /** The set that those were admitted under, who are remembered. */
  #rememberedUnder: RevocationSet | undefined
  #paths: PathFinder
  /** The rules since which the authorities are those in force. */
  #pathsSince = 1
  /** Those before them, and since when they were. */
  #before: { readonly paths: PathFinder, readonly since: number } | undefined
  #generation = 1
  #rules = 1
  /** When a deadline was found to have passed, while all whom it concerns are looked at. */
  #moment = -Infinity

  constructor (policy: Pick<TlsEndpoint, 'verify'> & RevocationPolicy, { authorities, revocations, now = Date.now, remember = 10_000 }: GateOptions) {
    this.#verify = policy.verify
    this.#policy = policy
    this.#revocations = revocations
    this.#now = now
    this.#remembered = new RememberedAdmissions(remember)
    this.#paths = new PathFinder(authorities, now)
  }

  /** An admission that was last held against this number needs no second look. */
  get generation (): number {
    return this.#generation
  }

  /**
   * A set of revoked certificates, or other authorities, are in force: what was admitted before must be
   * looked at again. Session tickets from before must not be taken any more: that is the caller's job.
   */
  changeRules (authorities?: readonly Authority[]): void {
    this.#generation++
    this.#rules++
    this.#remembered.clear()
    if (authorities === undefined || this.#paths.hasSameAuthorities(authorities)) return
    this.#before = { paths: this.#paths, since: this.#pathsSince }
    this.#paths = this.#paths.under(authorities)
    this.#pathsSince = this.#rules
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
      const known = this.#recall(shown)
      if (known !== undefined && !this.isPast(known.deadline)) return known
      return socket.isSessionReused() ? this.#judgeResumed(shown, rules, known) : this.#judgeFull(shown, rules, socket)
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
        const held = this.#paths.held(paths, certificate)
        return held.length === 0 ? refuse('unknown_ca', 'no path to an authority any more', { x509: certificate }) : this.#judgePaths(certificate, held)
      }
      if (rules !== this.#rules) return refuse('certificate_unknown', 'the path of a resumed session is not known', { x509: certificate })
      return this.isPast(deadline) ? refuse('certificate_expired', 'the certificate has expired', { x509: certificate }) : admission
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown', { x509: certificate })
    }
  }

  /**
   * The admission of a client that came before under the rules in force. They are all that it depends on, but
   * for the time and OpenSSL's verdict on this handshake.
   */
  #recall ({ key }: PeerCertificate): Admission | undefined {
    const set = this.#revocations?.set
    // Also if nobody has told of the change.
    if (set !== this.#rememberedUnder) this.#remembered.clear()
    this.#rememberedUnder = set
    return this.#remembered.get(key)
  }

  /**
   * OpenSSL has verified under the authorities that were in force when the handshake began, for as long as the client
   * makes it last. So only a path that was one under those counts, and that holds under those of now.
   */
  #judgeFull (shown: PeerCertificate, rules: number, socket: TLSSocket): Verdict {
    const leaf = identifyCertificate(shown.der)
    // Before the search, which costs more: a revoked leaf spoils every path.
    const match = this.#revocations?.set.find(leaf)
    if (match !== undefined) return refuse('certificate_revoked', 'the certificate is revoked', shown, match)
    const isBehind = rules < this.#pathsSince
    const before = isBehind && this.#before !== undefined && rules >= this.#before.since ? this.#before.paths : undefined
    if (isBehind && before === undefined) return refuse('certificate_unknown', 'the authorities changed more than once during the handshake', shown)
    const { x509 } = shown
    const sent = sentBehind(socket)
    const paths = before === undefined ? this.#paths.find(x509, leaf, sent) : this.#paths.held(before.find(x509, leaf, sent), x509)
    if (paths.length === 0) return refuse('unknown_ca', 'no path to an authority', shown)
    const verdict = this.#judgePaths(x509, paths)
    if (verdict.admitted && !isBehind) this.#remembered.set(shown.key, verdict)
    return verdict
  }

  /**
   * Of a resumed session only the leaf is known. Its ticket was made under the rules in force, since
   * older ones are worthless, and so its path was good under them when the full handshake was judged;
   * unless the rules changed between the client's hello, when the ticket was taken, and now.
   */
  #judgeResumed (shown: PeerCertificate, rules: number, known: Admission | undefined): Verdict {
    if (known !== undefined) return this.reconsider(known)
    const { der, x509 } = shown
    const alone = { certificates: [identifyCertificate(der)], anchor: undefined, sent: [], authorities: [], standsAlone: true, notAfter: notAfterOf(x509) }
    const verdict = this.#judgePaths(x509, [alone])
    if (!verdict.admitted) return verdict
    if (rules !== this.#rules) return refuse('certificate_unknown', 'the rules changed while a session was resumed', shown)
    return { ...verdict, paths: undefined }
  }

  #judgePaths (certificate: X509Certificate, paths: readonly CertificatePath[]): Verdict {
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
    ...(match === undefined ? {} : { match })
  }
}

/** Certificates that are looked at of those that a client sent behind its own. */
const MAX_SENT = 16

function sentBehind (socket: TLSSocket): Intermediate[] {
  const sent: Intermediate[] = []
  // Of the socket of a client this call answers the app; see client-socket.ts.
  let x509 = TLSSocket.prototype.getPeerX509Certificate.call(socket)?.issuerCertificate
  for (; x509 !== undefined && sent.length < MAX_SENT; x509 = x509.issuerCertificate) sent.push({ x509, identity: identifyCertificate(x509.raw) })
  return sent
}
