/**
 * When what revoked somebody, and is not there any more, goes out of force.
 *
 * What adds a revocation counts at once. What lets somebody in waits, since most of the time it only looks like
 * it: a file that is written in two steps, moved, replaced, or whose folder is changed while it is read. So
 * an entry that is gone stays in force until no complete scan has found it for a while.
 */
import { type ErrorLocation, errors, located } from '../../errors.js'

export interface Removal {
  /** Milliseconds for which an entry must have been gone. */
  readonly delay: number
  /** When the scan began: milliseconds of a clock that nobody sets. */
  readonly now: number
  /** The time by that clock: what is found gone is so since it was found, since a scan may take longer than the delay. */
  clock (): number
  /** Whether somebody has asked for it: two scans in a row that agree are enough then. */
  readonly isConfirming: boolean
}

/** What is gone of something, and waits. */
export interface Waiting {
  /** Since when it has been at rest. */
  readonly since: number
  /** Since when any of it has waited. */
  readonly heldSince: number
}

/** Milliseconds, for local disks. */
export const REMOVAL_DELAY = 2000

/** Milliseconds after which what does not rest is reported. */
const PATIENCE = 60_000

/** Milliseconds until what has waited since then may be over. */
export function leftOf ({ since }: Pick<Waiting, 'since'>, { delay, clock }: Pick<Removal, 'delay' | 'clock'>): number {
  return since + delay - clock()
}

/** @param isNew whether this scan is the first that has found it so */
export function isOver ({ since }: Pick<Waiting, 'since'>, { delay, now, isConfirming }: Removal, isNew: boolean): boolean {
  // Without a delay the scan that has found it gone, after it began, is enough.
  return Math.max(now - since, 0) >= delay || (isConfirming && !isNew)
}

/** Whether it has waited for so long that somebody should know. */
export function isRestless ({ heldSince }: Pick<Waiting, 'heldSince'>, { delay, now }: Removal): boolean {
  return now - heldSince >= Math.max(PATIENCE, 2 * delay)
}

/** @param what a file, a folder or the list */
export function restlessError (what: string, location: ErrorLocation): Error {
  return located(new errors.FST_ENDPOINT_REVOCATION_RESTLESS(what), location)
}
