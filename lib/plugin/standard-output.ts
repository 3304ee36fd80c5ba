/**
 * Where an app's log goes, as far as pino tells: an app that answers on its standard output must not
 * write its log there too.
 */
import { areSame, statOf } from '../descriptors.js'

const STANDARD_OUTPUT = 1

interface Destination {
  readonly fd?: unknown
  readonly streams?: ReadonlyArray<{ readonly stream?: Destination }>
}

/**
 * Whether a logger writes to standard output. What a transport of pino does in its own thread, and what a
 * logger that is not pino does, cannot be known.
 */
export function logsToStandardOutput (log: object): boolean {
  const destination = destinationOf(log)
  return (destination?.streams?.map(({ stream }) => stream) ?? [destination]).some((stream) => isStandardOutput(stream?.fd))
}

/** A logger has its stream under a symbol of pino's own; that of a child has it from its parent. */
function destinationOf (log: object): Destination | undefined {
  for (let owner: object | null = log; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const key = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'pino.stream')
    if (key !== undefined) return (owner as Record<symbol, Destination>)[key]
  }
  return undefined
}

/** Under inetd, standard error may be the same socket. Two descriptors of one terminal do no harm. */
function isStandardOutput (fileno: unknown): boolean {
  if (fileno === STANDARD_OUTPUT) return true
  if (typeof fileno !== 'number' || fileno < 0) return false
  const log = statOf(fileno)
  return log?.isCharacterDevice() === false && areSame(log, statOf(STANDARD_OUTPUT))
}
