/**
 * Sockets that systemd passes on, by the protocol of sd_listen_fds(3): LISTEN_PID is the process that gets them,
 * LISTEN_FDS their number, counted from descriptor 3, and LISTEN_FDNAMES their names.
 */
import cluster from 'node:cluster'
import { printable } from '../text/printable.js'
import { errors, located } from '../errors.js'
import type { SystemdEndpoint } from '../../types/endpoint.js'
import { inherit, openInherited, refuseInWorker, type Inherited } from './descriptor.js'
import type { Transport, TransportOptions } from './listening.js'

const FIRST = 3

/** The contents of the variables. */
interface Activation {
  readonly pid: string
  readonly count: string
  readonly names: string | undefined
}

// State of the module, like the environment: the first endpoint deletes the variables, so that no child process uses
// them, and further endpoints need their values.
let activation: Activation | undefined

/**
 * Listens on a socket of systemd. The file of a unix socket belongs to systemd and is not removed.
 * @throws FST_ENDPOINT_SYSTEMD, FST_ENDPOINT_DESCRIPTOR_INVALID, FST_ENDPOINT_DESCRIPTOR_TAKEN,
 *   FST_ENDPOINT_INHERITED_IN_WORKER
 */
export async function openSystemd (endpoint: SystemdEndpoint, options: TransportOptions): Promise<Transport> {
  refuseInWorker(endpoint.description)
  const found = find(endpoint)
  return await openInherited(found, endpoint.description, options)
}

/** The socket of the endpoint: the one with its name and domain. */
function find (endpoint: SystemdEndpoint): Inherited {
  const { domain, description } = endpoint
  const unfit: unknown[] = []
  const sockets = indicesOf(endpoint).flatMap((index) => {
    try {
      return inherit(FIRST + index, description)
    } catch (error) {
      // Several sockets may share a name, for example ListenStream= and ListenDatagram=.
      unfit.push(error)
      return []
    }
  })
  const [match, another] = sockets.filter((socket) => socket.domain === domain)
  if (another !== undefined) {
    throw refusal(
      endpoint, 'name',
      `several descriptors of the domain ${domain} are named ${endpoint.name}: select each by its index`
    )
  }
  if (match !== undefined) return match
  const [other] = sockets
  if (other === undefined) throw unfit[0]
  throw refusal(endpoint, 'domain', `descriptor ${other.fileno} is of the domain ${other.domain}, not ${domain}`)
}

function indicesOf (endpoint: SystemdEndpoint): number[] {
  const { pid, count: fileCount, names: listed } = activation ??= consumeVariables(endpoint)
  if (pid !== String(process.pid)) throw refusal(endpoint, undefined, ofAnother(pid))
  const count = /^[1-9][0-9]{0,9}$/.test(fileCount) ? Number(fileCount) : 0
  if (count === 0) throw refusal(endpoint, undefined, 'LISTEN_FDS is not a number of descriptors')
  const { index, name } = endpoint
  if (index !== undefined) {
    if (index >= count) throw refusal(endpoint, 'index', `there are ${count} descriptors, numbered from 0`)
    return [index]
  }
  if (listed === undefined) {
    throw refusal(
      endpoint, 'name',
      'the descriptors have no names (LISTEN_FDNAMES is not set): write FileDescriptorName= into the socket unit, or use index'
    )
  }
  const names = listed.split(':')
  if (names.length !== count) throw refusal(endpoint, 'name', `LISTEN_FDNAMES has ${names.length} names for ${count} descriptors`)
  const indices = [...names.keys()].filter((index) => names[index] === name)
  if (indices.length === 0) {
    throw refusal(endpoint, 'name', `no descriptor is named ${name}; the names are ${printable(listed.replaceAll(':', ', '))}`)
  }
  return indices
}

function consumeVariables (endpoint: SystemdEndpoint): Activation {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = process.env
  if (pid === undefined || count === undefined) {
    throw refusal(
      endpoint, undefined,
      'systemd passed no socket (LISTEN_PID and LISTEN_FDS are not set): start the service through a socket unit that is ' +
        'enabled and has the name of the service'
    )
  }
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) delete process.env[name]
  return { pid, count, names }
}

function ofAnother (pid: string): string {
  const mismatch = `LISTEN_PID is ${printable(pid)}, and this process is ${process.pid}`
  if (cluster.isWorker && pid === String(process.ppid)) {
    return `${mismatch}: systemd passes its sockets to the primary of a cluster and not to the workers, so give them the ` +
      `type fd, with the number of the primary's descriptor (index 0 is fd:${FIRST})`
  }
  return `${mismatch}: the sockets are for another process. Let ExecStart= start node directly, not through npm or a shell`
}

function refusal (endpoint: SystemdEndpoint, argument: string | undefined, reason: string): Error {
  const { description } = endpoint
  return located(
    new errors.FST_ENDPOINT_SYSTEMD(description, reason),
    { endpoint: description, ...(argument !== undefined && { argument }) }
  )
}
