/** A listening socket that a parent process passes on, by the number of its descriptor. */
import cluster from 'node:cluster'
import type { FdEndpoint } from '../../types/endpoint.js'
import { BACKLOG, claim, inherit, openInherited, refuseInWorker, unfit } from './descriptor.js'
import { startServer, type Transport, type TransportOptions } from './listening.js'

/**
 * Listens on a descriptor. In a cluster worker, the number is a descriptor of the primary, which passes connections on to
 * its workers.
 * @throws FST_ENDPOINT_DESCRIPTOR_INVALID, FST_ENDPOINT_DESCRIPTOR_TAKEN, FST_ENDPOINT_INHERITED_IN_WORKER
 */
export async function openFd ({ fileno, description }: FdEndpoint, options: TransportOptions): Promise<Transport> {
  if (!cluster.isWorker) return await openInherited(inherit(fileno, description), description, options)
  refuseInWorker(description)
  claim(fileno, description)
  return await startServer(options, (server) => { server.listen({ fd: fileno, backlog: BACKLOG }) })
    .catch((error) => { throw unfit(description, fileno, error) })
}
