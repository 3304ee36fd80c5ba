/** Collects the problems and warnings of an endpoint while its parts are read. */
import type { CheckProblem, CheckWarning } from '../../../types/command-line.js'
import { type ErrorLocation, isCoded, reasonOf } from '../../errors.js'

export class Findings {
  readonly problems: CheckProblem[] = []
  readonly warnings: CheckWarning[] = []

  /** Adds an error, and the errors in its property `errors`. */
  take (thrown: unknown): void {
    this.problems.push(problemOf(thrown))
    const { errors: others = [] } = thrown as { errors?: readonly unknown[] }
    for (const other of others) this.problems.push(problemOf(other))
  }

  warn (kind: CheckWarning['kind'], message: string, where: Pick<CheckWarning, 'argument' | 'file' | 'line'> = {}): void {
    this.warnings.push({ kind, message, ...where })
  }

  /** Adds warnings that another part has found. */
  add (warnings: readonly CheckWarning[]): void {
    this.warnings.push(...warnings)
  }
}

function problemOf (thrown: unknown): CheckProblem {
  const { argument, index, file, line } = thrown as ErrorLocation
  return {
    ...(isCoded(thrown) && { code: thrown.code }),
    message: reasonOf(thrown),
    ...(argument !== undefined && { argument }),
    ...(index !== undefined && { index }),
    ...(file !== undefined && { file }),
    ...(line !== undefined && { line })
  }
}
