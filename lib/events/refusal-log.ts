/**
 * One structured line in the log for each client that is refused or cut, and few for one that hammers.
 */
import type { X509Certificate } from 'node:crypto'
import { printableName } from '../text/printable.js'
import type { ClientEvent } from '../../types/events.js'
import { identifyCertificate } from '../x509/identity.js'
import type { EndpointLog } from '../../types/log.js'

/** Milliseconds after which a client's lines are counted anew. */
const WINDOW = 10_000
const LINES_A_CLIENT = 5
/** Addresses that are counted one by one; the others share a count. */
const MOST_CLIENTS = 1000

export class RefusalLog {
  readonly #log: EndpointLog
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (log: EndpointLog) {
    this.#log = log
  }

  note (event: ClientEvent, message: string): void {
    const client = this.#keyOf(event.remoteAddress ?? 'unix')
    const count = (this.#counts.get(client) ?? 0) + 1
    this.#counts.set(client, count)
    this.#timer ??= setTimeout(() => this.#flush(), WINDOW).unref()
    if (count <= LINES_A_CLIENT) this.#log.warn(describe(event), message)
  }

  close (): void {
    this.#flush()
  }

  #keyOf (address: string): string {
    return this.#counts.has(address) || this.#counts.size < MOST_CLIENTS ? address : 'others'
  }

  #flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [remoteAddress, count] of this.#counts) {
      if (count > LINES_A_CLIENT) this.#log.warn({ remoteAddress, suppressed: count - LINES_A_CLIENT }, 'more refusals of this client are not in the log')
    }
    this.#counts.clear()
  }
}

function describe ({ endpoint, reason, detail, certificate, source, remoteAddress, alerted }: ClientEvent): object {
  return {
    endpoint,
    reason,
    detail,
    ...(certificate !== undefined && describeCertificate(certificate)),
    ...(source !== undefined && { source }),
    ...(alerted !== undefined && { alerted }),
    remoteAddress
  }
}

/** RFC 5280 section 4.1.2.2 allows 20 bytes; OpenSSL takes a serial number of any length. */
const LONGEST_SERIAL = 40

/** What strangers send need not be a certificate in the eyes of anybody but OpenSSL: it has empty names, and BER. */
function describeCertificate (certificate: X509Certificate): object {
  const { serialNumber } = certificate
  return {
    subject: printableName(certificate.subject),
    issuer: printableName(certificate.issuer),
    serial: serialNumber.length > LONGEST_SERIAL ? `${serialNumber.slice(0, LONGEST_SERIAL)}…` : serialNumber,
    tbs: hashOf(certificate)
  }
}

function hashOf (certificate: X509Certificate): string | undefined {
  try {
    return identifyCertificate(certificate.raw).tbs
  } catch {
    return undefined
  }
}
