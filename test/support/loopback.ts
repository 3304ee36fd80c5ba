/** What this machine's loopback interface has, and free ports of it. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'

const hasLoopback6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

/** For the option `skip` of tests that listen on ::1. */
export const withoutLoopback6: false | string = hasLoopback6 ? false : 'this machine has no IPv6 loopback'

/** A port that was free a moment ago, for programs that cannot choose one. */
export async function freePort (host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
