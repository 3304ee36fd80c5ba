/** The types that hand on their sockets as they come: what their arguments mean to each other. */
import { isIPv4 } from 'node:net'
import type {
  FdEndpoint, StdioEndpoint, SystemdEndpoint, Tcp6Endpoint, TcpEndpoint, UnixEndpoint
} from '../../types/endpoint.js'
import { conflicting, missing, read, type Bound } from './bind.js'

export function tcp (bound: Bound<'tcp'>): TcpEndpoint {
  return { type: 'tcp', description: bound.description, ...read(bound) }
}

export function tcp6 (bound: Bound<'tcp6'>): Tcp6Endpoint {
  const values = read(bound)
  // Twisted takes the address of the other family, and binds it; there is no IPv6 there to confine to.
  if (values.ipv6Only && isIPv4(values.interface)) {
    throw conflicting(bound, 'ipv6Only', `ipv6Only would do nothing on the IPv4 address ${values.interface}`)
  }
  return { type: 'tcp6', description: bound.description, ...values }
}

export function unix (bound: Bound<'unix'>): UnixEndpoint {
  const { description, given } = bound
  const values = read(bound)
  // A name in the abstract namespace is no file: it has no permissions and leaves nothing behind.
  if (values.address.startsWith('\0')) {
    if (given.has('mode')) throw conflicting(bound, 'mode', 'mode would do nothing on an abstract address, which everybody may connect to')
    if (given.has('lockfile') && values.lockfile) throw conflicting(bound, 'lockfile', 'an abstract address has no lock file: write lockfile=0 or leave it out')
    values.lockfile = false
  }
  return { type: 'unix', description, ...values }
}

export function stdio ({ description }: Bound<'stdio'>): StdioEndpoint {
  return { type: 'stdio', description }
}

export function systemd (bound: Bound<'systemd'>): SystemdEndpoint {
  const values = read(bound)
  if (values.index !== undefined && values.name !== undefined) {
    throw conflicting(bound, 'name', 'index and name both say which descriptor it is: leave one of them out')
  }
  if (values.index === undefined && values.name === undefined) throw missing(bound, 'index', ', and so is name: one of them says which descriptor it is')
  return { type: 'systemd', description: bound.description, ...values }
}

export function fd (bound: Bound<'fd'>): FdEndpoint {
  return { type: 'fd', description: bound.description, ...read(bound) }
}
