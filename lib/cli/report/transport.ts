/** Describes where an endpoint will listen, as far as that is known without listening. */
import { stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import type { CheckedTransport } from '../../../types/command-line.js'
import type { TcpEndpoint, Tcp6Endpoint } from '../../../types/endpoint.js'
import { errors, located } from '../../errors.js'
import { quotePath } from '../../text/printable.js'
import { knowsReusePort } from '../../transports/tcp.js'
import type { Findings } from './findings.js'
import type { SecuredEndpoint, UnwrappedEndpoint } from '../../description/index.js'

type OnTcp = TcpEndpoint | Tcp6Endpoint | SecuredEndpoint

export async function describeTransport (endpoint: UnwrappedEndpoint, findings: Findings): Promise<CheckedTransport> {
  switch (endpoint.type) {
    case 'unix':
      await reviewFolder(endpoint.address, findings)
      return { type: 'unix', address: endpoint.address, mode: endpoint.mode.toString(8), backlog: endpoint.backlog }
    case 'fd': return { type: 'fd', address: `descriptor ${endpoint.fileno}` }
    case 'stdio': return { type: 'stdio', address: 'standard input and output' }
    case 'systemd': return { type: 'systemd', address: `${endpoint.domain} ${endpoint.name ?? endpoint.index}` }
    case 'tls':
      if (endpoint.transport !== undefined) return await describeTransport(endpoint.transport, findings)
      return onTcp(endpoint, findings)
    default: return onTcp(endpoint, findings)
  }
}

function onTcp (endpoint: OnTcp, findings: Findings): CheckedTransport {
  const { port = 0, backlog } = endpoint
  const type = endpoint.type === 'tcp6' ? 'tcp6' : 'tcp'
  const host = endpoint.interface === '' ? '0.0.0.0' : endpoint.interface
  if (endpoint.type === 'tcp' && endpoint.reusePort && !knowsReusePort(process.versions.node)) {
    findings.take(located(new errors.FST_ENDPOINT_REUSE_PORT(process.version), { endpoint: endpoint.description, argument: 'reusePort' }))
  }
  reviewInterface(host, findings)
  return { type, address: `${isIP(host) === 6 ? `[${host}]` : host}:${port}`, backlog }
}

/** Only IP addresses are checked: a host name is resolved when the app listens. */
function reviewInterface (host: string, findings: Findings): void {
  const address = host.replace(/%.*/s, '').toLowerCase()
  if (isIP(address) === 0 || address === '0.0.0.0' || /^[0:]+$/.test(address)) return
  // All of 127.0.0.0/8 can be bound, although the loopback interface lists only one address of it.
  if (/^127\./.test(address)) return
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? [])
  // An IPv6 address has several spellings, so both are compared in the form of a URL.
  if (own.some((known) => spelled(known) === spelled(address))) return
  findings.warn(
    'unfit',
    `this machine has no address ${address}, so it cannot listen there: check interface, unless the string is for another machine`,
    { argument: 'interface' }
  )
}

function spelled (address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address.replace(/%.*/s, '')}]`).hostname : address
}

async function reviewFolder (address: string, findings: Findings): Promise<void> {
  // A name of the abstract namespace has no folder.
  if (address.startsWith('\0')) return
  const folder = dirname(address)
  const isThere = await stat(folder).then((stats) => stats.isDirectory(), () => false)
  if (!isThere) {
    findings.warn(
      'unfit',
      `the folder ${quotePath(folder)} does not exist, so the socket cannot be created in it: create the folder before the app starts`,
      { argument: 'address' }
    )
  }
}
