/** Renews the files of a site while its app runs, as different tools do. */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import type { LogCapture } from './log.js'
import type { Site } from './mutual-tls.js'

/** The serial number of the certificate that the server shows on a new connection. */
export async function serverSerial (port: number, site: Site, servername = 'localhost'): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca: site.ca.certificate, cert: site.alice.chain, key: site.alice.key, servername, checkServerIdentity: () => undefined })
  await once(socket, 'secureConnect')
  const serial = (socket.getPeerX509Certificate() as X509Certificate).serialNumber
  socket.destroy()
  return serial
}

/** Waits until credentials were put in force so many times since the start. */
export async function renewals (log: LogCapture, count: number): Promise<void> {
  while (log.about('credentials reloaded').length < count) await once(log, 'line')
}
