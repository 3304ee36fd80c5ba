/**
 * When an entry that was removed goes out of force.
 *
 * An added entry takes effect at once. A removed one waits, because most removals only look like one: a file is written in two
 * steps, moved or replaced, or its folder changes during the scan. So a removed entry stays in force until no complete scan
 * has found it for a while.
 */
import { type ErrorLocation, errors, located } from '../../errors.js'

export interface Removal {
  /** Milliseconds for which an entry must be gone. */
  readonly delay: number
  /** When the scan began, in milliseconds of a monotonic clock. */
  readonly now: number
  /** That clock. The time counts from when the scan missed the entry, not from when it began: a scan may take longer than the delay. */
  clock (): number
  /** Whether a reload was requested: then two scans in a row that agree are enough. */
  readonly isConfirming: boolean
}

/** Removed entries that wait. */
export interface Waiting {
  /** The last change. */
  readonly since: number
  /** The first change since which any of them has waited. */
  readonly waitingSince: number
}

/** The default delay in milliseconds, for local disks. */
export const REMOVAL_DELAY = 2000

/** Milliseconds of waiting after which a removal is reported. */
const PATIENCE = 60_000

/** Milliseconds until a removal may be due. */
export function remainingTime ({ since }: Pick<Waiting, 'since'>, { delay, clock }: Pick<Removal, 'delay' | 'clock'>): number {
  return since + delay - clock()
}

/** @param isNew whether this scan is the first that has missed the entry */
export function isDue ({ since }: Pick<Waiting, 'since'>, { delay, now, isConfirming }: Removal, isNew: boolean): boolean {
  // Without a delay, one scan is enough, and it has missed the entry after it began.
  return Math.max(now - since, 0) >= delay || (isConfirming && !isNew)
}

/** Whether it has waited for so long that it is reported. */
export function isOverdue ({ waitingSince }: Pick<Waiting, 'waitingSince'>, { delay, now }: Removal): boolean {
  return now - waitingSince >= Math.max(PATIENCE, 2 * delay)
}

/** @param what a file, a folder or the list */
export function overdueError (what: string, location: ErrorLocation): Error {
  return located(new errors.FST_ENDPOINT_REVOCATION_RESTLESS(what), location)
}
