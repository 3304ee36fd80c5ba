/**
 * Reads the intermediates that clients send, within a budget, if nothing else leads to an authority. Those that do are
 * remembered.
 *
 * Only `getPeerX509Certificate` shows them, and Node leaks a native copy of each certificate that it returns (see
 * peer-certificate.ts). So the process has a budget for this, which is never refilled. To avoid using it, add the intermediates
 * to `authorities`.
 *
 * The budget cannot be used up cheaply. Only clients that OpenSSL has verified use it. A client that is remembered, or whose
 * intermediates are, uses nothing. A certificate uses it once under the same rules, and under other rules again after a pause
 * that doubles. And clients whose only fault is a revoked authority share a quarter of the budget, however many leaves of that
 * authority they hold.
 */
import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { identifyCertificate } from '../x509/identity.js'
import { parseCertificate } from '../x509/parsed-certificate.js'
import { notAfterOf, type CertificatePath, type Intermediate } from './path.js'

/** Bytes of memory that the process may leak. */
const MOST_LEAKED = 64 * 1024 * 1024
/** The most bytes that leak per byte from a client: 23 for an ordinary certificate, 49 for one made of tiny extensions. */
const LEAKED_PER_BYTE = 50
/** The part of the budget for clients whose known path is refused. */
const SECOND_OPINIONS = 1 / 4
/** A warning is written when this part of the budget is used. */
const RUNNING_OUT = 1 / 2

/** The memory that a process may leak for the chains that clients send. */
export class ChainBudget {
  readonly most: number
  #leaked = 0
  #leakedForSecondOpinions = 0

  /** @param most bytes */
  constructor (most = MOST_LEAKED) {
    this.most = most
  }

  /** Upper bound of the bytes leaked so far; for ordinary certificates it is about half of that. */
  get lost (): number {
    return this.#leaked
  }

  /** @param isSecondOpinion whether a path is known, and refused */
  allows (isSecondOpinion: boolean): boolean {
    return this.#leaked < this.most && !(isSecondOpinion && this.#leakedForSecondOpinions >= this.most * SECOND_OPINIONS)
  }

  /** Whether a warning is due. */
  get isRunningOut (): boolean {
    return this.#leaked >= this.most * RUNNING_OUT
  }

  /** @param bytes that a client has sent behind its own certificate */
  charge (bytes: number, isSecondOpinion: boolean): void {
    this.#leaked += bytes * LEAKED_PER_BYTE
    if (isSecondOpinion) this.#leakedForSecondOpinions += bytes * LEAKED_PER_BYTE
  }
}

/** Belongs to the process, as its memory does. */
const budgetOfProcess = new ChainBudget()

/** Intermediates that are remembered: how many, and their bytes in DER. */
const MOST_REMEMBERED = 128
const MOST_BYTES = 256 * 1024
/** Clients whose last look is remembered. */
const MOST_LOOKS = 10_000
/** Milliseconds until a certificate may use the budget again, under other rules: the first pause, and the longest. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = 24 * 3_600_000
/** Limits of a chain: certificates that are read, possible issuers among them, and those of one level. */
const MOST_SENT = 64
const MOST_ISSUERS = 16
const MOST_OF_A_LEVEL = 4

interface SentIntermediatesOptions {
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** The budget (that of the process). */
  readonly budget?: ChainBudget | undefined
  /** How many intermediates are remembered (128). */
  readonly remember?: number | undefined
}

/** The intermediates that a client has sent. */
export interface SentChain {
  /** Possible issuers of the client's certificate. */
  readonly intermediates: readonly Intermediate[]
  /** Whether these are all possible issuers. */
  readonly isWhole: boolean
}

type Remembered = Intermediate & { readonly notAfter: number, readonly size: number }

/** The intermediates that the clients of one endpoint have sent. */
export class SentIntermediates {
  readonly budget: ChainBudget
  readonly #now: () => number
  readonly #most: number
  /** By their `tbs`, in order of use. They survive all changes of the rules. */
  readonly #remembered = new Map<string, Remembered>()
  #bytes = 0
  /** By the `tbs` of a client: the rules of the last look at its chain, and the time when another one is allowed. */
  readonly #looks = new Map<string, { rules: number, pause: number, again: number }>()

  constructor ({ now, budget = budgetOfProcess, remember = MOST_REMEMBERED }: SentIntermediatesOptions) {
    this.budget = budget
    this.#now = now
    this.#most = remember
  }

  /** Remembered intermediates that have not expired. */
  get remembered (): readonly Intermediate[] {
    const now = this.#now()
    for (const [tbs, { notAfter }] of this.#remembered) if (notAfter < now) this.#forget(tbs)
    return [...this.#remembered.values()]
  }

  /** Remembers intermediates of paths, whose signatures have been verified. */
  remember (paths: readonly CertificatePath[]): void {
    for (const { x509, identity } of paths.flatMap(({ sentIntermediates }) => sentIntermediates)) {
      const size = x509.raw.length
      if (size > MOST_BYTES / 4) continue
      this.#forget(identity.tbs)
      this.#remembered.set(identity.tbs, { x509, identity, notAfter: notAfterOf(x509), size })
      this.#bytes += size
    }
    for (const tbs of this.#remembered.keys()) {
      if (this.#remembered.size <= this.#most && this.#bytes <= MOST_BYTES) break
      this.#forget(tbs)
    }
  }

  /** The client was admitted after all, so there is no pause: once it is forgotten it needs another look. */
  forgetLook (tbs: string): void {
    this.#looks.delete(tbs)
  }

  #forget (tbs: string): void {
    this.#bytes -= this.#remembered.get(tbs)?.size ?? 0
    this.#remembered.delete(tbs)
  }

  /**
   * Reads what a client has sent, if it may.
   *
   * @param tbs `tbs` of the client's certificate
   * @param isSecondOpinion whether the client has a path, but one that is refused
   * @returns undefined if there was a look before; `exhausted` if the budget is used up
   */
  look (
    socket: TLSSocket,
    leaf: X509Certificate,
    tbs: string,
    rules: number,
    isSecondOpinion: boolean
  ): SentChain | 'exhausted' | undefined {
    const last = this.#looks.get(tbs)
    if (last !== undefined && (last.rules === rules || this.#now() < last.again)) return undefined
    if (!this.budget.allows(isSecondOpinion)) return 'exhausted'
    const pause = last === undefined ? FIRST_PAUSE : Math.min(2 * last.pause, LONGEST_PAUSE)
    this.#looks.delete(tbs)
    this.#looks.set(tbs, { rules, pause, again: this.#now() + pause })
    if (this.#looks.size > MOST_LOOKS) this.#looks.delete(this.#looks.keys().next().value as string)
    const sent: X509Certificate[] = []
    let bytes = 0
    let count = 0
    // Not `socket.getPeerX509Certificate`, which client-socket.ts replaces for the app.
    const own = TLSSocket.prototype.getPeerX509Certificate.call(socket)
    for (let x509 = own?.issuerCertificate; x509 !== undefined; x509 = x509.issuerCertificate) {
      bytes += x509.raw.length
      if (++count <= MOST_SENT) sent.push(x509)
    }
    this.budget.charge(bytes, isSecondOpinion)
    const { issuers, isWhole } = issuersOf(leaf, sent)
    return { intermediates: issuers.map(copy), isWhole: isWhole && count <= MOST_SENT }
  }
}

/**
 * The possible issuers of the leaf by name, their possible issuers, and so on. Keeps the order: OpenSSL uses the first that
 * matches.
 */
function issuersOf (leaf: X509Certificate, sent: readonly X509Certificate[]): { issuers: readonly X509Certificate[], isWhole: boolean } {
  const issuers = new Set<X509Certificate>()
  let isWhole = true
  for (let level = [leaf]; level.length > 0;) {
    const fitting = sent.filter((issuer) => !issuers.has(issuer) && level.some((subject) => subject.checkIssued(issuer)))
    level = fitting.slice(0, Math.min(MOST_OF_A_LEVEL, MOST_ISSUERS - issuers.size))
    if (level.length < fitting.length) isWhole = false
    for (const issuer of level) issuers.add(issuer)
  }
  return { issuers: [...issuers], isWhole }
}

/** Node's object refers to its issuer, and would keep the whole chain. */
function copy ({ raw }: X509Certificate): Intermediate {
  return { x509: parseCertificate(raw), identity: identifyCertificate(raw) }
}
