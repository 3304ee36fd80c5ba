/**
 * Health of an app: is it listening, and which of its files need attention?
 *
 * It reads nothing, because the last load and the clock have everything that it needs. So a probe may call it every
 * second. A problem appears when the log reports it, and disappears when it is solved. So a file that is being written
 * does not make it flicker.
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
  const reasons: Reason[] = listener.address === undefined ? [{ code: 'not_listening', message: NOT_LISTENING }] : []
  const { certificates, credentialProblems = [], revocations, allowed } = listener.tls ?? {}
  reasons.push(...credentialProblems.map((problem) => reasonOfProblem('credentials_failed', problem)))
  reasons.push(...listener.tls?.acme?.problems.map((problem) => reasonOfProblem('acme_failed', problem)) ?? [])
  if (listener.tls?.lacksCertificate === true) {
    reasons.push({ code: listener.tls.acme === undefined ? 'credentials_failed' : 'acme_failed', message: NO_CERTIFICATE })
  }
  for (const problem of revocations?.watcher.openProblems ?? []) {
    const { file, line } = problem as ErrorLocation
    reasons.push(reasonOfProblem(file === revocations?.list && line === undefined ? 'list_unreadable' : 'revocations_failed', problem))
  }
  reasons.push(...allowed?.watcher.openProblemsOfAllowed.map((problem) => reasonOfProblem('allowed_failed', problem)) ?? [])
  reasons.push(...revocations?.watcher.concerns.map((concern) => reasonOfProblem('revocations_held', concern)) ?? [])
  reasons.push(...certificates?.due.map((due) => reasonOfExpiry('certificate', due)) ?? [])
  reasons.push(...revocations?.watcher.expiring.due.map((due) => reasonOfExpiry('crl', due)) ?? [])
  return groupByCode(reasons, endpoint)
}

const NOT_LISTENING = 'the endpoint is not open: the app does not listen yet, or is closing'

const NO_CERTIFICATE = 'there is no certificate yet: handshakes get the alert unrecognized_name until there is one'

type Reason = Omit<HealthReason, 'endpoint' | 'count'>

function reasonOfProblem (code: HealthReason['code'], problem: Error & ErrorLocation & { code?: ErrorCode }): Reason {
  const { message, code: error, file, line } = problem
  return { code, message, ...(error !== undefined && { error }), ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
}

function reasonOfExpiry (what: 'certificate' | 'crl', { expiring, stage }: Due<Expiring>): Reason {
  const { file, ends } = expiring
  return { code: `${what}_${stage === 'over' ? 'expired' : 'expires_soon'}`, message: expiring[stage], file, ends: new Date(ends) }
}

/** One reason per code, since a folder may hold thousands of files: the first, or the one that expires first. */
function groupByCode (reasons: readonly Reason[], endpoint: string): HealthReason[] {
  const groups = new Map<string, HealthReason>()
  for (const reason of reasons) {
    const group = groups.get(reason.code)
    const isFirst = group === undefined || (reason.ends !== undefined && group.ends !== undefined && reason.ends < group.ends)
    groups.set(reason.code, { ...isFirst ? reason : group, endpoint, count: (group?.count ?? 0) + 1 })
  }
  return [...groups.values()]
}
