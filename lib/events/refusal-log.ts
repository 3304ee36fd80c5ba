/**
 * Writes one structured log line for each client that is refused or cut, and a limited number for a client that
 * keeps trying.
 */
import type { X509Certificate } from 'node:crypto'
import { printableName } from '../text/printable.js'
import type { ClientEvent } from '../../types/events.js'
import { identifyCertificate } from '../x509/identity.js'
import type { EndpointLog } from '../../types/log.js'

/** Each client may have this many lines in this many milliseconds. */
const WINDOW = 10_000
const LINES_A_CLIENT = 5
/** Addresses with a count of their own; all others share one. */
const MOST_CLIENTS = 1000

export class RefusalLog {
  readonly #log: EndpointLog
  readonly #counts = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (log: EndpointLog) {
    this.#log = log
  }

  note (event: ClientEvent, message: string): void {
    const client = this.#addressKey(event.remoteAddress ?? 'unix')
    const count = (this.#counts.get(client) ?? 0) + 1
    this.#counts.set(client, count)
    this.#timer ??= setTimeout(() => this.#flush(), WINDOW).unref()
    if (count <= LINES_A_CLIENT) this.#log.warn(describe(event), message)
  }

  close (): void {
    this.#flush()
  }

  #addressKey (address: string): string {
    return this.#counts.has(address) || this.#counts.size < MOST_CLIENTS ? address : 'others'
  }

  #flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [remoteAddress, count] of this.#counts) {
      const suppressed = count - LINES_A_CLIENT
      if (suppressed > 0) this.#log.warn({ remoteAddress, suppressed }, 'further rejections of this client were not logged')
    }
    this.#counts.clear()
  }
}

function describe ({ endpoint, reason, detail, certificate, source, names, remoteAddress, alerted }: ClientEvent): object {
  return {
    endpoint,
    reason,
    detail,
    ...(certificate !== undefined && describeCertificate(certificate)),
    ...(source !== undefined && { source }),
    ...(names !== undefined && { names }),
    ...(alerted !== undefined && { alerted }),
    remoteAddress
  }
}

/** RFC 5280 section 4.1.2.2 allows 20 bytes; OpenSSL accepts any length. */
const LONGEST_SERIAL = 40

/** Certificates of strangers only need to satisfy OpenSSL: names may be empty, and the encoding BER. */
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
