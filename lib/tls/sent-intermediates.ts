/**
 * What clients send behind their own certificates: looked at where nothing else leads to an authority, within a
 * budget, and remembered where it did.
 *
 * Node shows it by `getPeerX509Certificate` alone, and loses a native copy of each certificate of it for ever (see
 * peer-certificate.ts). So that is a matter of a budget for the whole process, which ends. To go on without it, put the
 * intermediates into `authorities`.
 *
 * The budget cannot be used up cheaply. OpenSSL has verified whoever draws on it. A client that is remembered, or
 * whose intermediates are, draws nothing. One certificate draws once under the same rules, and under others again
 * after a time that doubles. And those whose only fault is a revoked authority share a quarter of the budget, however
 * many leaves of that authority they hold.
 */
import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { identifyCertificate } from '../x509/identity.js'
import { parseCertificate } from '../x509/parsed-certificate.js'
import { notAfterOf, type CertificatePath, type Intermediate } from './path.js'

/** Bytes of memory that the process may lose. */
const MOST_LOST = 64 * 1024 * 1024
/** How many bytes are lost for one that a client sends, at the most: 23 of an ordinary certificate, 49 of one made of tiny extensions. */
const LOST_FOR_A_BYTE = 50
/** The part of the budget for those who have a path that is refused. */
const SECOND_OPINIONS = 1 / 4
/** The part of the budget whose loss is a warning. */
const RUNNING_OUT = 1 / 2

/** The memory that a process may lose to Node for the chains that clients send. */
export class ChainBudget {
  readonly most: number
  #lost = 0
  #lostToSecondOpinions = 0

  /** @param most bytes */
  constructor (most = MOST_LOST) {
    this.most = most
  }

  /** Bytes that may be lost so far; what was lost is less, by half for ordinary certificates. */
  get lost (): number {
    return this.#lost
  }

  /** @param isSecondOpinion whether a path is known, and refused */
  allows (isSecondOpinion: boolean): boolean {
    return this.#lost < this.most && !(isSecondOpinion && this.#lostToSecondOpinions >= this.most * SECOND_OPINIONS)
  }

  /** Whether so much is lost that somebody should know before it is all. */
  get isRunningOut (): boolean {
    return this.#lost >= this.most * RUNNING_OUT
  }

  /** @param bytes that a client has sent behind its own certificate */
  charge (bytes: number, isSecondOpinion: boolean): void {
    this.#lost += bytes * LOST_FOR_A_BYTE
    if (isSecondOpinion) this.#lostToSecondOpinions += bytes * LOST_FOR_A_BYTE
  }
}

/** State of the process, as is the memory that it is about. */
const budgetOfProcess = new ChainBudget()

/** Intermediates that are remembered: how many, and their bytes in DER. */
const MOST_REMEMBERED = 128
const MOST_BYTES = 256 * 1024
/** Clients that are known to have been looked at. */
const MOST_LOOKS = 10_000
/** Milliseconds until a certificate may draw on the budget once more, under other rules; and that time at the most. */
const FIRST_PAUSE = 60_000
const LONGEST_PAUSE = 24 * 3_600_000
/** Certificates of a chain that are looked at, those of them that may be issuers, and those with one subject. */
const MOST_SENT = 64
const MOST_ISSUERS = 16
const MOST_OF_A_LEVEL = 4

interface SentIntermediatesOptions {
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  /** That of the process, unless another one is given. */
  readonly budget?: ChainBudget | undefined
  /** How many intermediates are remembered (128). */
  readonly remember?: number | undefined
}

/** What a client has sent behind its own certificate. */
export interface SentChain {
  /** Those that may be issuers of its own. */
  readonly intermediates: readonly Intermediate[]
  /** Whether there is nothing beside them that may be one. */
  readonly isWhole: boolean
}

type Remembered = Intermediate & { readonly notAfter: number, readonly size: number }

/** The intermediates that the clients of one endpoint have sent. */
export class SentIntermediates {
  readonly budget: ChainBudget
  readonly #now: () => number
  readonly #most: number
  /** By their `tbs`, the one that was used least recently first. They survive all changes of the rules. */
  readonly #remembered = new Map<string, Remembered>()
  #bytes = 0
  /** By the `tbs` of a client: under which rules its chain was looked at last, and when that may be done again. */
  readonly #looks = new Map<string, { rules: number, pause: number, again: number }>()

  constructor ({ now, budget = budgetOfProcess, remember = MOST_REMEMBERED }: SentIntermediatesOptions) {
    this.budget = budget
    this.#now = now
    this.#most = remember
  }

  /** Those that are remembered, and have not expired. */
  get known (): readonly Intermediate[] {
    const now = this.#now()
    for (const [tbs, { notAfter }] of this.#remembered) if (notAfter < now) this.#forget(tbs)
    return [...this.#remembered.values()]
  }

  /** Remembers what has led to an authority: its links have been verified. */
  remember (paths: readonly CertificatePath[]): void {
    for (const { x509, identity } of paths.flatMap(({ sent }) => sent)) {
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

  /** A look that has let a client in costs it no pause: it may have to come again when it is forgotten. */
  forgetLook (tbs: string): void {
    this.#looks.delete(tbs)
  }

  #forget (tbs: string): void {
    this.#bytes -= this.#remembered.get(tbs)?.size ?? 0
    this.#remembered.delete(tbs)
  }

  /**
   * Looks at what a client has sent, if that may be done.
   *
   * @param tbs of the client's certificate
   * @param isSecondOpinion whether a path of it is known, and refused
   * @returns undefined where it was looked at before; `exhausted` where the budget is
   */
  look (socket: TLSSocket, leaf: X509Certificate, tbs: string, rules: number, isSecondOpinion: boolean): SentChain | 'exhausted' | undefined {
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
    // Of the socket of a client this call answers the app; see client-socket.ts.
    for (let x509 = TLSSocket.prototype.getPeerX509Certificate.call(socket)?.issuerCertificate; x509 !== undefined; x509 = x509.issuerCertificate) {
      bytes += x509.raw.length
      if (++count <= MOST_SENT) sent.push(x509)
    }
    this.budget.charge(bytes, isSecondOpinion)
    const { issuers, isWhole } = issuersOf(leaf, sent)
    return { intermediates: issuers.map(copy), isWhole: isWhole && count <= MOST_SENT }
  }
}

/**
 * Of what was sent, what has issued the leaf by its name, what has issued that, and so on. The order is kept:
 * OpenSSL takes the first that fits.
 */
function issuersOf (leaf: X509Certificate, sent: readonly X509Certificate[]): { issuers: readonly X509Certificate[], isWhole: boolean } {
  const issuers = new Set<X509Certificate>()
  let isWhole = true
  for (let level = [leaf]; level.length > 0;) {
    const fitting = sent.filter((one) => !issuers.has(one) && level.some((subject) => subject.checkIssued(one)))
    level = fitting.slice(0, Math.min(MOST_OF_A_LEVEL, MOST_ISSUERS - issuers.size))
    if (level.length < fitting.length) isWhole = false
    for (const one of level) issuers.add(one)
  }
  return { issuers: [...issuers], isWhole }
}

/** Each certificate of Node's holds the one behind it, and so all the rest of the chain. */
function copy ({ raw }: X509Certificate): Intermediate {
  return { x509: parseCertificate(raw), identity: identifyCertificate(raw) }
}
