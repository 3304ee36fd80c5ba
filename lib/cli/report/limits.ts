/** Whether the limits of this process are enough for what an app allows its clients. */
import { adviceForLimit, descriptors } from '../../descriptors.js'
import { MOST_CONNECTIONS } from '../../plugin/default-limits.js'
import type { Findings } from './findings.js'

/** The app may run with another limit and another maxConnections than this command. */
export function reviewLimits (findings: Findings): void {
  const { limit, forConnections } = descriptors
  if (forConnections >= MOST_CONNECTIONS) return
  findings.warn(
    'unfit',
    `the limit of open files is ${limit}, too low for maxConnections ${MOST_CONNECTIONS} (the default): ${adviceForLimit(forConnections)}`
  )
}
