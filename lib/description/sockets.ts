/** The types without TLS: checks of their arguments against each other. */
import { isIPv4 } from 'node:net'
import type {
  FdEndpoint, StdioEndpoint, SystemdEndpoint, Tcp6Endpoint, TcpEndpoint, UnixEndpoint
} from '../../types/endpoint.js'
import { conflicting, missing, read, type BoundArguments } from './bind.js'

export function tcp (bound: BoundArguments<'tcp'>): TcpEndpoint {
  return { type: 'tcp', description: bound.description, ...read(bound) }
}

export function tcp6 (bound: BoundArguments<'tcp6'>): Tcp6Endpoint {
  const values = read(bound)
  // Twisted accepts an IPv4 address here, where there is no IPv6 to confine the socket to.
  if (values.ipv6Only && isIPv4(values.interface)) {
    throw conflicting(bound, 'ipv6Only', `ipv6Only has no effect on the IPv4 address ${values.interface}`)
  }
  return { type: 'tcp6', description: bound.description, ...values }
}

export function unix (bound: BoundArguments<'unix'>): UnixEndpoint {
  const { description, given } = bound
  const values = read(bound)
  // A name in the abstract namespace is not a file: it has no permissions and leaves nothing behind.
  if (values.address.startsWith('\0')) {
    if (given.has('mode')) throw conflicting(bound, 'mode', 'mode has no effect on an abstract address, to which everybody can connect')
    if (given.has('lockfile') && values.lockfile) {
      throw conflicting(bound, 'lockfile', 'an abstract address has no lock file: write lockfile=0, or remove lockfile')
    }
    values.lockfile = false
  }
  return { type: 'unix', description, ...values }
}

export function stdio ({ description }: BoundArguments<'stdio'>): StdioEndpoint {
  return { type: 'stdio', description }
}

export function systemd (bound: BoundArguments<'systemd'>): SystemdEndpoint {
  const values = read(bound)
  if (values.index !== undefined && values.name !== undefined) {
    throw conflicting(bound, 'name', 'index and name both select the descriptor: remove one of them')
  }
  if (values.index === undefined && values.name === undefined) {
    throw missing(bound, 'index', ', and so is name: one of them must select the descriptor')
  }
  return { type: 'systemd', description: bound.description, ...values }
}

export function fd (bound: BoundArguments<'fd'>): FdEndpoint {
  return { type: 'fd', description: bound.description, ...read(bound) }
}
