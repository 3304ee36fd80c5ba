/**
 * Finds out whether an app logs to standard output, where stdio: answers its client. Only pino shows
 * that.
 */
import { areSame, statOf } from '../descriptors.js'

const STANDARD_OUTPUT = 1

interface Destination {
  readonly fd?: unknown
  readonly streams?: ReadonlyArray<{ readonly stream?: Destination }>
}

/**
 * Whether a logger writes to standard output. False for what cannot be known: a transport of pino in its own thread, and
 * loggers other than pino.
 */
export function logsToStandardOutput (log: object): boolean {
  const destination = destinationOf(log)
  return (destination?.streams?.map(({ stream }) => stream) ?? [destination]).some((stream) => isStandardOutput(stream?.fd))
}

/** Pino keeps the stream of a logger under a symbol of its own. A child logger inherits it. */
function destinationOf (log: object): Destination | undefined {
  for (let owner: object | null = log; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const key = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'pino.stream')
    if (key !== undefined) return (owner as Record<symbol, Destination>)[key]
  }
  return undefined
}

/** Under inetd, standard error may be the same socket. A terminal may have two descriptors without harm. */
function isStandardOutput (fileno: unknown): boolean {
  if (fileno === STANDARD_OUTPUT) return true
  if (typeof fileno !== 'number' || fileno < 0) return false
  const log = statOf(fileno)
  return log?.isCharacterDevice() === false && areSame(log, statOf(STANDARD_OUTPUT))
}
