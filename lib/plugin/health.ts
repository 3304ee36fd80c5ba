/**
 * How an app is: whether it listens, and what of its files needs somebody.
 *
 * All of it is known already, from the last load and from the clock, so that it can be asked for each
 * second. What is told of is what the log has told of, and for as long as it is so: a file that is being
 * written does not make it flicker.
 */
import type { ErrorCode, ErrorLocation } from '../errors.js'
import type { Due, Expiring } from '../watching/expiry-warnings.js'
import type { Listener } from '../layers/listener.js'
import type { EndpointHealth, HealthReason } from '../../types/health.js'

export function healthOf (listeners: readonly Listener[]): EndpointHealth {
  const reasons = listeners.flatMap(reasonsOf)
  const status = reasons.some(({ code }) => code === 'not_listening') ? 'unready' : reasons.length > 0 ? 'degraded' : 'ready'
  return { status, reasons }
}

function reasonsOf (listener: Listener): HealthReason[] {
  const endpoint = listener.endpoint.description
  const found: Found[] = listener.address === undefined ? [{ code: 'not_listening', message: 'the endpoint is not open: the app does not listen yet, or is closing' }] : []
  const { certificates, credentialProblems = [], revocations } = listener.tls ?? {}
  found.push(...credentialProblems.map((problem) => failed('credentials_failed', problem)))
  for (const problem of revocations?.watcher.standing ?? []) {
    const { file, line } = problem as ErrorLocation
    found.push(failed(file === revocations?.list && line === undefined ? 'list_unreadable' : 'revocations_failed', problem))
  }
  found.push(...revocations?.watcher.concerns.map((concern) => failed('revocations_held', concern)) ?? [])
  found.push(...certificates?.due.map((due) => ending('certificate', due)) ?? [])
  found.push(...revocations?.watcher.expiring.due.map((due) => ending('crl', due)) ?? [])
  return grouped(found, endpoint)
}

type Found = Omit<HealthReason, 'endpoint' | 'count'>

function failed (code: HealthReason['code'], problem: Error & ErrorLocation & { code?: ErrorCode }): Found {
  const { message, code: error, file, line } = problem
  return { code, message, ...(error !== undefined && { error }), ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
}

function ending (what: 'certificate' | 'crl', { expiring, stage }: Due<Expiring>): Found {
  return { code: `${what}_${stage === 'over' ? 'expired' : 'expires_soon'}`, message: expiring[stage], file: expiring.file, ends: new Date(expiring.ends) }
}

/** Of each code the first, or the one that ends first, since a folder may hold thousands. */
function grouped (found: readonly Found[], endpoint: string): HealthReason[] {
  const groups = new Map<string, HealthReason>()
  for (const one of found) {
    const group = groups.get(one.code)
    const isFirst = group === undefined || (one.ends !== undefined && group.ends !== undefined && one.ends < group.ends)
    groups.set(one.code, { ...isFirst ? one : group, endpoint, count: (group?.count ?? 0) + 1 })
  }
  return [...groups.values()]
}
