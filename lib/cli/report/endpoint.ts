/** Describes one endpoint string and everything that it names. It opens nothing. */
import type { CheckedEndpoint, CheckedTransport } from '../../../types/command-line.js'
import type { Endpoint } from '../../../types/endpoint.js'
import { isSecured, parseEndpoint, unwrap } from '../../description/index.js'
import { conflictBetween } from '../../transports/places.js'
import { Findings } from './findings.js'
import { reviewLimits } from './limits.js'

/** What the strings before this one mean for it, if several are checked together. */
export class Earlier {
  readonly endpoints: Endpoint[] = []
  isLimitReviewed = false
  /** All that are understood. */
  readonly all: readonly Endpoint[]
  /** Whether directories of ACME are asked. */
  readonly isOnline: boolean

  constructor (strings: readonly string[] = [], isOnline = false) {
    this.all = strings.flatMap((text) => parse(text, new Findings()) ?? [])
    this.isOnline = isOnline
  }

  /** Whether one of them demands a certificate of everybody. */
  get isDemanding (): boolean {
    return this.all.some((described) => verifyOf(described) === 'required')
  }
}

/**
 * Reads an endpoint string, and all files that it names.
 * @param now milliseconds since 1970
 * @param earlier the strings before it; it is added
 */
export async function describeEndpoint (text: string, now: number, earlier = new Earlier()): Promise<CheckedEndpoint> {
  const findings = new Findings()
  const described = parse(text, findings)
  const parts = described === undefined ? {} : await describe(described, now, earlier, findings)
  if (described !== undefined) reviewPlace(described, earlier, findings)
  // stdio has one connection, which every limit allows. The limit belongs to the process, so it is
  // reviewed once.
  if (described !== undefined && described.type !== 'stdio' && !earlier.isLimitReviewed) {
    earlier.isLimitReviewed = true
    reviewLimits(findings)
  }
  if (described !== undefined && earlier.isDemanding && verifyOf(described) === 'none') {
    findings.warn('exposed', 'clients need no certificate here, but another string requires one, and all routes of an ' +
      'app are reachable through both. ' +
      'Restrict what is reachable here in an onRequest hook, as docs/operating.md shows under "Probes"')
  }
  const { problems, warnings } = findings
  return { endpoint: text, ok: problems.length === 0, ...parts, problems, warnings }
}

function verifyOf (described: Endpoint): 'none' | 'optional' | 'required' {
  const endpoint = unwrap(described)
  return endpoint.type === 'tls' ? endpoint.verify : 'none'
}

function parse (text: string, findings: Findings): Endpoint | undefined {
  try {
    return parseEndpoint(text)
  } catch (thrown) {
    findings.take(thrown)
    return undefined
  }
}

async function describe (
  described: Endpoint, now: number, { all, isOnline }: Earlier, findings: Findings
): Promise<Pick<CheckedEndpoint, 'transport' | 'proxyProtocol' | 'tls'>> {
  const endpoint = unwrap(described)
  // Modules that a string does not need are not loaded, so that the answer comes at once.
  const { describeTransport } = await import('./transport.js')
  const transport = await describeTransport(endpoint, findings)
  const proxyProtocol = described.type === 'haproxy' ? await proxies(described.proxyFrom, transport) : undefined
  const outer = { transport, ...(proxyProtocol !== undefined && { proxyProtocol }) }
  if (!isSecured(endpoint)) return outer
  const { describeTls } = await import('./tls.js')
  return { ...outer, tls: await describeTls(endpoint, now, { endpoints: all.map(unwrap), isOnline }, findings) }
}

/** One app cannot open a place twice, but strings that are checked together may be for several apps. */
function reviewPlace (described: Endpoint, { endpoints }: Earlier, findings: Findings): void {
  for (const other of endpoints) {
    const advice = conflictBetween(described, other)
    if (advice === undefined) continue
    const which = other.description === described.description ? 'the same string twice' : `both this string and "${other.description}"`
    findings.warn('unfit', `one app cannot listen on ${which}: ${advice}`, { argument: 'address' })
  }
  endpoints.push(described)
}

async function proxies (
  proxyFrom: readonly string[] | undefined, { type, address }: CheckedTransport
): Promise<{ from?: readonly string[] }> {
  if (proxyFrom !== undefined) return { from: proxyFrom }
  // Clients of a unix socket have no address.
  if (type === 'unix' || (type === 'systemd' && address.startsWith('UNIX '))) return {}
  const { DEFAULT_NETWORKS } = await import('../../proxy-protocol/trusted-networks.js')
  return { from: DEFAULT_NETWORKS }
}
