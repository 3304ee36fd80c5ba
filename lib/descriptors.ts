/**
 * The file descriptors of this process. Clients can use them up, by their connections or by what the app opens for
 * their requests. The files that revoke such a client could then not be read.
 *
 * So connections leave a reserve free, and a few descriptors are held back. When a file cannot be opened, one of them
 * is released until the file has been read.
 */
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'
import { devNull } from 'node:os'

/** The reserve, or a quarter of a low limit. The app also needs descriptors, for files and databases. */
const RESERVE = 128
/** How many descriptors are held back. A thread needs seven of them to start, and some are always reserved for reading. */
const HELD_BACK = 10
const FOR_READING = 2
/** The longest time in ms for which new connections are rejected, so that they do not use what was released. */
const LOAN = 1000
/** Milliseconds before another try to hold back descriptors. */
const RETRY = 250

export class Descriptors {
  #limit: number | undefined
  #forConnections: number | undefined
  readonly #heldBack: number[] = []
  readonly #users = new Map<() => void, number>()
  #loans = 0
  #timer: NodeJS.Timeout | undefined

  /** @param limit the most open descriptors; by default that of the process */
  constructor (limit?: number) {
    this.#limit = limit
  }

  /** How many descriptors the process may open; Infinity if unknown or unlimited. */
  get limit (): number {
    this.#limit ??= readLimit()
    return this.#limit
  }

  /** How many connections fit with the reserve left free. */
  get forConnections (): number {
    this.#forConnections ??= this.limit === Infinity ? Infinity : Math.max(1, this.limit - Math.min(RESERVE, Math.ceil(this.limit / 4)))
    return this.#forConnections
  }

  /**
   * Holds some descriptors back, until every caller has released them.
   * @param makeRoom called when no descriptors are left: closes what the app can spare
   * @returns releases them
   */
  holdBack (makeRoom: () => void = () => {}, count = HELD_BACK): () => void {
    this.#users.set(makeRoom, count)
    this.#refill()
    return () => {
      this.#users.delete(makeRoom)
      this.#giveUp(this.#heldBack.length - this.#wanted)
      if (this.#wanted === 0) clearTimeout(this.#timer)
    }
  }

  /**
   * Whether a connection uses a part of the reserve.
   *
   * The system assigns the lowest free number. So the number of a descriptor shows how many are open, in all apps and
   * threads of the process.
   * @param fileno its descriptor
   */
  isReserved (fileno: number): boolean {
    return fileno >= this.forConnections
  }

  /** Whether some are lent, so that there is room for no connection. */
  get areLent (): boolean {
    return this.#loans > 0
  }

  /** A connection was closed, so descriptors that could not be reopened may be available now. */
  closed (): void {
    if (this.#loans === 0 && this.#heldBack.length < this.#wanted) this.#refill()
  }

  /** Whether fewer than `count` descriptors are free. */
  areScarce (count: number): boolean {
    const opened: number[] = []
    try {
      while (opened.length < count) opened.push(openSync(devNull, 'r'))
      return false
    } catch (thrown) {
      return isShortage(thrown)
    } finally {
      for (const fileno of opened) closeSync(fileno)
    }
  }

  /**
   * Repeats what failed for lack of descriptors, with one that was held back. This is synchronous, so nothing else can
   * take the descriptor.
   */
  lend<T> (act: () => T): T {
    this.#closeDispensable()
    this.#giveUp(1)
    try {
      return act()
    } finally {
      this.#refill()
    }
  }

  /**
   * Releases the descriptors that are not for reading, for work that takes longer. The app may use them up for good.
   * Connections cannot, since they are rejected during that time.
   * @returns ends the release, which otherwise ends after a second
   */
  lendSome (): () => void {
    this.#closeDispensable()
    this.#loans++
    this.#giveUp(this.#heldBack.length - FOR_READING)
    const end = (): void => {
      if (!isLent) return
      isLent = false
      clearTimeout(timer)
      if (--this.#loans === 0) this.#refill()
    }
    let isLent = true
    const timer = setTimeout(end, LOAN).unref()
    return end
  }

  get #wanted (): number {
    return Math.max(0, ...this.#users.values())
  }

  #closeDispensable (): void {
    for (const makeRoom of this.#users.keys()) makeRoom()
  }

  #giveUp (count: number): void {
    for (const fileno of this.#heldBack.splice(0, Math.max(count, 0))) closeSync(fileno)
  }

  #refill (): void {
    clearTimeout(this.#timer)
    try {
      while (this.#heldBack.length < this.#wanted) this.#heldBack.push(openSync(devNull, 'r'))
    } catch {
      this.#timer = setTimeout(() => { if (this.#loans === 0) this.#refill() }, RETRY).unref()
    }
  }
}

/** The descriptors of this process. State of the module, since all apps of the process share them. */
export const descriptors = new Descriptors()

/** Whether something has failed because the process, or the system, has no descriptors left. */
export function isShortage (thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return code === 'EMFILE' || code === 'ENFILE'
}

/** The stat of a descriptor; undefined if it is not open. */
export function statOf (fileno: number): Stats | undefined {
  try {
    return fstatSync(fileno)
  } catch {
    return undefined
  }
}

/** Whether two descriptors refer to the same file, pipe or socket. */
export function areSame (one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}

/** What to do if the limit allows fewer connections than maxConnections, for a message. */
export function adviceForLimit (connections: number): string {
  return `at most ${connections} connections can be open. Raise the limit (LimitNOFILE= in a systemd unit, ulimit -n, ` +
    '--ulimit nofile= of Docker), or lower maxConnections'
}

/** The limit in force. Node.js raises it as far as allowed when it starts. */
function readLimit (): number {
  try {
    return parseLimit(/^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1])
  } catch {
    return limitOfReport()
  }
}

/**
 * The limit on systems without /proc, macOS for example. Windows has no limit.
 * @param report the diagnostic report of this process
 */
export function limitOfReport (report = reportOfProcess()): number {
  return parseLimit(report.userLimits?.open_files?.soft)
}

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft?: string | number } }
}

function reportOfProcess (): Report {
  const { report } = process as { report: NodeJS.ProcessReport & { excludeNetwork?: boolean | undefined } }
  const { excludeNetwork } = report
  // Otherwise the report looks up the host names of all peers, and waits for them.
  report.excludeNetwork = true
  try {
    return report.getReport() as Report
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

function parseLimit (text: string | number | undefined): number {
  const limit = Number(text)
  return Number.isSafeInteger(limit) && limit > 0 ? limit : Infinity
}
