/**
 * Logs each problem once, and not at each retry. Waits with a problem that a file may have because it is being written
 * at this moment.
 */
import { performance } from 'node:perf_hooks'

/** The part of a logger (pino's, say) that is used. */
export interface ReportLog {
  info (details: object, message: string): void
  warn (details: object, message: string): void
  error (details: object, message: string): void
}

export interface Findings {
  readonly problems: readonly Error[]
  readonly notices: readonly string[]
  readonly warnings: readonly string[]
  /** Findings that are not problems but need attention (none). */
  readonly concerns?: readonly Error[]
}

/** Milliseconds for which a problem may come from a file that is still being written. */
const PATIENCE = 500

export class ProblemReport {
  readonly #subject: string
  readonly #log: ReportLog | undefined
  #problems: ReadonlyMap<string, Error> = new Map()
  #notices: ReadonlySet<string> = new Set()
  #concerns: readonly Error[] = []
  #waitingSince: number | undefined

  /** @param subject what is loaded, as a plural for messages */
  constructor (subject: string, log?: ReportLog) {
    this.#subject = subject
    this.#log = log
  }

  /** The problems that were logged and not solved yet. */
  get openProblems (): readonly Error[] {
    return [...this.#problems.values()]
  }

  /** Findings that need attention although they are not problems. */
  get concerns (): readonly Error[] {
    return this.#concerns
  }

  /**
   * Records the findings of a load, and logs new ones.
   *
   * @param isRacy whether a change came just before the load, so that another load follows soon
   * @returns `failed` for a new problem, `recovered` if there are none any more
   */
  record ({ problems, notices, warnings, concerns = [] }: Findings, { isRacy }: { isRacy: boolean }): 'failed' | 'recovered' | undefined {
    for (const notice of notices) {
      if (!this.#notices.has(notice)) this.#log?.info({}, notice)
    }
    for (const warning of warnings) {
      if (!this.#notices.has(warning)) this.#log?.warn({}, warning)
    }
    this.#notices = new Set([...notices, ...warnings])
    const known = new Set(this.#concerns.map(problemKey))
    for (const err of concerns) {
      if (!known.has(problemKey(err))) this.#log?.warn({ err }, err.message)
    }
    this.#concerns = concerns

    const before = this.#problems
    const added = problems.filter((problem) => !before.has(problemKey(problem)))
    if (added.length > 0 && isRacy && this.#mayWait()) return undefined
    this.#waitingSince = undefined
    this.#problems = new Map(problems.map((problem) => [problemKey(problem), problem]))
    for (const err of added) {
      this.#log?.error({ err }, `${this.#subject} cannot be loaded: the previous content stays in force`)
    }
    if (added.length > 0) return 'failed'
    if (problems.length > 0 || before.size === 0) return undefined
    this.#log?.info({}, `${this.#subject} loaded without problems again`)
    return 'recovered'
  }

  #mayWait (): boolean {
    this.#waitingSince ??= performance.now()
    return performance.now() - this.#waitingSince < PATIENCE
  }
}

function problemKey (problem: Error): string {
  return problem.message
}
